"""The data of the search workloads: the Synthea set, loaded as `cordee import` loads it, and the skewed set.

The folder of the Synthea set is no part of this repository.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
import psycopg
import uvloop

from bench import skewed
from bench.asking import Pools
from bench.data import CODES
from bench.seeding import make_floor, posted
from bench.server import Running
from fhir_server.importing import into_server, run
from fhir_server.importing_files import Part, Refusal, files_in, parts_of
from fhir_server.store.connections import PLANNER
from fhir_server.store.fulltext import index_words
from fhir_server.store.pipeline import Pipeline
from fhir_server.store.watermark import Clock

SYNTHEA: Final = Path(__file__).parents[1] / "../shared/conformance/synthea"
RESOURCES: Final = 133_348
_CONCURRENCY: Final = 4  # transactions at the same time


class Refused(Exception):
    """Not all of the data was taken."""


def absent() -> str:
    """Why this data cannot be loaded here; empty: it can."""
    if SYNTHEA.is_dir():
        return ""
    return "The Synthea set is not at ../shared/conformance/synthea: the search workloads are skipped"


def load_synthea(server: Running) -> None:
    loaded = asyncio.run(_loaded(server.base))
    if loaded != RESOURCES:
        raise Refused(f"{loaded:,} resources of the Synthea set were loaded, not {RESOURCES:,}")


async def _loaded(base: str) -> int:
    def parts() -> Iterator[Part | Refusal]:
        for path in files_in([SYNTHEA]):
            yield from parts_of(path)

    async with httpx.AsyncClient(timeout=600) as client:
        report = await run(
            parts(), into_server(client, f"{base}/fhir"), lambda part, outcome: None, _CONCURRENCY
        )
    if report.refusals or report.away:
        raise Refused(report.away or str(report.refusals[0]))
    return report.loaded


def seeded(server: Running) -> Pools:
    """The pools that `search_workloads.py` names.

    quiet: generated Patients; numbers, followed: the identifiers of all of them and of some with several Observations;
    records: Patients of the Synthea set.
    """
    load_synthea(server)
    rng = random.Random(73)
    with httpx.Client(base_url=server.base, timeout=600) as client:
        records = _ids(client, "/fhir/Patient?_count=1000")
        ids = posted(client, skewed.patients())
        posted(client, list(skewed.observations(ids)))
    settle(server)
    make_floor(server, orjson.dumps(skewed.patients()[0]))
    return {
        "quiet": ids[1:],
        "numbers": [f"{n:015d}" for n in range(1, skewed.PATIENTS)],
        "followed": [f"{n:015d}" for n in range(1, skewed.FOLLOWED)],
        "record": ids[1 : skewed.FOLLOWED],
        "records": records,
        "heavy": [ids[skewed.HEAVY]],
        "codes": ["29463-7", "8302-2", "8867-4", "9279-1", "39156-5", "72514-3", "72166-2", "2708-6"],
        "analytes": [code for code, _ in CODES],
        "months": [f"{year}-{month:02d}" for year in range(2015, 2025) for month in range(1, 13)],
        "amounts": [f"{rng.randrange(10, 3000) / 10}" for _ in range(500)],
        "prefixes": ["gar", "ngu", "celik", "zol", "saint", "dup", "lef", "oeu", "aker"],
        "parts": ["fev", "uye", "pita", "iewsk", "tien", "muller"],
        "words": ["diabetes", "fracture", "sinusitis", "anemia", "pharyngitis", "hypertension", "obesity"],
    }


def settle(server: Running) -> None:
    """Wait until all that is done behind a write has been done."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_take_words(server.url))
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")


async def _take_words(url: str) -> None:
    pipeline = await Pipeline.open(url, statement_timeout_seconds=120, options=PLANNER)
    try:
        while await index_words(pipeline.run, Clock()):
            pass
        # A worker that leads may be taking the last ones.
        while not await _all_taken(url):
            await asyncio.sleep(0.5)
            await index_words(pipeline.run, Clock())
    finally:
        await pipeline.close()


async def _all_taken(url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        cursor = await connection.execute(
            "select not exists (select 1 from resource r, text_mark m where (r.updated, r.pk) > (m.updated, m.pk))"
        )
        row = await cursor.fetchone()
    return row == (True,)


def _ids(client: httpx.Client, path: str) -> list[str]:
    answer = client.get(path)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["entry"]
    return [entry["resource"]["id"] for entry in found]
