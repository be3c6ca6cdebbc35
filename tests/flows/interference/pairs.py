"""Two databases that differ in what somebody does not see, asked the same by them: every answer must be the same.

A world is written once and copied for each pair; one of the two copies gets the hidden. Time stands still but for a
second before each request, so that both servers make the same ids, stamps and moments.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final, Protocol
from unittest.mock import patch

from starlette.types import ASGIApp, Scope

from fhir_server.access.authority import Authority
from fhir_server.access.caller import ANYONE, Caller
from fhir_server.access.facts import key_of
from fhir_server.app import server_of
from fhir_server.auditing import observer_of
from fhir_server.engine import Engine
from fhir_server.interactions.auditing import Auditor
from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, encode
from fhir_server.search.entries import Entries
from fhir_server.search.sight import Link, Stamp
from fhir_server.search.view import View
from fhir_server.settings import Settings
from fhir_server.store.contract import ResourceStore
from fhir_server.store.postgres import PostgresStore
from fhir_server.web.api import api_of
from fhir_server.web.front import Front
from fhir_server.web.rest import RestOptions
from tests.circles import NOW
from tests.flows.interference import reading, writing
from tests.flows.interference.asking import KINDS, Draw, bundle, entry, get
from tests.flows.interference.hiding import (
    EARLIER,
    IMPORTED,
    IMPORTED_SHA256,
    MUTATORS,
    Hidden,
    Write,
    written_by,
)
from tests.flows.interference.speaking import BASE, Answer, Asker, Request
from tests.flows.interference.world import PERSONS, trees_of

assert reading
assert writing  # they fill KINDS

SECOND: Final = 1_000_000_000  # ns
DAY: Final = 86_400 * SECOND
# What somebody sees in the end: everything, as it is and as it was.
STATE: Final = get("_history?_count=1000")


class Clock:
    """Nanoseconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.at = NOW * 1000

    def __call__(self) -> int:
        return self.at

    def tick(self) -> None:
        self.at += SECOND

    @contextmanager
    def running(self) -> Iterator[None]:
        with patch.object(time, "time_ns", self):
            yield


@dataclass
class World:
    """What is there before anybody hides anything: what was written last, and how it is stamped."""

    there: dict[Key, tuple[Tree, Stamp]]
    earlier: dict[Key, Stamp]  # of what began as something about somebody else

    @classmethod
    async def write(cls, store: ResourceStore, authority: Authority, seed: int, clock: Clock) -> World:
        engine = Engine(replace(server_of(store, SETTINGS), access=authority))
        written: dict[Key, Tree] = {}
        earlier: dict[Key, Stamp] = {}
        for tree in trees_of(seed):
            clock.tick()
            if (key := key_of(tree)) in written:
                earlier |= await store.stamps([key])
            await keep(engine, tree)
            written[key_of(tree)] = tree
        stamps = await store.stamps(list(written))
        return cls({key: (tree, stamps[key]) for key, tree in written.items()}, earlier)


class Copies(Protocol):
    """A world that can be had again and again."""

    world: World

    async def copy(self, without: Collection[Key] = ()) -> ResourceStore:
        """A database of its own. `without`: what has no earlier versions in it."""


@dataclass
class Seat:
    """Somebody at a server, and the server itself behind it."""

    engine: Engine
    ask: Asker

    @classmethod
    def at(cls, store: ResourceStore, authority: Authority, caller: Caller, clock: Clock) -> Seat:
        server = replace(server_of(store, SETTINGS), access=authority)
        auditor = None
        if isinstance(
            store, PostgresStore
        ):  # where there is a log, what is read with its trace goes another way
            auditor = Auditor(store.audit, observer_of(SETTINGS), server)
        engine = Engine(server, auditor)
        return cls(engine, Asker(_app(engine, caller), clock.tick))


SETTINGS: Final = Settings(publish="off")


async def _ready() -> bool:
    return True


_API: Final = api_of(_ready)  # which is never asked


def _app(engine: Engine, caller: Caller) -> ASGIApp:
    async def authenticate(scope: Scope, headers: Mapping[bytes, bytes], *, public: bool = False) -> Caller:
        return caller

    return Front(engine.perform, RestOptions(), _API, authenticate=authenticate)


async def keep(engine: Engine, tree: Tree) -> None:
    """Let the server itself write a version."""
    key = key_of(tree)
    await engine.perform(Call(Action.UPDATE, key.type, key.id, body=encode(tree), base=BASE, caller=ANYONE))


async def _hide(engine: Engine, write: Write, clock: Clock) -> None:
    clock.tick()
    if write.tree is not None:
        await keep(engine, write.tree)
        return
    # As others delete: by the store, since only what is theirs may be ended by a client.
    await engine.perform(Call(Action.DELETE, write.key.type, write.key.id, base=BASE, caller=ANYONE))


async def _import(engine: Engine) -> None:
    body = encode(bundle("transaction", entry("GET", "Organization/dac")))
    files = (IMPORTED_SHA256,)
    await engine.perform(Call(Action.BUNDLE, body=body, base=BASE, caller=ANYONE, files=files))


@dataclass(frozen=True)
class Difference:
    """What a caller could tell."""

    caller: str
    mutators: Sequence[str]
    kind: str
    request: Request
    plain: Answer
    fuller: Answer
    seed: int

    def __str__(self) -> str:
        lines = [
            f"{self.caller}, {' + '.join(self.mutators)}, {self.kind} (seed {self.seed})",
            str(self.request),
        ]
        for name, answer in (("without", self.plain), ("with", self.fuller)):
            lines.append(
                f"{name}: {answer.status} {_unlike(self.plain.headers, self.fuller.headers, answer.headers)}"
            )
        first, second = self.plain.body, self.fuller.body
        if first != second:
            at = next(
                (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
                min(len(first), len(second)),
            )
            lines += [
                f"{name}: …{text[max(0, at - 200) : at + 200]}…"
                for name, text in (("without", first), ("with", second))
            ]
        return "\n  ".join(lines)


def _unlike(first: Sequence[Any], second: Sequence[Any], shown: Sequence[Any]) -> list[Any]:
    common = set(first) & set(second)
    return [one for one in shown if one not in common]


@dataclass
class Trial:
    """Pairs, one after another, and what they covered: how often each kind was asked with each mutator."""

    authority: Authority
    clock: Clock
    serving: Authority | None = None  # another one, that the servers are to obey
    covered: Counter[tuple[str, str]] = field(default_factory=Counter)
    statuses: dict[str, Counter[int]] = field(default_factory=dict)
    _turns: Counter[str] = field(default_factory=Counter)
    barren: Counter[str] = field(default_factory=Counter)  # mutators that found nothing to write

    def cells(self, mutators: Sequence[str]) -> list[tuple[str, str]]:
        return [(mutator, kind) for mutator in mutators for kind in KINDS]

    def chosen(
        self, rng: random.Random, mutators: Sequence[str], most: int, kinds: int
    ) -> tuple[list[str], list[str]]:
        """One of the mutators, and any others; and the kinds that were tried with it least often."""
        first = min(mutators, key=lambda one: (self._turns[one], rng.random()))
        self._turns[first] += 1
        others = rng.sample([one for one in MUTATORS if one != first], most - 1)
        asked = sorted(KINDS, key=lambda one: (self.covered[first, one], rng.random()))
        return [first, *others], asked[:kinds]

    async def pair(
        self,
        copies: Copies,
        name: str,
        caller: Caller,
        mutators: Sequence[str],
        kinds: Sequence[str],
        seed: int,
    ) -> Difference | None:
        """The first difference, if there is one."""
        rng, world = random.Random(seed), copies.world
        begun, serving = self.clock.at, self.serving or self.authority
        fuller = await copies.copy()
        behind = Seat.at(fuller, serving, caller, self.clock)
        view, links = await self._facts(fuller, caller)

        def rows(tree: Tree) -> Entries:
            return behind.engine.server.extract(tree, BASE)

        hidden = Hidden(rng, self.authority, view, rows, fuller.hasher, links, world.there, count(1))
        begun_otherwise = [
            key for key, stamp in world.earlier.items() if not hidden.sees(world.there[key][0], stamp)
        ]
        without = begun_otherwise if EARLIER in mutators else []
        plain = await copies.copy(without)
        effective, writes = [], []
        for mutator in mutators:
            found = written_by(mutator, hidden)
            for write in found:
                await _hide(behind.engine, write, self.clock)
            imports = mutator == IMPORTED and caller.kind != "operator"  # whose files these are
            if imports:
                await _import(behind.engine)
            writes += found
            if found or imports or (mutator == EARLIER and without):
                effective.append(mutator)
            else:
                self.barren[mutator] += 1
        await self._require_hidden(fuller, caller, hidden, writes)
        lures = [write.tree for write in writes if write.tree is not None]
        draw = Draw(rng, caller, hidden.visible, [*lures * 3, *hidden.invisible])
        before = Seat.at(plain, serving, caller, self.clock)
        self.clock.at = begun + DAY

        async def both(request: Request) -> tuple[Answer, Answer]:
            at = self.clock.at
            first = await before.ask(request)
            self.clock.at = at
            return first, await behind.ask(request)

        asked = random.Random(seed).sample(kinds, len(kinds))
        try:
            for kind in asked:
                asking = KINDS[kind](draw)
                answer = None
                while True:
                    try:
                        request = next(asking) if answer is None else asking.send(answer)
                    except StopIteration:
                        break
                    answer, other = await both(request)
                    self.statuses.setdefault(kind, Counter())[answer.status] += 1
                    if answer != other:
                        return Difference(name, effective, kind, request, answer, other, seed)
                self.covered.update((mutator, kind) for mutator in effective)
            answer, other = await both(STATE)
            if answer != other:
                return Difference(name, effective, "the state in the end", STATE, answer, other, seed)
        finally:
            self.clock.at = begun  # else most of many pairs were of a time when nothing is in force any more
            for store in (plain, fuller):
                await store.close()
        return None

    async def _facts(self, store: ResourceStore, caller: Caller) -> tuple[View, dict[Key, list[Link]]]:
        view = self.authority.view_of(caller)
        assert view is not None
        found: dict[Key, list[Link]] = {person: [] for person in PERSONS}
        for link in await store.links(PERSONS, view.sight.actors):
            found[link.person].append(link)
        return view, found

    async def _require_hidden(
        self, store: ResourceStore, caller: Caller, hidden: Hidden, writes: Sequence[Write]
    ) -> None:
        """The premises: nothing of it is seen, and all else, the caller's ties too, is as it was."""
        _, after = await self._facts(store, caller)
        assert {person: set(found) for person, found in after.items()} == {
            person: set(found) for person, found in hidden.links.items()
        }
        stamps = await store.stamps([*(write.key for write in writes), *hidden.there])
        assert [
            write.key
            for write in writes
            if write.tree is not None and write.key in stamps and hidden.sees(write.tree, stamps[write.key])
        ] == []
        assert [
            tree for tree in hidden.visible if stamps[key_of(tree)] != hidden.there[key_of(tree)][1]
        ] == []
