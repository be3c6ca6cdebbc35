"""Fuzz: whatever is sent to whatever address, the server answers, in FHIR's words, and does not grow.

`CORDEE_FUZZ_REQUESTS` sets how many requests (400 if not given), `CORDEE_FUZZ_SEED` which ones (0 if not given).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from lxml import etree

from bench.server import free_port, wait_ready
from tests.flows.fuzzing import EXAMPLES, OWN, TYPES, Request, requests, seeds

REQUESTS = int(os.environ.get("CORDEE_FUZZ_REQUESTS", "400"))
SEED = int(os.environ.get("CORDEE_FUZZ_SEED", "0"))
MOST_GROWTH_BYTES = 50_000_000


class Running:
    """A server process, and what it answered so far."""

    def __init__(self, base: str, process: int, log: Path) -> None:
        self.process = process
        self.log = log
        self.statuses: Counter[int] = Counter()
        self.client = httpx.Client(base_url=base, timeout=60)

    def send(self, request: Request) -> httpx.Response:
        url = self.client.base_url.copy_with(raw_path=request.target)
        # A host of our own goes behind the others; the client would put its own beside it.
        headers = (
            [(b"host", b"test.example"), *request.headers]
            if b"host" not in dict(request.headers)
            else request.headers
        )
        response = self.client.request(request.method, url, headers=list(headers), content=request.body)
        self.statuses[response.status_code] += 1
        return response

    def resident_bytes(self) -> int:
        """Memory of the process that answers: the worker, a child of the process that was started."""
        workers = [
            int(p) for p in Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()
        ]
        pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in workers]
        return sum(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def running(url: str) -> Iterator[Running]:
    port = free_port()
    command = [sys.executable, "-m", "fhir_server", "serve", "--port", str(port), "--workers", "1"]
    environment = {**os.environ, "CORDEE_DATABASE__URL": url, "CORDEE_LOG_LEVEL": "ERROR"}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(command, env=environment, stdout=errors, stderr=errors)
        try:
            base = f"http://127.0.0.1:{port}"
            wait_ready(base)
            server = Running(base, process.pid, log)
            with server.client:
                yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)


def warm(server: Running) -> None:
    """Meet every type once, so that what is compiled on first use is there: the examples, and a search for each."""
    for name, tree in seeds():
        body = json.dumps(tree).encode()
        server.send(
            Request(
                "PUT", f"/fhir/{name}/{tree['id']}".encode(), ((b"content-type", b"application/json"),), body
            )
        )
    for name in TYPES:
        for accept in (b"application/fhir+json", b"application/fhir+xml"):
            server.send(Request("GET", f"/fhir/{name}?_summary=true".encode(), ((b"accept", accept),), b""))
            body = json.dumps({"resourceType": name, "id": "w", "nothing": [{"a": 1}]}).encode()
            server.send(
                Request("POST", f"/fhir/{name}".encode(), ((b"content-type", b"application/json"),), body)
            )


def check(response: httpx.Response, request: Request, log: Path) -> None:
    status = response.status_code
    assert status < 500 or status == 503, f"{request}\n{response.text}\n{log.read_text()[-3000:]}"
    if status == 405:
        assert response.headers["allow"]
    if request.method == "HEAD" or not response.content:
        assert status < 400 or request.method == "HEAD", request
        return
    content_type = response.headers["content-type"]
    if "json" in content_type:
        tree = json.loads(response.content)
        if status == 200 and b"/Binary" in request.target and "resourceType" not in tree:
            return  # a Binary whose own form is JSON
        kind = tree["resourceType"]
    elif "xml" in content_type:
        kind = etree.QName(etree.fromstring(response.content)).localname
    else:
        assert status == 200  # a Binary in its own form
        return
    if status >= 400:
        assert kind == "OperationOutcome", request


def test_whatever_is_sent_the_server_answers_and_does_not_grow(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    warm(running)
    before = running.resident_bytes()
    running.statuses.clear()

    @seed(SEED)
    @settings(
        max_examples=REQUESTS,
        deadline=None,
        derandomize=False,  # the seed says it
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(requests())
    def fuzz(request: Request) -> None:
        check(running.send(request), request, running.log)

    fuzz()

    growth = running.resident_bytes() - before
    with capsys.disabled():
        sys.stdout.write(
            f"\n{running.statuses.total()} requests: {dict(sorted(running.statuses.items()))}, {growth:,} bytes more\n"
        )
    assert growth < MOST_GROWTH_BYTES
    assert running.client.get("/readyz").status_code == 200


def test_the_fuzzer_has_something_valid_to_begin_with() -> None:
    assert len(seeds()) >= (300 if EXAMPLES.is_dir() else len(OWN))
