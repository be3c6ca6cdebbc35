"""`cordee serve` as processes: what is killed comes back, what is stopped finishes first, nothing is left behind."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.processes import Cordee, alive, client, eventually, status_of

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc")

PATIENT = b'{"resourceType":"Patient"}'
JSON = {"Content-Type": "application/fhir+json"}


def half_sent(base: str) -> socket.socket:
    """A connection on which half of a create has been sent."""
    host, port = urlsplit(base).netloc.split(":")
    opened = socket.create_connection((host, int(port)), timeout=60)
    head = f"POST /fhir/Patient HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/fhir+json\r\n"
    opened.sendall(f"{head}Content-Length: {len(PATIENT)}\r\n\r\n".encode() + PATIENT[:10])
    return opened


def sockets(pid: int) -> int:
    """How many a process has open."""
    found = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it has closed it meanwhile
            found += str(file.readlink()).startswith("socket:")
    return found


def test_the_address_is_printed_when_requests_are_answered_and_a_stop_lets_them_finish(url: str) -> None:
    with Cordee("serve", "--port", "0", CORDEE_DATABASE__URL=url) as server:
        base = server.base()
        assert httpx.post(f"{base}/Patient", content=PATIENT, headers=JSON, timeout=5).status_code == 201

        with half_sent(base) as under_way:
            workers = server.workers()
            assert len(workers) == 2
            server.send(signal.SIGTERM)
            # One that has nothing to finish ends; the other waits for the rest of the request.
            eventually(lambda: sum(map(alive, workers)) == 1, "the end of the idle worker")
            under_way.sendall(PATIENT[10:])
            answer = under_way.recv(10_000)

        assert answer.startswith(b"HTTP/1.1 201")
        assert server.wait() == 0
        assert server.said.endswith("Stopped.\n")
        assert not any(map(alive, workers))


def test_connections_that_come_at_a_time_are_shared_out_among_the_workers(url: str) -> None:
    with Cordee("serve", "--port", "0", CORDEE_DATABASE__URL=url) as server:
        host, port = urlsplit(server.base()).netloc.split(":")
        workers = server.workers()
        before = {pid: sockets(pid) for pid in workers}
        opened = [socket.socket() for _ in range(16)]
        try:
            for one in opened:
                one.setblocking(False)
                one.connect_ex((host, int(port)))
            # Who has something else to do for a moment is not waited for, and is behind by one each time.
            eventually(
                lambda: min(sockets(pid) - before[pid] for pid in workers) >= 6, "six connections each"
            )
        finally:
            for one in opened:
                one.close()


def test_a_killed_worker_is_replaced_and_the_workers_of_a_killed_parent_let_go_of_the_port(url: str) -> None:
    with Cordee("serve", "--port", "0", CORDEE_DATABASE__URL=url) as server:
        base = server.base()
        victim, other = server.workers()

        os.kill(victim, signal.SIGKILL)
        eventually(lambda: f"Worker {victim} ended by signal 9" in server.said, "the word of the dead worker")
        eventually(lambda: len(server.workers()) == 2, "another worker")
        with client(base) as http:
            assert http.get("metadata").status_code == 200

        workers = server.workers()
        assert other in workers
        os.kill(server.pid, signal.SIGKILL)
        port = str(urlsplit(base).port)
        with Cordee("serve", "--port", port, CORDEE_DATABASE__URL=url) as successor:
            assert successor.base() == base
            eventually(lambda: not any(map(alive, workers)), "the end of the orphans")
            with client(base) as http:
                assert http.get("metadata").status_code == 200
            assert successor.end(signal.SIGINT) == 0


def test_postgresql_is_brought_back_taken_over_and_not_shared(data_dir: Path) -> None:
    arguments = ("serve", "--port", "0", "--workers", "1", "--data-dir", data_dir)
    with Cordee(*arguments) as server:
        base = server.base()
        with client(base) as http:
            place = (
                http.post("Patient", content=PATIENT, headers=JSON)
                .headers["location"]
                .partition("/_history")[0]
            )

            os.kill(server.postmaster(), signal.SIGKILL)
            seen: list[int] = []

            def told() -> bool:
                seen.append(status_of(http, place))
                return "starting it again" in server.said

            eventually(told, "the second start")
            eventually(lambda: status_of(http, place) == 200, "the stored resource")
            assert set(seen) <= {200, 503}
            assert http.post("Patient", content=PATIENT, headers=JSON).status_code == 201

        with Cordee(*arguments) as second:
            assert second.wait() == 1
            assert f"in use by another Cordée (process {server.pid})" in second.said

        postmaster = server.postmaster()
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert alive(postmaster)
        with Cordee(*arguments) as successor:
            found = httpx.get(f"{successor.base()}/{place.rpartition('/fhir/')[2]}", timeout=60)
            assert found.status_code == 200
            assert "Took over" in successor.said
            assert successor.end() == 0
            assert not alive(postmaster)
