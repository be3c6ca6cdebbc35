"""One worker process: uvicorn on a socket that the parent bound.

`python -m fhir_server.worker SOCKET PIPE PARENT`: the numbers of the listening socket, of a pipe on which to say that
requests are answered, and of the parent process. https://www.uvicorn.org/settings/
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys

gc.disable()  # what is imported stays: to look for garbage meanwhile takes a sixth of the start

import uvicorn  # noqa: E402

from fhir_server.app import application  # noqa: E402
from fhir_server.kernel.logs import configure  # noqa: E402
from fhir_server.settings import Settings  # noqa: E402
from fhir_server.web.protocol import Protocol  # noqa: E402

_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_DRAIN_SECONDS = 25  # less than the parent waits


class Announcing(uvicorn.Server):
    """Writes one byte to `pipe` when requests are answered."""

    def __init__(self, config: uvicorn.Config, pipe: int) -> None:
        super().__init__(config)
        self._pipe = pipe

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            os.write(self._pipe, b"\n")
        os.close(self._pipe)


def main(listening: int, pipe: int, parent: int) -> None:
    """Serve until SIGTERM, or until the parent is gone; then finish what was begun."""
    _end_with(parent)
    settings = Settings()
    configure(settings.log_level)
    config = uvicorn.Config(
        application(settings),
        loop="uvloop",
        http=Protocol,
        ws="none",
        interface="asgi3",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=True,
        proxy_headers=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        backlog=2048,
    )
    # The compiled definitions live as long as the process: the cyclic collector need not walk them.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()
    server = Announcing(config, pipe)
    server.run([socket.socket(fileno=listening)])
    if not server.started:
        sys.exit(3)


def _end_with(parent: int) -> None:
    """Ask Linux for SIGTERM when the parent is killed, so that no orphan keeps the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the question was asked
        sys.exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
