"""What the page on search says, sentence by sentence, on the store in memory and on PostgreSQL.

Both read and extract with the same code, so their agreement proves nothing about either: what these tables expect was
written by hand from https://hl7.org/fhir/R4/search.html.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import quote

import pytest
import pytest_asyncio

from fhir_server.interactions.call import Action
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.store.contract import ResourceStore
from fhir_server.store.memory import MemoryStore
from fhir_server.store.postgres import PostgresStore
from tests.builders import entry
from tests.databases import Databases
from tests.fhir_server.interactions.performing import Performer
from tests.fhir_server.search.sentences.chapters import CHAPTERS
from tests.fhir_server.search.sentences.table import PAGE, Chapter, Expected, Sentence

LEAST = 300  # rows that issue 3 asks for


class Shelf:
    """The server that holds the resources of one chapter, and nothing else; another chapter takes its place."""

    def __init__(self, databases: Databases, migrated: str) -> None:
        self._databases, self._migrated = databases, migrated
        self._place = ("", "")
        self._performer: Performer | None = None
        self._open = AsyncExitStack()

    async def holding(self, kind: str, chapter: Chapter) -> Performer:
        if self._performer is None or self._place != (kind, chapter.name):
            await self.close()
            store: ResourceStore = MemoryStore() if kind == "memory" else await self._on_postgres()
            self._performer = Performer(store, references="off", page_size=100)
            self._place = (kind, chapter.name)
            await self._performer.transaction(
                *(entry("PUT", f"{tree['resourceType']}/{tree['id']}", tree) for tree in chapter.resources)
            )
        return self._performer

    async def close(self) -> None:
        self._performer = None
        await self._open.aclose()

    async def _on_postgres(self) -> PostgresStore:
        url = self._databases.create(self._migrated)
        self._open.callback(self._databases.drop, url)
        store = await PostgresStore.open(url, pool_size=2)
        self._open.push_async_callback(store.close)
        return store


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shelf(databases: Databases, migrated: str) -> AsyncIterator[Shelf]:
    """Keeps the chapter of the test before: rows that follow one another are about the same."""
    shelf = Shelf(databases, migrated)
    yield shelf
    await shelf.close()


ROWS = [
    pytest.param(
        kind,
        chapter,
        sentence,
        text,
        expected,
        id=f"{kind}-{chapter.name}-{sentence.name}-{number}",
        marks=pytest.mark.xdist_group(f"{kind}-{chapter.name}"),  # in one process, so that it is stored once
    )
    for kind in ("memory", "postgres")
    for chapter in CHAPTERS.values()
    for sentence in chapter.sentences
    for number, (text, expected) in enumerate(sentence.rows, 1)
]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(("kind", "chapter", "sentence", "text", "expected"), ROWS)
async def test_a_search_finds_what_the_page_says(
    shelf: Shelf, kind: str, chapter: Chapter, sentence: Sentence, text: str, expected: Expected
) -> None:
    performer = await shelf.holding(kind, chapter)

    assert await found_by(performer, text) == in_order(expected), (
        f"{text}: {sentence.idea} ({PAGE}#{sentence.anchor})"
    )


async def found_by(performer: Performer, text: str) -> Expected:
    """What a row's search finds, written as rows are."""
    path, _, query = text.partition("?")
    *within, types = path.split("/")
    try:
        reply = await performer(
            Action.SEARCH,
            None if types in {"", "*"} else types,
            query=quote(query, safe="%&=|,$:/!*()'~;@"),
            compartment=Key(*within) if within else None,
            prefer_handling="strict",
        )
    except FhirError as refusal:
        return refusal.status
    page = decode(reply.body)
    matches, included = ids_of(page, "match"), ids_of(page, "include")
    assert page.get("total", len(matches)) == len(matches)
    return " ".join(
        [" > ".join(matches) if "_sort=" in query else " ".join(sorted(matches)), *included]
    ).strip()


def ids_of(page: Tree, mode: str) -> list[str]:
    """The ids of the entries of a mode, in order; a contained one has its container's as well."""
    ids = [
        item["fullUrl"].rpartition("/")[2] for item in page.get("entry", ()) if item["search"]["mode"] == mode
    ]
    return ids if mode == "match" else sorted(f"+{one}" for one in ids)


def in_order(expected: Expected) -> Expected:
    if isinstance(expected, int) or " > " in expected:
        return expected
    ids = expected.split()
    return " ".join([*sorted(i for i in ids if i[0] != "+"), *sorted(i for i in ids if i[0] == "+")])


def test_the_table_is_as_long_as_was_asked_for_and_says_nothing_twice() -> None:
    rows = [
        (chapter.name, text) for chapter in CHAPTERS.values() for s in chapter.sentences for text, _ in s.rows
    ]
    names = [(chapter.name, s.name) for chapter in CHAPTERS.values() for s in chapter.sentences]

    assert len(rows) >= LEAST
    assert len(set(rows)) == len(rows)
    assert len(set(names)) == len(names)


def test_the_ids_of_a_chapter_are_each_of_one_resource() -> None:
    for chapter in CHAPTERS.values():
        ids = [tree["id"] for tree in chapter.resources]
        assert len(set(ids)) == len(ids), chapter.name
