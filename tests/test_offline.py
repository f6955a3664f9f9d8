"""The network is off: in this process, and in every process that a test starts."""

import os
import socket
import subprocess
import sys

import pytest
from realdata import ROOT

pytestmark = pytest.mark.asks_network


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "2001:db8::1"])
def test_other_machines_are_refused(host):
    with pytest.raises(OSError, match="the network is off"):
        socket.create_connection((host, 80), timeout=1)


def test_datagrams_are_refused():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        pytest.raises(OSError, match="the network is off"),
    ):
        udp.sendto(b"?", ("192.0.2.1", 53))


def test_a_refusal_that_is_swallowed_fails_the_test(tmp_path):
    (tmp_path / "test_swallows.py").write_text(
        "import socket\n"
        "def test_swallows():\n"
        "    try:\n"
        "        socket.create_connection(('192.0.2.1', 80), timeout=1)\n"
        "    except OSError:\n"
        "        pass\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": f"{os.environ['PYTHONPATH']}{os.pathsep}{ROOT}"},
        cwd=tmp_path,
    )
    assert "asked for the network" in done.stdout
    assert "1 passed, 1 error" in done.stdout


def test_this_machine_is_not():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()


def test_processes_inherit_it():
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "the network is off" in done.stderr
