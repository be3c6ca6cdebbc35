"""Taking connections from a socket that several processes listen on, so that each has about as many as the others.

Left to itself the first process that wakes up takes all that come at a time, as those of a gateway do, and keeps them
for as long as they live; the others have nothing to do. So each process says how many it has in memory that all of
them share, and one that has more than another lets that one go first, for a moment.
"""

from __future__ import annotations

import asyncio
import logging
import mmap
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Final

PATIENCE_SECONDS: Final = 0.001  # for the one with fewer connections to take the next; it may be busy
_REST_SECONDS: Final = 1.0  # when there are no more file descriptors

_NUMBER: Final = struct.Struct("=q")
_AWAY: Final = -1

_log = logging.getLogger(__name__)


class Tally:
    """How many connections each of several processes has: in the file `number`, one number for each place."""

    def __init__(self, number: int, places: int) -> None:
        self._places = range(places)
        self._memory = mmap.mmap(number, places * _NUMBER.size)

    @staticmethod
    def size(places: int) -> int:
        """Bytes of the file."""
        return places * _NUMBER.size

    def tell(self, place: int, connections: int) -> None:
        _NUMBER.pack_into(self._memory, place * _NUMBER.size, connections)

    def leave(self, place: int) -> None:
        """Nobody is at this place, or nobody who takes connections."""
        self.tell(place, _AWAY)

    def others(self, place: int) -> list[int]:
        """How many each of the others has, of those that take connections."""
        found = [
            _NUMBER.unpack_from(self._memory, at * _NUMBER.size)[0] for at in self._places if at != place
        ]
        return [number for number in found if number != _AWAY]


class Listener:
    """Takes connections from `start` to `close`.

    `protocol` makes what serves each, and is given what is to be called when the connection is lost.
    """

    def __init__(
        self,
        listening: socket.socket,
        tally: Tally,
        place: int,
        protocol: Callable[[Callable[[], None]], asyncio.Protocol],
    ) -> None:
        self._socket = listening
        self._tally = tally
        self._place = place
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._connections = 0
        self._resting: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._socket.setblocking(False)
        self._tally.tell(self._place, 0)
        self._loop.add_reader(self._socket, self._came)

    def close(self) -> None:
        """Take no more. What has been taken goes on."""
        self._loop.remove_reader(self._socket)
        if self._resting is not None:
            self._resting.cancel()
        self._tally.leave(self._place)
        self._place = -1

    async def wait_closed(self) -> None:
        """What else asyncio's servers have: it returns at once, for whoever serves the connections waits for them."""

    def _gone(self) -> None:
        self._count(-1)

    def _count(self, more: int) -> None:
        self._connections += more
        if self._place >= 0:
            self._tally.tell(self._place, self._connections)

    def _came(self) -> None:
        others = self._tally.others(self._place)
        if min(others, default=self._connections) < self._connections:
            self._rest(PATIENCE_SECONDS, others)
        else:
            self._take()

    def _rest(self, seconds: float, others: Sequence[int] = ()) -> None:
        self._loop.remove_reader(self._socket)
        self._resting = self._loop.call_later(seconds, self._resume, others)

    def _resume(self, others: Sequence[int]) -> None:
        """Go on, after `others` were let go first."""
        self._loop.add_reader(self._socket, self._came)
        if self._tally.others(self._place) == others:  # they have something else to do
            self._take()

    def _take(self) -> None:
        try:
            taken, _ = self._socket.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            _log.error("Connections have to wait: %s", error.strerror)
            self._rest(_REST_SECONDS)
            return
        taken.setblocking(False)
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._count(1)
        task = self._loop.create_task(self._open(taken))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, taken: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(lambda: self._protocol(self._gone), taken)
        except OSError:  # it has gone again
            taken.close()
            self._gone()
