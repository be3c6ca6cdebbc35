"""Every caller gets its own answer or a clean refusal, never another's.

Each statement carries a token of its own, and each answer is compared with the token that was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.store import line
from fhir_server.store.binary import BYTEA, INT4, INT8, TEXT, pack_int4, pack_int8, pack_text
from fhir_server.store.pipeline import Pipeline, Statement
from tests.fhir_server.store.pipes import DIVIDE, ECHO, LOADED, NOTE, echo, outcomes, repeatedly, token

# Answers


async def test_values_go_in_and_come_out_in_binary(shared: Pipeline) -> None:
    statement = Statement("several", "select $1::int8 + 1, $2::text, $3::bytea", (INT8, TEXT, BYTEA))

    rows = await shared.run(statement, [pack_int8(41), pack_text("é"), b"\0\xff"])

    assert rows == [(pack_int8(42), "é".encode(), b"\0\xff")]


async def test_loaded_rows_hold_values_and_others_on_the_line_bytes(shared: Pipeline) -> None:
    texts = b"a", "œ".encode()
    found: Sequence[Any] = await asyncio.gather(
        shared.run(LOADED, texts[:1]), shared.run(ECHO, [b"b"]), shared.run(LOADED, texts[1:])
    )
    loaded, told, again = found

    assert loaded == [("a", 0, 0, 0.0, False, b"\x00\xff", None), ("a", 1, 1, 0.5, True, b"\x00\xff", None)]
    assert told == [(b"b",)]
    assert [row[0] for row in again] == ["œ", "œ"]


async def test_a_null_is_none_both_ways(shared: Pipeline) -> None:
    assert await shared.run(ECHO, [None]) == [(None,)]


async def test_rows_come_in_their_order(shared: Pipeline) -> None:
    statement = Statement("series", "select i from generate_series(1, $1) i", (INT4,))

    assert await shared.run(statement, [pack_int4(3)]) == [(pack_int4(1),), (pack_int4(2),), (pack_int4(3),)]
    assert await shared.run(statement, [pack_int4(0)]) == []


async def test_a_statement_without_rows_answers_none(shared: Pipeline) -> None:
    assert await shared.run(Statement("create", "create temp table t (i int)", ()), []) == []
    assert await shared.run(Statement("nothing", "", ()), []) == []


async def test_a_value_of_no_bytes_is_not_null(shared: Pipeline) -> None:
    assert await shared.run(ECHO, [b""]) == [(b"",)]


async def test_each_of_many_callers_gets_its_own_answer(shared: Pipeline) -> None:
    await asyncio.gather(*(echo(shared) for _ in range(1000)))


async def test_large_values_pass_both_ways_while_others_are_served(shared: Pipeline) -> None:
    statement = Statement("bytes", "select $1", (BYTEA,))
    bodies = [bytes([i]) * 10_000_000 for i in range(4)]
    longest_pause, beating = 0.0, True

    async def beat() -> None:
        nonlocal longest_pause
        clock = asyncio.get_running_loop().time
        while beating:
            before = clock()
            await asyncio.sleep(0.001)
            longest_pause = max(longest_pause, clock() - before)

    heart = asyncio.create_task(beat())
    calls: list[Awaitable[Any]] = [shared.run(statement, [body]) for body in bodies]
    calls += [echo(shared) for _ in range(20)]
    async with asyncio.timeout(60):
        answers = await asyncio.gather(*calls)
    beating = False
    await heart

    assert [answer == [(body,)] for answer, body in zip(answers, bodies, strict=False)] == [True] * 4
    assert longest_pause < 0.5


async def test_the_session_has_its_settings(database: str) -> None:
    names = (
        "statement_timeout",
        "jit",
        "application_name",
        "idle_session_timeout",
        "search_path",
        "work_mem",
    )
    settings = Statement("settings", "select " + ", ".join(f"current_setting('{n}')" for n in names), ())
    opened = await Pipeline.open(
        f"{database}&options=-c%20work_mem%3D5MB",
        statement_timeout_seconds=1.5,
        application_name="a test",
        options={"search_path": '"a b", public'},
    )

    rows = await opened.run(settings, [])
    await opened.close()

    assert rows == [(b"1500ms", b"off", b"a test", b"0", b'"a b", public', b"5MB")]


# Errors


@repeatedly
async def test_an_error_between_two_good_statements_is_its_callers_alone(
    shared: Pipeline, round_: int
) -> None:
    first, second = token(), token()

    answers = await outcomes(
        [shared.run(ECHO, [first]), shared.run(DIVIDE, [pack_int4(0)]), shared.run(ECHO, [second])]
    )

    assert answers[0] == [(first,)]
    assert type(answers[1]) is psycopg.errors.DivisionByZero
    assert answers[2] == [(second,)]


async def test_an_error_names_the_constraint_and_no_value(
    writers: Pipeline, admin: psycopg.AsyncConnection[Any]
) -> None:
    await admin.execute("alter table noted add constraint once unique (token)")
    await writers.run(NOTE, [b"Durand"])

    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        await writers.run(NOTE, [b"Durand"])

    error = caught.value
    assert (error.sqlstate, error.diag.constraint_name, error.diag.table_name) == ("23505", "once", "noted")
    assert error.diag.message_detail is None
    assert str(error) == error.diag.message_primary
    assert "Durand" not in repr(vars(error))


async def test_an_error_of_an_unknown_kind_keeps_its_state(shared: Pipeline) -> None:
    odd = Statement("odd", "do $$ begin raise exception 'odd' using errcode = 'ZZ999'; end $$", ())

    with pytest.raises(psycopg.DatabaseError, match=r"^odd$") as caught:
        await shared.run(odd, [])

    assert caught.value.sqlstate == "ZZ999"


async def test_a_failure_at_commit_is_told(writers: Pipeline, admin: psycopg.AsyncConnection[Any]) -> None:
    """The rows arrive before the commit: they are no answer until it has happened."""
    await admin.execute("alter table noted add constraint late unique (token) deferrable initially deferred")
    insert = "insert into noted (token) values ($1), ($1) returning token"
    twice = Statement("twice", insert, (TEXT,))

    answers = await outcomes([echo(writers), writers.run(twice, [token()]), echo(writers)])

    assert [type(answer) for answer in answers] == [type(None), psycopg.errors.UniqueViolation, type(None)]


async def test_each_statement_commits_alone(writers: Pipeline, admin: psycopg.AsyncConnection[Any]) -> None:
    kept = token()

    await outcomes([writers.run(NOTE, [kept]), writers.run(DIVIDE, [pack_int4(0)])])

    assert await (await admin.execute("select token from noted")).fetchall() == [(kept.decode(),)]


async def test_a_statement_that_takes_too_long_is_unavailable(database: str, together: bool) -> None:
    opened = await Pipeline.open(database, statement_timeout_seconds=0.1, shared=together)

    answers = await outcomes([echo(opened), echo(opened, seconds=20), echo(opened)])
    await opened.close()

    assert [type(answer) for answer in answers] == [type(None), Unavailable, type(None)]


async def test_a_wrong_number_of_parameters_is_refused(shared: Pipeline) -> None:
    with pytest.raises(ValueError, match="echo takes 1 parameters, not 2"):
        await shared.run(ECHO, [b"a", b"b"])


@pytest.mark.parametrize("wrong", ["text", 1, memoryview(b"torn")[::2]])
async def test_a_parameter_that_is_not_bytes_harms_its_caller_alone(shared: Pipeline, wrong: Any) -> None:
    calls = [shared.run(ECHO, [wrong]), echo(shared), shared.run(ECHO, [wrong]), echo(shared)]

    answers = await outcomes(calls)

    assert [isinstance(answer, TypeError | BufferError) for answer in answers] == [True, False, True, False]
    assert [answers[1], answers[3]] == [None, None]


# Preparation


async def test_a_preparation_that_fails_is_told_to_all_who_relied_on_it_and_made_again_later(
    writers: Pipeline, admin: psycopg.AsyncConnection[Any]
) -> None:
    await admin.execute("drop table noted")

    answers = await outcomes([writers.run(NOTE, [token()]) for _ in range(5)])
    await admin.execute("create table noted (token text)")
    mine = token()

    assert [type(answer) for answer in answers] == [psycopg.errors.UndefinedTable] * 5
    assert await writers.run(NOTE, [mine]) == [(mine,)]


async def test_a_statement_that_failed_stays_prepared(shared: Pipeline) -> None:
    await outcomes([shared.run(DIVIDE, [pack_int4(0)])])

    assert await shared.run(DIVIDE, [pack_int4(1)]) == [(pack_int4(1),)]
    assert await shared.run(
        Statement("prepared", "select name from pg_prepared_statements order by name", ()), []
    ) == [
        (b"divide",),
        (b"prepared",),
    ]


async def test_a_statement_whose_plan_is_outdated_is_prepared_again(
    shared: Pipeline, admin: psycopg.AsyncConnection[Any]
) -> None:
    read = Statement("read", "select * from noted", ())
    await shared.run(read, [])
    await admin.execute("alter table noted add extra int")

    answers = await outcomes([shared.run(read, [])])

    assert [type(answer) for answer in answers] == [psycopg.errors.FeatureNotSupported]
    assert await shared.run(read, []) == []


async def test_a_name_with_another_text_is_prepared_again(shared: Pipeline) -> None:
    one, two = Statement("same", "select 1", ()), Statement("same", "select 2", ())

    answers = await asyncio.gather(*(shared.run(statement, []) for statement in (one, two, one)))

    assert answers == [[(pack_int4(1),)], [(pack_int4(2),)], [(pack_int4(1),)]]


async def test_a_bounded_number_of_statements_stays_prepared(shared: Pipeline) -> None:
    texts = [Statement(f"s{i}", f"select {i}", ()) for i in range(line.PREPARED + 50)]
    how_many = Statement("how_many", "select count(*) from pg_prepared_statements", ())

    answers = await asyncio.gather(*(shared.run(statement, []) for statement in [*texts, *texts]))

    assert answers == [[(pack_int4(i),)] for i in range(len(texts))] * 2
    assert await shared.run(how_many, []) == [(pack_int8(line.PREPARED),)]


def test_a_name_that_the_server_would_cut_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 63 bytes"):
        Statement("n" * 64, "select 1", ())
