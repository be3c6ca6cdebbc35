"""Every caller gets its own answer or a clean refusal, never another's, whatever happens to the connection.

Each statement carries a token of its own, and each answer is compared with the token that was sent. The fault tests run
`CORDEE_FAULT_ROUNDS` times (default 1).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from fhir_server.kernel.errors import Unavailable
from fhir_server.store import line, pipeline
from fhir_server.store.binary import (
    BYTEA,
    FLOAT8,
    INT4,
    INT8,
    TEXT,
    pack_float8,
    pack_int4,
    pack_int8,
    pack_text,
    unpack_int,
)
from fhir_server.store.embedded import Embedded
from fhir_server.store.pipeline import Pipeline, Statement, least_loaded

if TYPE_CHECKING:
    from tests.conftest import Databases

ECHO = Statement("echo", "select $1::text", (TEXT,))
SLOW_ECHO = Statement("slow_echo", "select $1::text from pg_sleep($2)", (TEXT, FLOAT8))
DIVIDE = Statement("divide", "select 1 / $1::int", (INT4,))
LOADED = Statement(
    "loaded",
    "select $1::text, n::int2, n::int8, n / 2.0::float8, n > 0, '\\x00ff'::bytea, null::text"
    " from generate_series(0, 1) n",
    (TEXT,),
    loaded=True,
)
PID = Statement("pid", "select pg_backend_pid()", ())
NOTE = Statement("note", "insert into noted (token) values ($1) returning token", (TEXT,))
SLOW_NOTE = Statement(
    "slow_note", "insert into noted (token) select $1 from pg_sleep($2) returning token", (TEXT, FLOAT8)
)
SESSIONS: LiteralString = (
    "from pg_stat_activity where application_name = 'cordee' and datname = current_database()"
)

ROUNDS = int(os.environ.get("CORDEE_FAULT_ROUNDS", "1"))
repeatedly = pytest.mark.parametrize("round_", range(ROUNDS))

TOKENS = count()


@pytest.fixture(scope="module")
def database(databases: Databases) -> Iterator[str]:
    """A database for all these tests; `admin` empties its table."""
    url = databases.create()
    yield url
    databases.drop(url)


@pytest.fixture
async def shared(database: str) -> AsyncIterator[Pipeline]:
    opened = await Pipeline.open(database)
    yield opened
    await opened.close()


@pytest.fixture
async def admin(database: str) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """Another session in the same database, to prepare tables and to break things."""
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute("drop table if exists noted")
        await connection.execute("create table noted (token text)")
        yield connection


@pytest.fixture(scope="module")
def one_server() -> Iterator[Embedded]:
    with TemporaryDirectory(prefix="cordee-test-") as directory:
        Path(directory).chmod(0o711)  # open to the account of PostgreSQL when root runs the tests
        with Embedded(Path(directory), settings={"fsync": "off", "shared_buffers": "16MB"}) as server:
            yield server


@pytest.fixture
def own_server(one_server: Embedded) -> Embedded:
    """A PostgreSQL that a test may stop and kill."""
    one_server.start()
    one_server.watch()
    return one_server


def token() -> bytes:
    return b"token %d" % next(TOKENS)


async def echo(through: Pipeline, seconds: float = 0.0) -> None:
    """Send a new token; fails if another comes back. Refusals pass through."""
    mine = token()
    if seconds:
        assert await through.run(SLOW_ECHO, [mine, pack_float8(seconds)]) == [(mine,)]
    else:
        assert await through.run(ECHO, [mine]) == [(mine,)]


async def outcomes(calls: Sequence[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def succeeds(call: Awaitable[Any]) -> bool:
    try:
        await call
    except Unavailable:
        return False
    return True


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.01)


async def started(calls: Sequence[Any]) -> list[asyncio.Task[Any]]:
    """The calls as tasks that have sent their statements."""
    tasks = [asyncio.create_task(call) for call in calls]
    await asyncio.sleep(0)
    return tasks


async def pid_of(through: Pipeline) -> int:
    ((pid,),) = await through.run(PID, [])
    assert pid is not None
    return unpack_int(pid)


async def no_session(admin: psycopg.AsyncConnection[Any]) -> bool:
    """Whether no pipeline is connected to the database of these tests."""
    return (await admin.execute(f"select {SESSIONS}")).rowcount == 0


async def terminate(admin: psycopg.AsyncConnection[Any], pid: int) -> None:
    await admin.execute("select pg_terminate_backend(%s)", [pid])


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
    shared: Pipeline, admin: psycopg.AsyncConnection[Any]
) -> None:
    await admin.execute("alter table noted add constraint once unique (token)")
    await shared.run(NOTE, [b"Durand"])

    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        await shared.run(NOTE, [b"Durand"])

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


async def test_a_failure_at_commit_is_told(shared: Pipeline, admin: psycopg.AsyncConnection[Any]) -> None:
    """The rows arrive before the commit: they are no answer until it has happened."""
    await admin.execute("alter table noted add constraint late unique (token) deferrable initially deferred")
    twice = Statement("twice", "insert into noted (token) values ($1), ($1) returning token", (TEXT,))

    answers = await outcomes([echo(shared), shared.run(twice, [token()]), echo(shared)])

    assert [type(answer) for answer in answers] == [type(None), psycopg.errors.UniqueViolation, type(None)]


async def test_each_statement_commits_alone(shared: Pipeline, admin: psycopg.AsyncConnection[Any]) -> None:
    kept = token()

    await outcomes([shared.run(NOTE, [kept]), shared.run(DIVIDE, [pack_int4(0)])])

    assert await (await admin.execute("select token from noted")).fetchall() == [(kept.decode(),)]


async def test_a_statement_that_takes_too_long_is_unavailable(database: str) -> None:
    opened = await Pipeline.open(database, statement_timeout_seconds=0.1)

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
    shared: Pipeline, admin: psycopg.AsyncConnection[Any]
) -> None:
    await admin.execute("drop table noted")

    answers = await outcomes([shared.run(NOTE, [token()]) for _ in range(5)])
    await admin.execute("create table noted (token text)")
    mine = token()

    assert [type(answer) for answer in answers] == [psycopg.errors.UndefinedTable] * 5
    assert await shared.run(NOTE, [mine]) == [(mine,)]


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


# Room


@repeatedly
async def test_a_full_queue_refuses_and_those_in_it_get_their_own_answers(database: str, round_: int) -> None:
    opened = await Pipeline.open(database, in_flight=2, waiting=10)
    await echo(opened)

    answers = await outcomes([echo(opened, seconds=0.01) for _ in range(40)])
    after = await outcomes([echo(opened) for _ in range(12)])
    await opened.close()

    assert [type(answer) for answer in answers] == [type(None)] * 12 + [Unavailable] * 28
    assert after == [None] * 12


async def test_callers_are_served_in_their_order(database: str) -> None:
    opened = await Pipeline.open(database, in_flight=3)
    served: list[int] = []

    async def call(i: int) -> None:
        await echo(opened, seconds=0.001)
        served.append(i)

    await asyncio.gather(*(call(i) for i in range(50)))
    await opened.close()

    assert served == list(range(50))


async def test_no_more_statements_are_under_way_than_allowed(
    database: str, admin: psycopg.AsyncConnection[Any]
) -> None:
    """A cancelled statement that was not sent leaves no trace; one that was sent is done all the same."""
    opened = await Pipeline.open(database, in_flight=2)
    first, second, third = token(), token(), token()
    tasks = await started(
        [
            opened.run(SLOW_NOTE, [first, pack_float8(0.1)]),
            opened.run(NOTE, [second]),
            opened.run(NOTE, [third]),
        ]
    )

    for task in tasks:
        task.cancel()
    await outcomes(tasks)
    await echo(opened)
    await opened.close()

    assert await (await admin.execute("select token from noted")).fetchall() == [
        (first.decode(),),
        (second.decode(),),
    ]


@repeatedly
async def test_a_cancelled_caller_shifts_nobodys_answer(database: str, round_: int) -> None:
    dice = random.Random(round_)
    opened = await Pipeline.open(database, in_flight=8)
    tasks = await started([echo(opened, seconds=dice.choice([0, 0, 0.002])) for _ in range(200)])

    for task in dice.sample(tasks, 60):
        if dice.random() < 0.3:
            await asyncio.sleep(0.001)
        task.cancel()
    answers = await outcomes(tasks)
    await opened.close()

    assert {type(answer) for answer in answers} <= {type(None), asyncio.CancelledError}
    assert sum(answer is None for answer in answers) >= 140


async def test_a_cancelled_caller_gives_its_place_in_the_queue_back(database: str) -> None:
    opened = await Pipeline.open(database, in_flight=1, waiting=1)
    slow, waiting = await started([echo(opened, seconds=0.2), echo(opened)])

    waiting.cancel()
    await outcomes([waiting])
    await echo(opened)

    await slow
    await opened.close()


# Faults


@repeatedly
async def test_a_backend_terminated_mid_flight_refuses_those_under_way(
    shared: Pipeline, admin: psycopg.AsyncConnection[Any], round_: int
) -> None:
    pid = await pid_of(shared)
    tasks = await started([echo(shared), echo(shared, seconds=20), *(echo(shared) for _ in range(50))])
    await tasks[0]

    await terminate(admin, pid)
    answers = await outcomes(tasks)

    assert [type(answer) for answer in answers] == [type(None)] + [Unavailable] * 51
    await asyncio.gather(*(echo(shared) for _ in range(10)))
    assert await pid_of(shared) != pid


@repeatedly
async def test_callers_that_wait_for_room_go_out_on_the_next_connection(
    database: str, admin: psycopg.AsyncConnection[Any], round_: int
) -> None:
    opened = await Pipeline.open(database, in_flight=1)
    pid = await pid_of(opened)
    tasks = await started([echo(opened, seconds=20), *(echo(opened) for _ in range(20))])

    await terminate(admin, pid)
    answers = await outcomes(tasks)
    await opened.close()

    assert [type(answer) for answer in answers] == [Unavailable] + [type(None)] * 20


@repeatedly
async def test_an_idle_connection_that_was_lost_is_made_anew(
    shared: Pipeline, admin: psycopg.AsyncConnection[Any], round_: int
) -> None:
    await terminate(admin, await pid_of(shared))
    await until(lambda: succeeds(echo(shared)))

    await asyncio.gather(*(echo(shared) for _ in range(10)))


@repeatedly
async def test_nothing_runs_twice_and_what_was_acknowledged_is_there(
    shared: Pipeline, admin: psycopg.AsyncConnection[Any], round_: int
) -> None:
    acknowledged: set[str] = set()
    sent: set[str] = set()
    dice = random.Random(round_)

    async def write() -> None:
        for _ in range(40):
            mine = token()
            sent.add(mine.decode())
            try:
                assert await shared.run(NOTE, [mine]) == [(mine,)]
            except Unavailable:
                continue
            acknowledged.add(mine.decode())

    async def kill() -> None:
        while True:
            await asyncio.sleep(dice.random() * 0.02)
            await admin.execute(f"select pg_terminate_backend(pid) {SESSIONS}")

    killer = asyncio.create_task(kill())
    await asyncio.gather(*(write() for _ in range(20)))
    killer.cancel()
    await outcomes([killer])

    found = [row[0] for row in await (await admin.execute("select token from noted")).fetchall()]
    assert len(found) == len(set(found))
    assert acknowledged <= set(found) <= sent
    assert acknowledged


@repeatedly
async def test_a_storm_of_faults_mixes_up_no_answers(
    database: str, admin: psycopg.AsyncConnection[Any], round_: int
) -> None:
    """Terminations, cancelled statements and callers, errors, large values and a full queue, all at once."""
    dice = random.Random(round_)
    opened = await Pipeline.open(database, in_flight=16, waiting=60)
    seen: set[str] = set()

    async def call() -> None:
        for _ in range(20):
            try:
                async with asyncio.timeout(dice.choice([0.001, 0.005, 5])):
                    match dice.randrange(6):
                        case 0:
                            await opened.run(DIVIDE, [pack_int4(0)])
                        case 1:
                            await echo(opened, seconds=0.003)
                        case 2:
                            mine = token() * 20_000
                            assert await opened.run(ECHO, [mine]) == [(mine,)]
                        case _:
                            await echo(opened)
                seen.add("answer")
            except (TimeoutError, Unavailable, psycopg.errors.DivisionByZero) as error:
                seen.add(type(error).__name__)

    async def break_things() -> None:
        while True:
            await asyncio.sleep(dice.random() * 0.05)
            act = dice.choice(["pg_terminate_backend", "pg_cancel_backend"])
            await admin.execute(f"select {act}(pid) {SESSIONS}".encode())

    breaker = asyncio.create_task(break_things())
    async with asyncio.timeout(60):
        await asyncio.gather(*(call() for _ in range(90)))
    breaker.cancel()
    await outcomes([breaker])
    await opened.close()

    assert seen == {"answer", "TimeoutError", "Unavailable", "DivisionByZero"}


@repeatedly
@pytest.mark.parametrize("way", ["stopped", "killed"])
async def test_a_database_restarted_under_load_mixes_up_no_answers(
    own_server: Embedded, way: str, round_: int
) -> None:
    opened = await Pipeline.open(own_server.url)
    answered, refused, running = 0, 0, True

    async def load() -> None:
        nonlocal answered, refused
        while running:
            try:
                await echo(opened)
                answered += 1
            except Unavailable:
                refused += 1

    tasks = await started([load() for _ in range(100)])
    await asyncio.sleep(0.05)
    before = answered
    if way == "stopped":
        await asyncio.to_thread(own_server.stop)
        await asyncio.to_thread(own_server.start)
    else:
        os.kill(postmaster_of(own_server), signal.SIGQUIT)
        await until(lambda: asyncio.to_thread(own_server.watch))
    await asyncio.gather(*(until(lambda: succeeds(echo(opened))) for _ in range(20)))
    running = False
    await asyncio.gather(*tasks)
    await opened.close()

    assert before > 0
    assert refused > 0


async def test_callers_are_refused_while_there_is_no_database_and_served_when_it_is_back(
    own_server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "CONNECT_SECONDS", 0.3)
    opened = await Pipeline.open(own_server.url)
    url = own_server.url
    await asyncio.to_thread(own_server.stop)

    answers = await outcomes([echo(opened) for _ in range(20)])
    with pytest.raises(Unavailable):
        await Pipeline.open(url)
    await asyncio.to_thread(own_server.start)
    await asyncio.gather(*(echo(opened) for _ in range(20)))
    await opened.close()

    assert [type(answer) for answer in answers] == [Unavailable] * 20


@repeatedly
async def test_a_server_that_falls_silent_is_given_up(
    database: str, monkeypatch: pytest.MonkeyPatch, round_: int
) -> None:
    monkeypatch.setattr(pipeline, "GRACE_SECONDS", 0.1)
    opened = await Pipeline.open(database, statement_timeout_seconds=0.1)
    pid = await pid_of(opened)
    os.kill(pid, signal.SIGSTOP)
    try:
        answers = await outcomes([echo(opened) for _ in range(5)])
        await echo(opened)
    finally:
        os.kill(pid, signal.SIGCONT)
    await opened.close()

    assert [type(answer) for answer in answers] == [Unavailable] * 5


async def test_a_server_that_answers_slowly_or_has_nothing_to_answer_is_not_given_up(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "GRACE_SECONDS", 0.1)
    opened = await Pipeline.open(database, statement_timeout_seconds=0.1)
    pid = await pid_of(opened)

    await asyncio.gather(*(echo(opened, seconds=0.05) for _ in range(10)))
    await asyncio.sleep(0.5)

    assert await pid_of(opened) == pid
    await opened.close()


# The end


async def test_closing_finishes_what_is_under_way_and_takes_no_more(database: str) -> None:
    opened = await Pipeline.open(database, in_flight=2)
    tasks = await started([echo(opened, seconds=0.02) for _ in range(6)])

    closing = asyncio.create_task(opened.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await echo(opened)
    await closing

    assert await outcomes(tasks) == [None] * 6


async def test_closing_while_there_is_no_database_refuses_those_who_wait(
    own_server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "GRACE_SECONDS", 0.1)
    opened = await Pipeline.open(own_server.url, statement_timeout_seconds=0.1)
    await asyncio.to_thread(own_server.stop)
    tasks = await started([echo(opened) for _ in range(3)])

    await opened.close()

    assert [type(answer) for answer in await outcomes(tasks)] == [Unavailable] * 3


# Several


async def test_the_least_loaded_connection_is_picked(database: str) -> None:
    first, second = await Pipeline.open(database), await Pipeline.open(database)
    tasks = await started([echo(first, seconds=0.05), echo(first), echo(second, seconds=0.05)])

    picked = least_loaded([first, second])
    await asyncio.gather(*tasks)
    await asyncio.gather(first.close(), second.close())

    assert picked is second
    assert least_loaded([first]) is first


def postmaster_of(server: Embedded) -> int:
    (file,) = server.directory.glob("postgres-*/postmaster.pid")
    return int(file.read_text().split()[0])
