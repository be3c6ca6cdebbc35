"""What a statement is told of one, and of several, is the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import pytest

from fhir_server.store.binding import ARRAYS, PACKS, Kind
from fhir_server.store.columns import Columns
from fhir_server.store.pipeline import Pipeline, Statement

COLUMNS: Final = Columns(
    {"pk": "bigint", "type": "smallint", "id": "text", "keys": "bytea", "worth": "float8"}, first=2
)
ROWS: Final = [
    (1, 0, "", b"", 0.5),
    (-(2**63), -(2**15), "l'été\u202f« ; »", b"\x00\\x'", -1.0),
    (2**63 - 1, 2**15 - 1, "null", b"{null}", 1e300),
]


@pytest.fixture
async def pipeline(url: str) -> AsyncIterator[Pipeline]:
    opened = await Pipeline.open(url)
    yield opened
    await opened.close()


async def told(pipeline: Pipeline, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What the statement sees, with the parameter before and the one behind."""
    several = len(rows) > 1
    statement = Statement(
        f"told_{several}",
        f"select u.place::bigint, u.pk, u.type, u.id, u.keys, u.worth, $1::bigint, ${COLUMNS.after}::text"
        f" from {COLUMNS.of(several=several)} order by u.place",
        (PACKS["bigint"][1], *COLUMNS.oids(several=several), PACKS["text"][1]),
        loaded=True,
    )
    params = [PACKS["bigint"][0](7), *COLUMNS.packed(list(zip(*rows, strict=True))), b"behind"]
    return list(await pipeline.run(statement, params))


@pytest.mark.parametrize("rows", [ROWS, ROWS[:2], ROWS[1:2]], ids=["three", "two", "one"])
async def test_each_is_told_under_its_place(pipeline: Pipeline, rows: list[tuple[Any, ...]]) -> None:
    assert await told(pipeline, rows) == [(place, *row, 7, "behind") for place, row in enumerate(rows, 1)]


@pytest.mark.parametrize("kind", sorted(ARRAYS))
def test_there_is_an_array_of_every_kind(kind: Kind) -> None:
    assert ARRAYS[kind] == f"{kind}[]"
    assert ARRAYS[kind] in PACKS
