"""Words on a real PostgreSQL: what is found, before and after the background has been there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import psycopg
import pytest

from fhir_server.kernel.times import now
from fhir_server.search.entries import Hasher
from fhir_server.search.query import Words
from fhir_server.store.binary import unpack_int
from fhir_server.store.connections import PLANNER
from fhir_server.store.fulltext import index_words, words_condition, words_source
from fhir_server.store.numbers import TYPE_NUMBERS
from fhir_server.store.pipeline import Pipeline, Statement
from fhir_server.store.predicates import Predicates, Source
from fhir_server.store.watermark import STAMP_LOCKS, Clock

SECOND = 1_000_000
TYPES = ("Observation", "Patient")


@pytest.fixture
def connection(url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(url, autocommit=True) as opened:
        yield opened


@pytest.fixture
async def pipeline(url: str) -> AsyncIterator[Pipeline]:
    opened = await Pipeline.open(url, options=PLANNER)
    yield opened
    await opened.close()


def put(connection: psycopg.Connection[Any], pk: int, body: Any, *, at: int | None = None) -> None:
    """The next version of a resource (None: a deletion), as a write leaves it. `at`: seconds; None: now."""
    stamp = at * SECOND if at else now() // 1000 * 1000
    while not at and stamp // 1000 <= fence(connection):  # a moment that nobody has been shown yet
        stamp = now() // 1000 * 1000
    data = None if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
    number = TYPE_NUMBERS["Patient" if data and b'"Patient"' in data else "Observation"]
    values = [pk, pk, number, str(pk), stamp, data is None, data]
    connection.execute(
        "insert into resource (pk, self, type, id, version, updated, moment, method, deleted, present, refs, body)"
        " values (%s, %s, %s, %s, 1, %s, 0, 1, %s, '{}', '{}', %s) on conflict (pk) do update"
        " set version = resource.version + 1, updated = excluded.updated, deleted = excluded.deleted,"
        " body = excluded.body",
        values,
    )


def fence(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("select coalesce(pg_sequence_last_value('fence'::regclass), 0)").fetchone()
    assert row is not None
    return int(row[0])


def note(text: str, **rest: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "note": [{"text": text}], **rest}


def told(div: str, **rest: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "text": {"status": "generated", "div": f"<div>{div}</div>"},
        **rest,
    }


async def found(
    pipeline: Pipeline, text: str, *, part: Any = "content", types: tuple[str, ...] = ("Observation",)
) -> list[int]:
    """The numbers of those that have the words: as a source and as a condition, which must agree."""
    words = Words(part, text)
    answers = []
    for way in ("source", "row", "probe"):
        predicates = Predicates(types, Hasher(b"secret of the tests"), words_condition)
        if way == "source":
            source = words_source(predicates, words, types)
            sql = (
                f"select c.pk from {source.sql} where {source.condition}"
                if source
                else "select 0 where false"
            )
        else:
            source = Source("resource c", row=way == "row")
            numbers = predicates.bind("bigint[]", [TYPE_NUMBERS[name] for name in types or TYPES])
            condition = words_condition(predicates, words, source)
            sql = (
                f"select c.pk from resource c where c.type = any({numbers}) and not c.deleted and {condition}"
            )
        if predicates.common:
            sql = f"with recursive {', '.join(predicates.common)} {sql}"
        statement = Statement(f"{way}{hash(sql)}", sql, tuple(predicates.parameters.oids))
        rows = await pipeline.run(statement, predicates.parameters.values)
        answers.append(sorted(unpack_int(row[0] or b"") for row in rows))
    assert answers[0] == answers[1] == answers[2]
    return answers[0]


async def index(pipeline: Pipeline, **options: Any) -> None:
    while await index_words(pipeline.run, Clock(), **options):
        pass


def indexed(connection: psycopg.Connection[Any]) -> list[int]:
    return [row[0] for row in connection.execute("select pk from entry_text order by pk").fetchall()]


LIBRARY: list[Any] = [
    note("Le patient hospitalisé la veille"),
    note("Patientes hospitalisées", component=[{"valueString": "Chute dans l'escalier"}]),
    note("Œdème des membres inférieurs", name=[{"given": ["Jean-Pierre"]}]),
    b'{"resourceType":"Observation","v":37.5,"unit":"mg/dL","mail":"given@example.org"}',
    told('<p class="bold">Asthme</p><!-- secret --><p>aigu, c&oelig;ur</p>', x="fiche"),
    told("h&ocirc;pital, &#233;t&#xE9;, &eacute;lev&#0233;, &#x110000; &#0; &#99999999999;"),
]


@pytest.fixture(scope="module", params=[False, True], ids=["at once", "from the index"])
def library_url(databases: Any, migrated: str, request: pytest.FixtureRequest) -> Iterator[str]:
    made: str = databases.create(template=migrated)
    with psycopg.connect(made, autocommit=True) as opened:
        for pk, body in enumerate(LIBRARY, 1):
            put(opened, pk, body)

    async def fill() -> None:
        pipeline = await Pipeline.open(made, options=PLANNER)
        await index(pipeline)
        await pipeline.close()

    if request.param:
        asyncio.run(fill())
    yield made
    databases.drop(made)


@pytest.fixture
async def library(library_url: str) -> AsyncIterator[Pipeline]:
    opened = await Pipeline.open(library_url, options=PLANNER)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("hospitalisé", [1, 2]),
        ("hospitalisees", [1, 2]),  # without accents, as inflected as one likes
        ("HOSPITALISÉES", [1, 2]),
        ("patiente", [1, 2]),
        ("patient chute", [2]),
        ("chute de la patiente", [2]),  # the small words are passed over
        ('"chute dans l’escalier"', [2]),
        ('"escalier dans chute"', []),
        ("la", [1]),  # unless there is nothing else
        ("oedeme", [3]),
        ("œdème", [3]),
        ("Jean-Pierre", [3]),
        ("pierre", [3]),
        ("(asthme OR oedème) and pierre", [3]),
        ("patient -chute", [1]),
        ("hospital*", [1, 2]),
        ("metastases", []),
        ("37.5", [4]),
        ("mg/dl", [4]),
        ("given@example.org", [4]),
        ("example", [4]),
        ("a & | ! ' :* \\ <-> (", []),
        ("...", []),
        ("x" * 5000, []),
    ],
)
async def test_content_is_found_in_the_words_of_french_people(
    library: Pipeline, asked: str, numbers: list[int]
) -> None:
    assert await found(library, asked) == numbers


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("asthme", [5]),
        ("div", []),
        ("bold", []),  # an attribute
        ("secret", []),  # a comment
        ("fiche", []),  # content, not narrative
        ("cœur", [5]),
        ("hôpital", [6]),
        ("été élevé", [6]),
        ("l'asthme", [5]),
        ('"asthme aigu"', [5]),
        ("-asthme", [1, 2, 3, 4, 6]),
    ],
)
async def test_text_is_found_in_the_narrative_alone(
    library: Pipeline, asked: str, numbers: list[int]
) -> None:
    assert await found(library, asked, part="narrative") == numbers


@pytest.mark.parametrize(
    "hidden",
    [
        {"resourceType": "Observation", "data": "chute"},
        {
            "resourceType": "Observation",
            "valueAttachment": {"contentType": "x/y", "data": "chute", "hash": "chute"},
        },
        {"resourceType": "Observation", "subject": {"reference": "Patient/chute"}},
        {"resourceType": "Observation", "code": {"coding": [{"system": "http://example.org/chute"}]}},
        {"resourceType": "Observation", "chute": True},
    ],
)
async def test_data_addresses_and_names_of_elements_are_not_content(
    connection: psycopg.Connection[Any], pipeline: Pipeline, hidden: dict[str, Any]
) -> None:
    put(connection, 1, hidden)

    assert await found(pipeline, "chute") == []


@pytest.mark.parametrize("later", [False, True], ids=["at once", "from the index"])
@pytest.mark.parametrize(
    "body",
    [
        note(" ".join(f"mot{number}" for number in range(300_000)) + " fin"),  # past the limit of a tsvector
        note("début " + "abc " * 100_000 + "fin"),
        note("début " + "x" * 300_000),
        b'{"resourceType":"Observation","a":"mot0 d\\u0000but"}',
        b'{"resourceType":"Observation","a":"mot0 debut","b":1e999999}',
    ],
    ids=["many words", "long", "one word", "NUL", "number"],
)
async def test_no_body_is_too_much(
    connection: psycopg.Connection[Any], pipeline: Pipeline, body: Any, later: bool
) -> None:
    put(connection, 1, body)
    if later:
        await index(pipeline)

    assert await found(pipeline, "mot0 or début") == [1]


async def test_a_long_text_is_known_to_its_end(
    connection: psycopg.Connection[Any], pipeline: Pipeline
) -> None:
    put(connection, 1, note("début " + "encore un mot " * 20_000 + "terminus"))
    await index(pipeline)

    assert await found(pipeline, "terminus encore début") == [1]


async def test_types_are_told_apart(connection: psycopg.Connection[Any], pipeline: Pipeline) -> None:
    put(connection, 1, note("chute"))
    put(connection, 2, {"resourceType": "Patient", "address": [{"text": "chute"}]})
    await index(pipeline)
    put(connection, 3, {"resourceType": "Patient", "address": [{"text": "chute"}]})

    assert await found(pipeline, "chute") == [1]
    assert await found(pipeline, "chute", types=("Patient",)) == [2, 3]
    assert await found(pipeline, "chute", types=TYPES) == [1, 2, 3]
    assert await found(pipeline, "chute", types=()) == [1, 2, 3]


async def test_an_indexed_version_says_nothing_of_the_next(
    connection: psycopg.Connection[Any], pipeline: Pipeline
) -> None:
    for pk in (1, 2, 3):
        put(connection, pk, note("chute"))
    await index(pipeline)
    put(connection, 1, note("fracture"))
    put(connection, 2, None)

    assert await found(pipeline, "chute") == [3]
    assert await found(pipeline, "fracture") == [1]
    assert await found(pipeline, "-chute") == [1]

    await index(pipeline)

    assert indexed(connection) == [1, 3]
    assert await found(pipeline, "chute") == [3]
    assert await found(pipeline, "fracture") == [1]


async def test_the_index_is_filled_in_steps_and_versions_of_one_stamp_are_not_lost(
    connection: psycopg.Connection[Any], pipeline: Pipeline
) -> None:
    for pk in range(1, 11):
        put(connection, pk, note("chute"), at=5)

    assert await index_words(pipeline.run, Clock(), batch=3)
    assert indexed(connection) == [1, 2, 3]
    assert await found(pipeline, "chute") == list(range(1, 11))

    await index(pipeline, batch=3)
    assert indexed(connection) == list(range(1, 11))
    assert not await index_words(pipeline.run, Clock())


async def test_a_step_holds_a_few_megabytes(connection: psycopg.Connection[Any], pipeline: Pipeline) -> None:
    for pk in (1, 2, 3):
        put(connection, pk, note("x" * 3_000_000))

    assert await index_words(pipeline.run, Clock())
    assert indexed(connection) == [1, 2]


async def test_what_may_still_be_committed_before_is_waited_for(
    url: str, connection: psycopg.Connection[Any], pipeline: Pipeline
) -> None:
    with psycopg.connect(url) as writer:
        writer.execute("select pg_advisory_xact_lock_shared(%s)", [STAMP_LOCKS | 7000])
        put(writer, 7, note("chute"), at=7)
        put(connection, 6, note("chute"), at=6)
        put(connection, 8, note("chute"), at=8)
        await index(pipeline)

        assert indexed(connection) == [6]
        assert await found(pipeline, "chute") == [6, 8]

    assert await found(pipeline, "chute") == [6, 7, 8]
    await index(pipeline)
    assert indexed(connection) == [6, 7, 8]


async def test_a_step_leaves_alone_what_another_worker_is_at(
    url: str, connection: psycopg.Connection[Any], pipeline: Pipeline
) -> None:
    put(connection, 1, note("chute"))
    with psycopg.connect(url) as other:
        other.execute("select * from text_mark for update")

        assert not await index_words(pipeline.run, Clock())

    assert indexed(connection) == []
    await index(pipeline)
    assert indexed(connection) == [1]


async def test_a_search_of_few_types_is_answered_by_the_index(
    connection: psycopg.Connection[Any], pipeline: Pipeline
) -> None:
    predicates = Predicates(("Observation",), Hasher(b"secret of the tests"), words_condition)
    source = words_source(predicates, Words("content", "chute"), ("Observation",))
    assert source is not None
    sql = f"explain with recursive {', '.join(predicates.common)} select c.pk from {source.sql}"
    rows = await pipeline.run(
        Statement("explain", sql, tuple(predicates.parameters.oids)), predicates.parameters.values
    )
    plan = b"\n".join(row[0] or b"" for row in rows).decode()

    assert "Bitmap Index Scan on entry_text_words" in plan
    assert "Index Scan using resource_updated" in plan
    assert "Seq Scan" not in plan
