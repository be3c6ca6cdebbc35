"""Texts inside others: which of them the index finds, and that any way finds the same, on a real PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from fhir_server.search.entries import Hasher
from fhir_server.search.query import Name, Query, Strings, StringValue
from fhir_server.store import texts
from fhir_server.store.binary import unpack_int
from fhir_server.store.connections import PLANNER
from fhir_server.store.embedded import Embedded
from fhir_server.store.migrations.migrate import WrongSchema, migrate
from fhir_server.store.nodes import Leaf
from fhir_server.store.pipeline import Pipeline
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.predicates import Predicates
from fhir_server.store.shapes import FIRST, shape_of
from fhir_server.store.sources import rank
from fhir_server.store.statements import template_of
from fhir_server.store.stretches import stretch_of
from fhir_server.store.trigrams import Merging, has_trigrams, pattern_of

FAMILY, GIVEN = Name("Patient", "family"), Name("Patient", "given")
HASHER = Hasher(b"a secret of tests")
INDEX = "entry_string_trigrams"


def strings(*texts: str, mode: str = "contains", name: Name = FAMILY) -> Strings:
    return Strings(name, tuple(StringValue(text, mode) for text in texts))  # type: ignore[arg-type]  # any mode


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (strings("uye"), True),
        (strings("uye", mode="ends"), True),
        (strings("75011"), True),
        (strings("saint de"), True),
        (strings("uye", "payet"), True),
        (strings("uye", "ye"), False),  # of which one is in too many places
        (strings("ye"), False),
        (strings("de la"), False),
        (strings(""), False),
        (strings("петрова"), False),  # no letters to a database of the locale C
        (strings("петрова anna"), True),
        (strings("uye", mode="starts"), False),
        (strings("uye", mode="exact"), False),
    ],
)
def test_an_index_finds_texts_with_three_letters_in_a_row(asked: Strings, found: bool) -> None:
    assert has_trigrams(asked) == found


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        (StringValue("uye", "contains"), "%uye%"),
        (StringValue("uye", "ends"), "%uye"),
        (StringValue(r"50%_\a", "contains"), r"%50\%\_\\a%"),
    ],
)
def test_what_is_special_to_like_is_not_so_in_a_value(value: StringValue, pattern: str) -> None:
    assert pattern_of(value) == pattern


def test_what_the_index_finds_has_statements_of_its_own() -> None:
    shapes = [shape_of(query_of(strings(text)))[0] for text in ("uye", "payet", "ye")]

    assert shapes[0] == shapes[1] != shapes[2]


def test_a_beginning_leads_before_a_text_inside_and_that_before_a_short_one() -> None:
    asked = (strings("uye", mode="starts"), strings("uye"), strings("ye"))

    ranks = [rank(Leaf(one, FIRST)) for one in asked]

    assert ranks == sorted(set(ranks))


# On a database --------------------------------------------------------------------------------------------------------

WORDS = ("payet", "hoarau", "nguyen", "l hay", "de la tour", "50 rue", "петрова", "aaa", "aab", "baa")
ASKED = (
    *(strings(text) for text in ("aye", "uye", "rau", "hay", "r nguyen", "aaaa", "aab", "50 rue", "absent")),
    *(strings(text, mode="ends") for text in ("yet", "aaa", "tour", "rue")),
    strings("uye", "hoarau"),
    strings("zzz", "often"),
    strings("often"),
)


@pytest.fixture
async def pipeline(url: str) -> AsyncIterator[Pipeline]:
    opened = await Pipeline.open(url, options=PLANNER)
    yield opened
    await opened.close()


def held(url: str, rows: int) -> dict[int, str]:
    """Families by pk, written to the index, those of every twentieth row with `often` in them; and given names."""
    chance = random.Random(rows)
    families = {
        pk: " ".join([*chance.choices(WORDS, k=2), *(["often"] if pk % 20 == 0 else [])])
        for pk in range(rows)
    }
    with psycopg.connect(url, autocommit=True) as connection:
        for name, values in ((FAMILY, families), (GIVEN, dict.fromkeys(range(rows), "uye aye absent"))):
            connection.execute(
                "insert into entry_string (parameter, value, pk) select %s, * from unnest(%s::text[], %s::bigint[])",
                (HASHER.seed(name.type, name.code), list(values.values()), list(values)),
            )
    return families


async def found(pipeline: Pipeline, asked: Strings) -> list[int]:
    predicates = Predicates(("Patient",), HASHER)
    source = stretch_of(predicates, Leaf(asked, FIRST), (), ordered=False)
    template = template_of(f"select c.pk from {source.sql} order by 1", predicates)
    compiled = template.filled([None, asked])
    rows = await pipeline.run(compiled.statement, compiled.params)
    return [unpack_int(pk) for (pk,) in rows if pk is not None]


@pytest.mark.parametrize("rows", [300, 3000])
@pytest.mark.parametrize("sample", [0, texts.SAMPLE], ids=["by the index", "by a sample"])
async def test_a_text_inside_others_is_found_whatever_way_is_taken(
    url: str, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, rows: int, sample: int
) -> None:
    monkeypatch.setattr(texts, "SAMPLE", sample)
    families = held(url, rows)

    for asked in ASKED:
        agree = [pk for pk, text in families.items() if any(agrees(text, value) for value in asked.values)]
        assert await found(pipeline, asked) == agree, asked


async def test_what_has_just_been_written_is_found_before_and_after_it_is_merged(
    url: str, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "SAMPLE", 0)
    held(url, 200)

    before = await found(pipeline, strings("nguyen"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum entry_string")  # which merges as well
        assert pending(connection) == 0
        connection.execute(
            "insert into entry_string values (%s, 'nguyen', 999)", [HASHER.seed("Patient", "family")]
        )
        written = await found(pipeline, strings("nguyen"))
        await Merging(pipeline.run).step()
        assert pending(connection) == 0

    assert written == await found(pipeline, strings("nguyen")) == [*before, 999]


async def test_texts_are_merged_many_at_once_and_not_one_by_one(url: str, pipeline: Pipeline) -> None:
    merging = Merging(pipeline.run)
    held(url, 20)
    await merging.step()

    with psycopg.connect(url, autocommit=True) as connection:
        merged = pending(connection)
        connection.execute("insert into entry_string values (1, 'nguyen', 999)")
        await merging.step()

        assert (merged, pending(connection)) == (0, 1)


async def test_the_background_work_of_a_store_merges_texts(url: str) -> None:
    store = await PostgresStore.open(url)
    held(url, 20)

    await store.index_words()

    await store.close()
    with psycopg.connect(url, autocommit=True) as connection:
        assert pending(connection) == 0


async def test_whoever_does_not_own_the_index_leaves_it_alone(
    url: str, pipeline: Pipeline, embedded: Embedded
) -> None:
    with psycopg.connect(superuser_at(embedded, url), autocommit=True) as connection:
        connection.execute("alter table entry_string owner to postgres")

    await Merging(pipeline.run).step()


def test_the_extension_may_be_in_a_schema_that_is_not_searched(database_url: str, embedded: Embedded) -> None:
    with psycopg.connect(superuser_at(embedded, database_url), autocommit=True) as connection:
        connection.execute('create schema "Add-ons"')
        connection.execute('create extension pg_trgm schema "Add-ons"')

        with pytest.raises(WrongSchema, match='GRANT USAGE ON SCHEMA "Add-ons"'):
            migrate(database_url)
        connection.execute('grant usage on schema "Add-ons" to cordee')

    assert migrate(database_url)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select to_regclass(%s) is not null", [INDEX]).fetchone() == (True,)


def test_a_role_that_may_not_make_the_extension_is_told_who_can(
    database_url: str, embedded: Embedded
) -> None:
    with psycopg.connect(superuser_at(embedded, database_url), autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("alter database {} owner to postgres").format(name))
        connection.execute("grant create on schema public to cordee")

        with pytest.raises(WrongSchema, match="administrator run `CREATE EXTENSION pg_trgm`"):
            migrate(database_url)
        connection.execute("create extension pg_trgm")

    assert migrate(database_url)


def test_a_server_without_the_extension_is_told_what_to_install(data_dir: Path) -> None:
    with Embedded(data_dir, settings={"fsync": "off", "shared_buffers": "64MB"}) as server:
        (control,) = data_dir.glob("binaries-*/**/extension/pg_trgm.control")
        control.unlink()

        with pytest.raises(WrongSchema, match="postgresql-contrib"):
            migrate(server.url)


def agrees(text: str, value: StringValue) -> bool:
    return value.text in text if value.mode == "contains" else text.endswith(value.text)


def query_of(asked: Strings) -> Any:
    return Query(("Patient",), (asked,))


def pending(connection: psycopg.Connection[Any]) -> int:
    """What merging still finds to do, in pages."""
    row = connection.execute("select gin_clean_pending_list(%s::regclass)", [INDEX]).fetchone()
    assert row is not None
    return int(row[0])


def superuser_at(embedded: Embedded, url: str) -> str:
    return embedded.superuser_url(url.partition("@/")[2].partition("?")[0])
