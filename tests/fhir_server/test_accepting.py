"""Connections are shared out: here among listeners of one process, and in `test_worker.py` among workers."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fhir_server.accepting import PATIENCE_SECONDS, Listener, Tally
from fhir_server.supervisor import listen


class Holding(asyncio.Protocol):
    """Says that it is there, and holds the connection until the client ends it."""

    def __init__(self, gone: Callable[[], None]) -> None:
        self._gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"!")

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone()


class Door:
    """A listening socket with listeners at some of its places. `held`: connections of each listener."""

    def __init__(self, places: int, folder: Path) -> None:
        self.socket = listen("127.0.0.1", 0)
        with tempfile.TemporaryFile(dir=folder) as shared:
            shared.truncate(Tally.size(places))
            self.tally = Tally(shared.fileno(), places)
        for place in range(places):
            self.tally.leave(place)
        self.held: dict[int, int] = {}
        self.listeners: dict[int, Listener] = {}
        self.clients: list[socket.socket] = []
        self.sockets = [self.socket]
        self.changed = asyncio.Event()

    def open(self, place: int) -> None:
        self.held[place] = 0

        def protocol(gone: Callable[[], None]) -> Holding:
            self.held[place] += 1

            def left() -> None:
                self.held[place] -= 1
                gone()
                self.changed.set()

            return Holding(left)

        # Each has a descriptor of its own, as processes have.
        own = self.socket.dup()
        self.sockets.append(own)
        listener = self.listeners[place] = Listener(own, self.tally, place, protocol)
        listener.start()

    async def come(self, number: int) -> None:
        """So many clients, all at once; returns when all are served."""
        await asyncio.sleep(10 * PATIENCE_SECONDS)  # until nobody lets another one go first any more
        coming = [socket.socket() for _ in range(number)]
        for client in coming:
            client.setblocking(False)
            client.connect_ex(self.socket.getsockname())
        self.clients += coming
        loop = asyncio.get_running_loop()
        answers = await asyncio.gather(*[loop.sock_recv(client, 1) for client in coming])
        assert answers == [b"!"] * number

    async def leave(self, number: int) -> None:
        """So many clients, the first that came; returns when their connections are lost."""
        there = sum(self.held.values())
        for client in self.clients[:number]:
            client.close()
        del self.clients[:number]
        while sum(self.held.values()) > there - number:
            self.changed.clear()
            await self.changed.wait()

    async def close(self) -> None:
        for listener in self.listeners.values():
            listener.close()
        await self.leave(len(self.clients))
        for one in self.sockets:
            one.close()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    opened = Door(2, tmp_path)
    yield opened
    await opened.close()


async def test_connections_that_come_at_a_time_are_shared_out_evenly(door: Door) -> None:
    door.open(0)
    door.open(1)
    await door.come(16)
    assert door.held == {0: 8, 1: 8}
    await door.come(100)
    assert door.held == {0: 58, 1: 58}


async def test_whoever_lost_connections_gets_the_next_ones(door: Door) -> None:
    door.open(0)
    await door.come(4)
    door.open(1)
    await door.come(4)
    assert door.held == {0: 4, 1: 4}
    await door.leave(3)
    assert door.held == {0: 1, 1: 4}
    await door.come(3)
    assert door.held == {0: 4, 1: 4}


async def test_whoever_has_more_takes_what_the_others_leave(door: Door) -> None:
    door.open(0)
    door.tally.tell(1, 0)  # it says so, and is busy with something else
    await door.come(5)
    assert door.held == {0: 5}


async def test_for_whom_has_stopped_nobody_waits(door: Door) -> None:
    door.open(0)
    door.open(1)
    await door.come(2)
    door.listeners[1].close()
    await door.come(3)
    assert door.held == {0: 4, 1: 1}
    assert door.tally.others(0) == []
    await door.leave(5)
    assert door.held == {0: 0, 1: 0}
    assert door.tally.others(0) == []  # what ends behind it does not bring it back


async def test_connections_wait_while_there_are_no_file_descriptors(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    door.open(0)
    await door.come(1)
    client = socket.socket()
    door.clients.append(client)
    client.setblocking(False)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = max(int(name) for name in os.listdir("/proc/self/fd"))
    spare = [os.dup(0) for _ in range(used)]  # so that no number below is free
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(spare) + 1, limit[1]))
    try:
        client.connect_ex(door.socket.getsockname())
        await asyncio.sleep(0.1)
        assert door.held == {0: 1}
        assert [record.message for record in caplog.records] == [
            "Connections have to wait: Too many open files"
        ]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
        for number in spare:
            os.close(number)
    assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), 10) == b"!"
