"""No network: every Python process that finds this folder on its path refuses other hosts.

Python imports `sitecustomize` when it starts, so the kernels that run the lessons are held to it
as well as the tests. Sockets to this machine stay open: a kernel talks to its client over them.
Programs that are not Python, and libraries that open sockets without it, are not held.

`refused` lists what was asked for, so that a test fails even where its error was swallowed.
"""

import ipaddress
import socket
import sys

refused = []


class NetworkIsOff(OSError):
    """A test or a lesson asked for another machine."""


def _is_here(host):
    if isinstance(host, bytes):
        host = host.decode()
    if host in ("", "localhost", None):
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return host == socket.gethostname()


def _refuse(what):
    refused.append(what)
    raise NetworkIsOff(f"the network is off in tests: {what}")


def _refuse_elsewhere(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            _refuse(f"a socket to {address}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not _is_here(arguments[0]):
        _refuse(f"a look-up of {arguments[0]}")


sys.addaudithook(_refuse_elsewhere)
