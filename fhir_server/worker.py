"""One worker process: uvicorn on a socket that the parent bound. `python -m fhir_server.worker FD`.

https://www.uvicorn.org/settings/
"""

from __future__ import annotations

import ctypes
import gc
import signal
import socket
import sys

import uvicorn

from fhir_server.app import application
from fhir_server.kernel.logs import configure
from fhir_server.settings import Settings

_PR_SET_PDEATHSIG = 1


def main(descriptor: int) -> None:
    _die_with_parent()
    settings = Settings()
    configure(settings.log_level)
    config = uvicorn.Config(
        application(settings),
        loop="uvloop",
        http="httptools",
        ws="none",
        interface="asgi3",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=25,
        backlog=2048,
    )
    # The compiled definitions live as long as the process: the cyclic collector need not walk them.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    # Not uvicorn's `fd`: it takes the descriptor for a Unix socket and leaves Nagle's algorithm on, 40 ms an answer.
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


def _die_with_parent() -> None:
    """Ask Linux for SIGTERM when the parent is killed, so that no orphan keeps the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]))
