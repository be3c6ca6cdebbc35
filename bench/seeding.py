"""The data that workloads work on, loaded by HTTP, and the table that the floors work on."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import httpx
import orjson
import psycopg

from bench.asking import Pools
from bench.data import observation, patient
from bench.server import Running

PATIENTS = 3000
OBSERVATIONS = 8000
FLOOR_ROWS = PATIENTS + OBSERVATIONS
VERSIONS = 5  # of those that have a story
AT_ONCE = 500  # resources a transaction
COLUMNS = "pk, self, type, id, version, updated, moment, method, deleted, present, refs, body"
_CHANGING = slice(0, 1000)
_STORIED = slice(1000, 1500)
_QUIET = slice(1500, PATIENTS)


def seeded(server: Running) -> Pools:
    """The pools that `workloads.py` names.

    changing: Patients to be updated and patched; storied: Patients of five versions; quiet: Patients that stay at their
    first version, and numbers: those of their identifiers.
    """
    rng = random.Random(42)
    with httpx.Client(base_url=server.base, timeout=120) as client:
        ids = posted(client, [patient(n, rng) for n in range(PATIENTS)])
        for _ in range(1, VERSIONS):
            numbered = zip(range(PATIENTS)[_STORIED], ids[_STORIED], strict=True)
            _transact(client, "PUT", [{**patient(n, rng), "id": one} for n, one in numbered])
        posted(client, [observation(rng.choice(ids), rng) for _ in range(OBSERVATIONS)])
    make_floor(server, orjson.dumps(patient(0, rng)))
    return {
        "changing": ids[_CHANGING],
        "storied": ids[_STORIED],
        "quiet": ids[_QUIET],
        "numbers": [f"{n:015d}" for n in range(PATIENTS)[_QUIET]],
    }


def doomed(server: Running, patients: Sequence[str], count: int) -> list[str]:
    """The ids of `count` new Observations, for a workload to delete."""
    rng = random.Random(43)
    with httpx.Client(base_url=server.base, timeout=120) as client:
        return posted(client, [observation(rng.choice(patients), rng) for _ in range(count)])


def make_floor(server: Running, body: bytes) -> None:
    """A copy of our own table, with its indexes: what the product needs beyond its limits is the server's."""
    with psycopg.connect(server.superuser_url, autocommit=True) as connection:
        connection.execute("create table floor (like resource including all)")
        connection.execute(
            f"insert into floor ({COLUMNS}) select n, n, 1, 'x' || n, 1, n, n, 1, false, '{{}}', '{{}}', %s"
            " from generate_series(1, %s) n",
            [body, FLOOR_ROWS],
        )
        connection.execute("vacuum analyze")


def posted(client: httpx.Client, resources: Sequence[dict[str, Any]]) -> list[str]:
    """Create them; their ids, in their order."""
    ids: list[str] = []
    for start in range(0, len(resources), AT_ONCE):
        ids += _transact(client, "POST", resources[start : start + AT_ONCE])
    return ids


def _transact(client: httpx.Client, method: str, resources: Sequence[dict[str, Any]]) -> list[str]:
    """One transaction; the ids, in its order."""
    entries = [{"resource": one, "request": {"method": method, "url": _url(one)}} for one in resources]
    answer = client.post(
        "/fhir",
        content=orjson.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}),
        headers={"Content-Type": "application/fhir+json"},
    )
    answer.raise_for_status()
    return [entry["response"]["location"].split("/")[1] for entry in answer.json()["entry"]]


def _url(resource: dict[str, Any]) -> str:
    return "/".join(filter(None, (resource["resourceType"], resource.get("id"))))
