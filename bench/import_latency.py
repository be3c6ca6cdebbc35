"""How long a reader waits while the largest Bundle is loaded: reads by id, one at a time, before and during.

`python -m bench.import_latency ../shared/conformance/synthea`
"""

from __future__ import annotations

import http.client
import sys
import threading
import time
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

import httpx

from bench.server import running
from fhir_server.importing_files import Part, files_in, parts_of

QUIET_SECONDS = 3.0
CONNECTIONS = 8
ROUNDS = 3


class Reader:
    """Reads one resource again and again, and notes when each read began and how long it took.

    A connection stays with the worker that took it: one read at a time goes over the next of several connections, so
    that the worker that loads is asked as often as the other one.
    """

    def __init__(self, base: str, path: str) -> None:
        self._connections = [
            http.client.HTTPConnection(urlsplit(base).netloc, timeout=60) for _ in range(CONNECTIONS)
        ]
        self._path = path
        self.reads: list[tuple[float, float]] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._read)

    def _read(self) -> None:
        for connection in cycle(self._connections):
            began = time.perf_counter()
            connection.request("GET", self._path)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            self.reads.append((began, time.perf_counter() - began))
            if self.stop.is_set():
                break
        for connection in self._connections:
            connection.close()

    def between(self, start: float, end: float) -> list[float]:
        return [seconds for began, seconds in self.reads if start <= began < end]


def told(name: str, seconds: list[float]) -> str:
    cuts = quantiles(seconds, n=1000)
    shown = " · ".join(f"p{p / 10:g} {cuts[p - 1] * 1000:.2f} ms" for p in (500, 990, 999))
    return f"{name}: {len(seconds):,} reads · {shown} · longest {max(seconds) * 1000:.1f} ms"


def main(folder: Path) -> None:
    parts = [part for path in files_in([folder]) for part in parts_of(path) if isinstance(part, Part)]
    largest = max(parts, key=lambda part: part.resources)
    with running() as server:
        base = f"{server.base}/fhir"
        headers = {"Content-Type": "application/fhir+json", "Prefer": "return=minimal"}
        with httpx.Client(timeout=600, headers=headers) as client:
            made = client.post(f"{base}/Patient", content=b'{"resourceType":"Patient"}')
            path = urlsplit(made.headers["location"]).path.partition("/_history")[0]
            client.post(base, content=parts[0].body)  # what is compiled on first use is compiled
            for number in range(1, ROUNDS + 1):
                reader = Reader(base, path)
                reader.thread.start()
                quiet = time.perf_counter()
                time.sleep(QUIET_SECONDS)
                began = time.perf_counter()
                answer = client.post(base, content=largest.body)
                ended = time.perf_counter()
                reader.stop.set()
                reader.thread.join()
                print(
                    f"Round {number}: {largest.resources:,} entries in {ended - began:.2f} s, {answer.status_code}"
                )
                print(told("  before", reader.between(quiet, began)))
                print(told("  during", reader.between(began, ended)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
