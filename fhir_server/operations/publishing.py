"""The background work that lets clients read packaged definitions: each is kept as a resource, a copy that follows it.

What is kept is compared with what there is once, and again when packages have changed; slice after slice, each of which
may be killed. A resource that somebody else had under such an id before stays theirs.

SearchParameters of installed packages come into force by being written, as any other.

What Cordée brings has been there from the beginning: its copies are dated so, each a little before the one that is made
before it. They stand at the end of every history, in the order of their making, and come in front of nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from fhir_server.definitions.packaged import CANONICAL, NONE_INSTALLED, SHIPPED, Packaged, is_core
from fhir_server.interactions.call import Action, Call, Server
from fhir_server.interactions.delete import removed
from fhir_server.interactions.drafting import written
from fhir_server.kernel.errors import Conflict, Invalid, Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.store.contract import Stale, Transaction
from fhir_server.validation.validator import check
from profiles.registry import Entry

Change = tuple[Key, Entry | None]  # None: it is no more

BEGINNING: Final = 1_767_225_600_000_000  # µs: 1 January 2026
SLICE: Final = 20  # definitions
_ATTEMPTS: Final = 3
_YIELD_EVERY: Final = 2  # definitions between two chances for requests to be answered

_log = logging.getLogger(__name__)


class Publishing:
    """Keeps the copies of one store. `core`: R4's own definitions too. `step` is for one caller at a time."""

    def __init__(self, server: Server, base: str = "", *, core: bool = False, slice: int = SLICE) -> None:
        # An ImplementationGuide refers to resources by the ids that they have at its publisher's.
        self._server = replace(server, limits=replace(server.limits, references=False))
        self._call = Call(Action.UPDATE, base=base)
        self._core = core
        self._slice = slice
        self._packaged: Packaged | None = None  # what the rest is about
        self._rest: deque[Change] = deque()
        self._digests: Mapping[Key, str] = {}

    async def step(self) -> bool:
        """Publish one slice, or take away what is no more. False: there is nothing to do."""
        keeper = self._server.store.definitions
        packaged = keeper.current.packaged
        if packaged is not self._packaged:
            self._digests = await keeper.published()
            wanted = self._wanted(packaged)
            self._rest = deque((key, None) for key in self._digests if key not in wanted)
            self._rest += wanted.items()
            self._packaged = packaged
        if not self._rest:
            return False
        batch = self._batch()
        try:
            await self._publish(batch)
        except BaseException:
            self._packaged = None  # it begins again
            raise
        return True

    def _wanted(self, packaged: Packaged) -> dict[Key, Entry]:
        """What is to be there. SearchParameters that are shipped are in force without being resources."""
        return {
            key: entry
            for key, entry in packaged.by_key.items()
            if key.type in CANONICAL
            and (self._core or not is_core(entry))
            and not (key.type == "SearchParameter" and SHIPPED.exactly(entry.kind, entry.url, entry.version))
        }

    def _batch(self) -> list[Change]:
        """The next changes. One of a SearchParameter, which may be refused, is alone."""
        batch: list[Change] = []
        for _ in range(min(self._slice, len(self._rest))):
            alone = self._rest[0][0].type == "SearchParameter"
            if alone and batch:
                break
            batch.append(self._rest.popleft())
            if alone:
                break
        return batch

    async def _publish(self, batch: list[Change]) -> None:
        done: dict[Key, str | None] = {}
        trees: list[tuple[Key, Tree | None]] = []
        for number, (key, entry) in enumerate(batch, 1):
            body = None if entry is None else entry.body()
            digest = None if body is None else hashlib.blake2b(body, digest_size=16).hexdigest()
            if digest is None or digest != self._digests.get(key):
                done[key] = digest
                trees.append((key, None if entry is None or body is None else _copy_of(entry, body)))
            if number % _YIELD_EVERY == 0:
                await asyncio.sleep(0)
        if trees:
            for key in await self._write(trees):
                del done[key]
            await self._server.store.definitions.note_published(done)

    async def _write(self, trees: list[tuple[Key, Tree | None]]) -> list[Key]:
        """Have the copies be these; None: have one go. Gives those that cannot be, because they are others'."""
        for _ in range(_ATTEMPTS):
            try:
                async with self._server.store.begin(interactive=True) as tx:
                    return [key for key, tree in trees if not await self._replace(key, tree, tx)]
            except Stale:
                continue
            except (Conflict, Invalid) as error:
                _log.warning("%s is not in force and not published: %s", trees[0][0], error)
                return []
        raise Unavailable("Others write to the copies of packaged definitions")

    async def _replace(self, key: Key, tree: Tree | None, tx: Transaction) -> bool:
        """False: there is a resource of somebody else."""
        current = await tx.lock(key)
        there = current is not None and not current.deleted
        if (
            current is not None
            and there
            and key not in self._digests
            and _source(decode(current.body)) != (None if tree is None else _source(tree))
        ):
            _log.warning("%s is not published: there is a resource with this id", key)
            return False
        if tree is None:
            if current is not None and there:
                await removed(current, self._call, tx, self._server)
        elif issues := check(tree):
            _log.warning("%s is not valid and not published: %s", key, issues[0].text)
        else:
            since = _dated().get(key) if current is None else None
            await written(tree, key, "PUT", current, self._call, tx, self._server, since=since)
        return True


@cache
def _dated() -> Mapping[Key, int]:
    """Since when what Cordée brings has been there, in µs."""
    return {key: BEGINNING - 1000 * number for number, key in enumerate(NONE_INSTALLED.by_key)}


def _copy_of(entry: Entry, body: bytes) -> Tree:
    """The resource, which says in `meta.source` where it is from."""
    tree = decode(body)
    meta = tree.get("meta")
    tree["meta"] = {**(meta if isinstance(meta, dict) else {}), "source": entry.package}
    return tree


def _source(tree: Tree) -> object:
    """Of a copy that was made and not remembered, it is the package's."""
    meta = tree.get("meta")
    return meta.get("source") if isinstance(meta, dict) else None
