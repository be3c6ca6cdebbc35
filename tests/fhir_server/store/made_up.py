"""A made-up database: random resources whose entries, and bodies where one is asked, say the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from math import inf
from typing import Any

import orjson
import psycopg

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.query import Name, Query
from fhir_server.search.spans import BEGINNING, END
from fhir_server.store.binding import Compiled
from fhir_server.store.compile import Search
from fhir_server.store.connections import ADAPTERS, PLANNER, Session, session_conninfo
from fhir_server.store.contract import Draft, Stored
from fhir_server.store.listed import members
from fhir_server.store.memory_search import Row
from fhir_server.store.pipeline import Row as Cells
from fhir_server.store.postgres import PostgresStore
from fhir_server.store.statements import Compiler

HASHER = Hasher(b"a secret of sixteen")
PATIENT, OBSERVATION, LIST = "Patient", "Observation", "List"
GENDER, LANGUAGE, FAMILY, BIRTH, LINK, PLACE = (
    Name(PATIENT, code) for code in ("gender", "language", "family", "birthdate", "link", "near")
)
CODE, STATUS, VALUE, DATE, SUBJECT, MEMBER = (
    Name(OBSERVATION, code) for code in ("code", "status", "value-quantity", "date", "subject", "has-member")
)
WORDS = Name(OBSERVATION, "code:text")
INSIDE = Name("Observation.subject#Patient", "gender")
SYSTEMS, CODES = ("", "s", "t"), ("a", "b", "c")
TEXTS = ("ada", "adam", "a b", "b", "zoe", "éa", "ab")
UNITS = ("", "mg", "mm[Hg]")
DAY = 86_400_000_000
SPANS = [
    *((0, 10), (0, 1), (5, 6), (5, 10), (10, 20), (BEGINNING, 5), (15, END), (0, 100)),
    *((0, DAY), (5, 3 * DAY), (DAY, 2 * DAY), (DAY, DAY + 1), (2 * DAY, 90 * DAY)),
]
NUMBERS = (-2.0, 0.0, 1.0, 1.5, 2.0, 10.0)
PLACES = ((48.85, 2.35), (48.86, 2.36), (-20.88, 55.45), (0.0, 179.9), (0.0, -179.9))
PATIENTS = [Key(PATIENT, f"p{number:02}") for number in range(25)]
OBSERVATIONS = [Key(OBSERVATION, f"o{number:02}") for number in range(45)]
LISTS = [Key(LIST, f"l{number}") for number in range(2)]


class World:
    """A database with resources, what was written into it, and a way to ask it in SQL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.rows: dict[Key, Row] = {}
        self.hasher = HASHER
        self.runner = asyncio.Runner()
        self.session: Session

    async def open(self) -> None:
        await filled(self)
        self.compiler = Compiler(self.hasher)
        self.connection = await connected(self)
        self.session = Session(self.connection)

    def close(self) -> None:
        self.runner.run(self.connection.close())
        self.runner.close()

    async def run(self, compiled: Compiled) -> list[Cells]:
        return await self.session.run(compiled.statement, compiled.params)

    async def search(self, query: Query) -> Search:
        search = Search(query, self.compiler)
        for key in search.lists:
            search.listed[key] = await members(self.session.run, self.hasher, key)
        return search


class Making:
    """Random entries, and a body that says the same where a body is asked."""

    def __init__(self, hasher: Hasher, chance: random.Random, key: Key) -> None:
        self.hasher, self.chance = hasher, chance
        self.entries = Entries(moment=chance.choice((None, 1, 2)))
        self.tree: dict[str, Any] = {"resourceType": key.type, "id": key.id}

    def tokens(self, name: Name) -> None:
        hasher, seed = self.hasher, self.seed(name)
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            system, code = self.chance.choice(SYSTEMS), self.chance.choice(CODES)
            key = hasher.folded(seed, code) if self.chance.random() < 0.3 else hasher.code(seed, code)
            self.entries.tokens.append((key, hasher.space(system)))
            if system:
                self.entries.present.append(hasher.system(seed, system))
            self.tree.setdefault(name.code, code)
            self.entries.present.append(seed)

    def links(self, name: Name, targets: list[Key], most: int = 2) -> list[Key]:
        hasher, seed = self.hasher, self.seed(name)
        found = self.chance.sample(targets, self.chance.randint(0, most))
        for target in found:
            self.entries.tokens.append((hasher.reference(seed, hasher.self_of(target)), 0))
            self.entries.references.append((seed, target))
            self.entries.present.append(seed)
        return found

    def texts(self, name: Name) -> None:
        found = self.chance.sample(TEXTS, self.chance.choice((0, 1, 2, 3)))
        self.entries.strings += [(self.seed(name), text) for text in found]
        self.entries.present += [self.seed(name)] * bool(found)
        self.tree["name"] = [{"family": self.chance.choice((text, text.upper()))} for text in found]

    def spans(self, name: Name) -> None:
        found = self.chance.sample(SPANS, self.chance.choice((0, 1, 1, 2)))
        self.entries.dates += [(self.seed(name), *span) for span in found]
        # A period without an end is present and has no row.
        self.entries.present += [self.seed(name)] * (bool(found) or self.chance.random() < 0.3)

    def numbers(self, name: Name) -> None:
        seed = self.seed(name)
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            low = self.chance.choice(NUMBERS)
            wide = self.chance.choice(
                ((low, low), (low, low), (low, low), (-inf, low), (low, inf), (low, low + 2))
            )
            self.entries.quantities.append((seed, 0, *wide))
            if unit := self.chance.choice(UNITS):
                self.entries.quantities.append((seed, self.hasher.space(unit), 10 * wide[0], 10 * wide[1]))

    def terms(self, name: Name) -> None:
        seed = self.seed(name)
        for text in self.chance.sample(TEXTS, self.chance.choice((0, 1, 2))):
            key = self.hasher.code(seed, text)
            self.entries.tokens.append((key, 0))
            self.entries.terms.append((seed, text, key))

    def places(self, name: Name) -> None:
        for place in self.chance.sample(PLACES, self.chance.choice((0, 0, 1, 2))):
            self.entries.quantities.append((self.seed(name), 0, *place))

    def seed(self, name: Name) -> int:
        return self.hasher.seed(name.type, name.code)

    def made(self) -> tuple[Entries, bytes]:
        entries = self.entries
        entries.tokens = list(dict.fromkeys(entries.tokens))
        entries.quantities = list(dict.fromkeys(entries.quantities))
        entries.present = sorted(set(entries.present))
        return entries, orjson.dumps(self.tree)


def made(hasher: Hasher, chance: random.Random, key: Key) -> tuple[Entries, bytes]:
    making = Making(hasher, chance, key)
    match key.type:
        case "Patient":
            making.tokens(GENDER)
            making.tokens(LANGUAGE)
            making.links(LINK, PATIENTS)
            making.texts(FAMILY)
            making.spans(BIRTH)
            making.places(PLACE)
        case "Observation":
            making.tokens(CODE)
            making.tokens(STATUS)
            making.tokens(INSIDE)
            making.links(SUBJECT, PATIENTS[:12], most=1)
            making.links(MEMBER, OBSERVATIONS)
            making.spans(DATE)
            making.entries.moment = max([high for _, _, high in making.entries.dates], default=None)
            making.numbers(VALUE)
            making.terms(WORDS)
        case _:
            held = making.links(Name(LIST, "item"), [*PATIENTS[:6], *OBSERVATIONS[:6]], most=6)
            making.tree["entry"] = [
                {"item": {"reference": str(target)}, **({"deleted": True} if chance.random() < 0.3 else {})}
                for target in held
            ]
    return making.made()


async def filled(world: World) -> None:
    store = await PostgresStore.open(world.url)
    world.hasher = store.hasher
    chance = random.Random(7)
    try:
        async with store.begin() as tx:
            stamp = await tx.stamp()
            for number, key in enumerate([*PATIENTS, *OBSERVATIONS, *LISTS]):
                updated = stamp + 1000 * chance.randrange(5)
                entries, body = made(store.hasher, chance, key)
                world.rows[key] = Row(number, Stored(key, 1, updated, body), entries, ())
                await tx.write(Draft(key, 1, updated, body, "POST", entries))
            await tx.write(Draft(Key("Basic", "b"), 1, stamp, b"{}", "POST"))
            world.rows[Key("Basic", "b")] = Row(
                999, Stored(Key("Basic", "b"), 1, stamp, b"{}"), Entries(), ()
            )
        async with store.begin() as tx:
            key = PATIENTS[0]
            old, row = await tx.lock(key), world.rows.pop(key)
            assert isinstance(old, Stored)
            await tx.write(Draft(key, 2, old.updated + 10**6, b"", "DELETE", deleted=True, old=row.entries))
    finally:
        await store.close()


def connected(world: World) -> Awaitable[psycopg.AsyncConnection[Any]]:
    return psycopg.AsyncConnection.connect(
        session_conninfo(world.url, "test", PLANNER), autocommit=True, context=ADAPTERS
    )
