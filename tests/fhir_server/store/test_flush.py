"""What a flush sends: only what is needed, and a term no oftener than it must."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries, Hasher
from fhir_server.store.contract import Draft
from fhir_server.store.flush import Flush, KnownTerms
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.write_statement import CREATES, DELETIONS, ONE, TARGETS, TERMS, UPDATES

HASHER = Hasher(b"a secret of tests")
STAMP = 1_700_000_000_000_000
PK = 1_700_000_000_000 << 20


def draft(name: str, entries: Entries | None = None, version: int = 1, **rest: Any) -> Draft:
    return Draft(Key("Patient", name), version, STAMP, b"{}", "PUT", entries or Entries(), **rest)


def shape_of(*drafts: Draft, known: KnownTerms | None = None) -> tuple[int, int]:
    """The parts of the statement, and how many parameters it has."""
    flush = Flush(HASHER, 0, terms=known or KnownTerms())
    for number, one in enumerate(drafts):
        flush.add(one, PK + number)
        flush.require(one.targets)
    statement, params = flush.statement(1, 1)
    assert len(params) == len(statement.oids)
    return int(statement.name.removeprefix("flush_"), 16), len(params)


ROWS = Entries(
    tokens=[(1, 1), (2, 0)], strings=[(1, "a")], dates=[(1, 0, 9)], quantities=[(1, 0, 1.5, 1.5)], moment=5
)
WORDS = Entries(terms=[(1, "words", 7), (1, "others", 8)])


def test_a_statement_has_the_parts_that_its_drafts_need() -> None:
    plain, _ = shape_of(draft("a"))
    full, _ = shape_of(draft("a", ROWS, targets=(Key("Patient", "b"),)))
    several, _ = shape_of(draft("a"), draft("b"))
    updated, _ = shape_of(draft("a", version=2, deleted=True, old=Entries()))

    assert plain == ONE | CREATES
    assert full & (ONE | CREATES | TARGETS) == ONE | CREATES | TARGETS
    assert full.bit_count() == 3 + 4
    assert several == CREATES
    assert updated == ONE | UPDATES | DELETIONS


def test_an_update_that_changes_no_row_writes_none() -> None:
    same, _ = shape_of(draft("a", ROWS, 2, old=ROWS))
    moved, _ = shape_of(draft("a", ROWS, 2, old=Entries(tokens=ROWS.tokens, moment=6)))

    assert same == ONE | UPDATES
    assert moved.bit_count() == 2 + 5  # all rows are new, and the tokens at their old moment go


def test_a_term_that_is_known_is_not_sent() -> None:
    known = KnownTerms()
    first = shape_of(draft("a", WORDS), draft("b", WORDS), known=known)
    known.learn([7])
    second = shape_of(draft("a", WORDS), known=known)
    known.learn([8])

    assert first[0] & TERMS
    assert second[0] & TERMS
    assert not shape_of(draft("a", WORDS), known=known)[0] & TERMS


def test_what_is_remembered_of_terms_has_an_end() -> None:
    known = KnownTerms()
    for start in range(0, 200_000, 1000):
        known.learn(range(start, start + 1000))

    assert 199_999 in known
    assert 0 not in known


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = await PostgresStore.open(url)
    yield opened
    await opened.close()


async def put(store: PostgresStore, name: str, entries: Entries, *, interactive: bool = False) -> None:
    async with store.begin(interactive=interactive) as tx:
        await tx.write(Draft(Key("Patient", name), 1, await tx.stamp(), b"{}", "PUT", entries))


def terms(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute("select parameter, value, key from entry_term order by key").fetchall()


@pytest.mark.parametrize("interactive", [False, True])
async def test_a_term_is_in_the_dictionary_once_however_many_say_it(
    url: str, store: PostgresStore, interactive: bool
) -> None:
    other = await PostgresStore.open(url)
    try:
        await put(store, "a", WORDS, interactive=interactive)
        await put(store, "b", WORDS, interactive=interactive)
        await put(other, "c", WORDS, interactive=interactive)
    finally:
        await other.close()

    assert terms(url) == [(1, "words", 7), (1, "others", 8)]


async def test_all_terms_of_a_key_are_in_the_dictionary(url: str, store: PostgresStore) -> None:
    several = [(1, "a b c", 7), (1, "b c", 7), (1, "c", 7)]

    await put(store, "a", Entries(terms=several))

    assert sorted(terms(url)) == several


async def test_a_term_outlives_who_said_it(url: str, store: PostgresStore) -> None:
    await put(store, "a", WORDS)

    async with store.begin() as tx:
        old = await tx.lock(Key("Patient", "a"))
        assert old is not None
        stamp = max(await tx.stamp(), old.updated + 1000)
        await tx.write(Draft(old.key, 2, stamp, b"", "DELETE", deleted=True, old=WORDS))

    assert len(terms(url)) == 2


@pytest.mark.parametrize("interactive", [False, True])
async def test_a_term_of_a_transaction_that_failed_is_written_by_the_next(
    url: str, store: PostgresStore, interactive: bool
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.begin(interactive=interactive) as tx:
            await tx.write(Draft(Key("Patient", "a"), 1, await tx.stamp(), b"{}", "PUT", WORDS))
            if interactive:
                await tx.referrers(Key("Patient", "b"), (), 1)  # which flushes
            raise ZeroDivisionError
    assert terms(url) == []

    await put(store, "a", WORDS)

    assert len(terms(url)) == 2


async def test_writers_of_the_same_new_terms_do_not_stop_one_another(url: str, store: PostgresStore) -> None:
    words = [(1, f"word {number}", number) for number in range(200)]

    async def say(name: str, order: int) -> None:
        await put(store, name, Entries(terms=words[::order]))

    await asyncio.gather(*(say(f"p{number}", 1 if number % 2 else -1) for number in range(20)))

    assert len(terms(url)) == 200
