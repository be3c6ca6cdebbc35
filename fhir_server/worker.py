"""One worker process: uvicorn on a socket that the parent bound.

`python -m fhir_server.worker SOCKET PIPE PARENT TALLY PLACE PLACES`: the numbers of the listening socket, of a pipe on
which to say that requests are answered, of the parent process, and of the file in which workers tell how many
connections they have; this one's place in it, and how many places there are. https://www.uvicorn.org/settings/
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable

gc.disable()  # what is imported stays: to look for garbage meanwhile takes a sixth of the start

import uvicorn  # noqa: E402

from fhir_server.accepting import Listener, Tally  # noqa: E402
from fhir_server.app import application  # noqa: E402
from fhir_server.kernel.logs import configure  # noqa: E402
from fhir_server.settings import Settings  # noqa: E402
from fhir_server.web.protocol import Protocol  # noqa: E402

_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_DRAIN_SECONDS = 25  # less than the parent waits


class Announcing(uvicorn.Server):
    """Takes its part of the connections, and writes one byte to `pipe` when requests are answered."""

    def __init__(self, config: uvicorn.Config, pipe: int, tally: Tally, place: int) -> None:
        super().__init__(config)
        self._pipe = pipe
        self._tally = tally
        self._place = place

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        if self.started:
            for one in sockets or ():
                listener = Listener(one, self._tally, self._place, self._protocol)
                listener.start()
                self.servers.append(listener)  # type: ignore[arg-type]  # they are closed and waited for, and that is all
            os.write(self._pipe, b"\n")
        os.close(self._pipe)

    def _protocol(self, gone: Callable[[], None]) -> Protocol:
        made = Protocol(self.config, self.server_state, self.lifespan.state)
        made.gone = gone
        return made


def main(listening: int, pipe: int, parent: int, tally: int, place: int, places: int) -> None:
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
    )
    # The compiled definitions live as long as the process: the cyclic collector need not walk them.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()
    server = Announcing(config, pipe, Tally(tally, places), place)
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
    main(*map(int, sys.argv[1:]))
