"""The same runs on a Dask cluster: `client` is the user's, and nothing of Dask is imported here.

Invariant: each run is answered once. A worker that dies takes along what it was doing and what it
had not handed over; Dask has another one do that again, and only what arrives is counted.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import importlib.util
import time
import uuid
from collections.abc import Generator, Mapping
from typing import Any

from tracklab import errors
from tracklab.sweeps.grid import Parameters
from tracklab.sweeps.running import FAILED, Run, Task, in_words, one

SECONDS_TO_LOOK = 0.05
SECONDS_TO_FETCH = 60.0  # a result whose worker has just died is computed again meanwhile
INSTALL = "pip install distributed"


def check(client: Any) -> None:
    """Raises `InputError` for what is no client of Dask's, or one that is closed or asynchronous;
    `MissingError` where Dask is not installed.
    """
    wanted = "a client of Dask's, like distributed.Client(address)"
    if not all(callable(getattr(client, name, None)) for name in ("map", "cancel", "gather")):
        if importlib.util.find_spec("distributed") is None:
            raise errors.MissingError(
                f"client: got {errors.describe(client)}, and Dask is not installed; {INSTALL}, "
                f"then give {wanted}"
            )
        errors.bad("client", client, wanted)
    if getattr(client, "asynchronous", False):
        errors.bad("client", errors.Said("an asynchronous one"), wanted)
    if getattr(client, "status", "running") != "running":
        errors.bad("client", errors.Said(f"one that is {client.status}"), wanted)


def outcomes(
    client: Any, task: Task, runs: Mapping[str, Parameters], name: str
) -> Generator[tuple[str, Run]]:
    """Run on the cluster, and tell of each run when it arrives: its identity and what became of it.

    runs: parameters by identity. When the caller stops, what is not finished is cancelled. Raises
    `InputError` for a task that cannot be sent, `MissingError` where the cluster is gone.
    """
    call = uuid.uuid4().hex[:8]  # a sweep that is run again is other work to Dask
    try:
        futures = client.map(
            one,
            list(runs.values()),
            task=task,
            key=[f"{name}-{identity}-{call}" for identity in runs],
            pure=False,
        )
    except (TypeError, AttributeError, ValueError, RecursionError) as error:
        said = error.__cause__ or error.__context__ or error  # Dask wraps it in what it makes of it
        came = errors.Said(f"one that cannot be sent ({in_words(said)})")
        errors.bad("task", came, "a function of a module, or one that holds plain values only")
    waiting = dict(zip(runs, futures, strict=True))
    del futures  # a result that nobody holds is let go of by the cluster
    try:
        while waiting:
            ready = [identity for identity, future in waiting.items() if future.done()]
            if not ready:
                time.sleep(SECONDS_TO_LOOK)
            for identity in ready:
                try:
                    run = waiting[identity].result(timeout=SECONDS_TO_FETCH)
                except TimeoutError:
                    continue
                except (asyncio.CancelledError, concurrent.futures.CancelledError) as error:
                    if not waiting[identity].cancelled():  # only the fetching was
                        continue
                    raise errors.MissingError(
                        f"client: the cluster is gone, or was started anew ({in_words(error)}); "
                        "what is finished is kept"
                    ) from None
                except Exception as error:  # its workers died of it, or cannot read the task
                    died = type(error).__name__ == "KilledWorker"
                    why = "its process died each time it was tried" if died else in_words(error)
                    run = Run(runs[identity], FAILED, error=why)
                del waiting[identity]
                yield identity, run
    finally:
        if waiting:
            with contextlib.suppress(Exception):  # the cluster may be gone
                client.cancel(list(waiting.values()))
