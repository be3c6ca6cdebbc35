"""An import that is shot at: the importer and the server are killed at random points, and the import is run again.

`python -m bench.import_kills FOLDER` does it by hand with any folder of transaction Bundles of one patient each.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import orjson

from fhir_server.importing_files import Part, files_in, parts_of
from tests.processes import Cordee, eventually

LONG_SECONDS = 1200.0


@dataclass(slots=True)
class Story:
    """What happened. `counts`: type → resources on the server in the end; `rerun`: what one more import said."""

    kills: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    rerun: str = ""


def contents_of(folder: Path) -> Counter[str]:
    """Type → how many resources the Bundles of a folder hold."""
    counts: Counter[str] = Counter()
    for path in files_in([folder]):
        for part in parts_of(path):
            assert isinstance(part, Part)
            counts.update(entry["resource"]["resourceType"] for entry in orjson.loads(part.body)["entry"])
    return counts


def import_under_fire(folder: Path, data: Path, seed: int, shots: Sequence[str], workers: int = 1) -> Story:
    """Import `folder` over HTTP while each of `shots` ("importer" or "server") is fired once at a random point."""
    dice = random.Random(seed)
    story = Story()
    expected = contents_of(folder)
    points = sorted(dice.sample(range(expected["Patient"]), len(shots)))
    serve = ("serve", "--workers", str(workers), "--data-dir", data, "--port")
    server = Cordee(*serve, "0")
    base = server.base()
    port = str(urlsplit(base).port)
    importer = Cordee("import", "--url", base, folder)
    try:
        for shot, point in zip(shots, points, strict=True):
            wait_for_bundles(point + 1, base, importer)
            time.sleep(dice.uniform(0, 0.3))
            story.kills.append(f"{shot} after {patients(base)} Bundles")
            if shot == "importer":
                importer.process.kill()
                importer.wait()
                importer = Cordee("import", "--url", base, folder)
            else:
                server.kill_everything()
                server = Cordee(*serve, port)
                server.base()
        assert importer.wait(LONG_SECONDS) == 0, importer.said
        with Cordee("import", "--url", base, folder) as again:
            assert again.wait(LONG_SECONDS) == 0, again.said
            story.rerun = again.said
        story.counts = counts_at(base, expected)
        assert server.end(signal.SIGTERM) == 0
    finally:
        for process in (importer, server):
            with process:
                pass
    return story


def wait_for_bundles(number: int, base: str, importer: Cordee) -> None:
    """Wait until `number` Bundles are there, or the import has ended."""
    eventually(
        lambda: patients(base) >= number or importer.process.poll() is not None,
        f"the import of {number} Bundles",
        LONG_SECONDS,
        pause_seconds=0.1,  # a question is work for the server too
    )


def counts_at(base: str, types: Mapping[str, int]) -> dict[str, int]:
    return {name: total(base, name) for name in types}


def total(base: str, resource_type: str) -> int:
    answer = httpx.get(f"{base}/{resource_type}?_summary=count", timeout=60)
    number: int = answer.json()["total"]
    return number


def patients(base: str) -> int:
    """How many patients there are; 0 while the server is away."""
    try:
        return total(base, "Patient")
    except (httpx.TransportError, KeyError):
        return 0
