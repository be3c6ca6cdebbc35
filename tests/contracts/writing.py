"""Small resources for the tests of stores: bodies of no meaning, and index rows given by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.folding import fold
from fhir_server.search.main_codes import MAIN_CODES
from fhir_server.search.query import Query
from fhir_server.store.contract import Draft, Reader, ResourceStore, Stored


class Writer:
    """Writes small resources whose entries are given by hand, and knows them again for updates.

    What `put` and `new` write have stamps of their own, in order.
    """

    def __init__(self, store: ResourceStore) -> None:
        self.store = store
        self.last = 0
        self.known: dict[Key, tuple[Entries, tuple[Key, ...]]] = {}

    def draft(
        self,
        key: Key,
        old: Stored | None,
        stamp: int,
        entries: Entries | None = None,
        *,
        body: bytes | None = None,
        targets: Sequence[Key] = (),
        deleted: bool = False,
    ) -> Draft:
        previous = self.known.get(key, (Entries(), ()))
        self.known[key] = entries or Entries(), tuple(targets)
        version = old.version + 1 if old else 1
        return Draft(
            key,
            version,
            max(stamp, old.updated + 1000) if old else stamp,
            b"" if deleted else body or b'{"version":%d}' % version,
            "DELETE" if deleted else "PUT" if old else "POST",
            entries or Entries(),
            deleted,
            tuple(targets),
            old=previous[0],
            old_targets=previous[1],
        )

    async def put(self, key: Key, entries: Entries | None = None, **rest: Any) -> Draft:
        async with self.store.begin() as tx:
            stamp = max(await tx.stamp(), self.last + 1000)
            draft = self.draft(key, await tx.lock(key), stamp, entries, **rest)
            self.last = draft.updated
            await tx.write(draft)
        return draft

    async def new(self, type: str, entries: Entries | None = None, **rest: Any) -> Key:
        return (await self.put(Key(type, self.store.new_id()), entries, **rest)).key


def entries(
    hasher: Hasher,
    type: str,
    *,
    tokens: Iterable[tuple[str, str, str]] = (),
    references: Iterable[tuple[str, Key]] = (),
    strings: Iterable[tuple[str, str]] = (),
    dates: Iterable[tuple[str, int, int]] = (),
    quantities: Iterable[tuple[str, str, float, float]] = (),
    terms: Iterable[tuple[str, str]] = (),
    folded: Iterable[tuple[str, str, str]] = (),
    moment: int | None = None,
) -> Entries:
    """Rows by parameter name, as `search/extract.py` would make them. `folded`: tokens whose case does not matter."""
    found = Entries(moment=moment)
    present = set()
    for name, system, code in tokens:
        seed = hasher.seed(type, name)
        found.tokens.append((hasher.code(seed, code), hasher.space(system)))
        if MAIN_CODES.get(type) == name:
            found.codes.append(found.tokens[-1])
        present |= {seed, hasher.system(seed, system)} if system else {seed}
    for name, target in references:
        seed = hasher.seed(type, name)
        found.tokens.append((hasher.reference(seed, hasher.self_of(target)), 0))
        found.references.append((seed, target))
        present.add(seed)
    for name, text in strings:
        found.strings.append((hasher.seed(type, name), fold(text)))
        present.add(hasher.seed(type, name))
    for name, low, high in dates:
        found.dates.append((hasher.seed(type, name), low, high))
        present.add(hasher.seed(type, name))
    for name, unit, start, end in quantities:
        found.quantities.append((hasher.seed(type, name), hasher.space(unit), start, end))
        present.add(hasher.seed(type, name))
    for name, text in terms:
        seed = hasher.seed(type, name)
        found.terms.append((seed, text, hasher.code(seed, text)))
        found.tokens.append((hasher.code(seed, text), 0))
    for name, system, code in folded:
        seed = hasher.seed(type, name)
        found.tokens.append((hasher.folded(seed, code), hasher.space(system)))
        present |= {seed, hasher.system(seed, system)} if system else {seed}
    found.present = sorted(present)
    return found


async def keys_of(store: Reader, query: Query) -> list[Key]:
    return [stored.key for stored in (await store.search(query)).items]


async def all_pages(store: Reader, query: Query) -> list[Key]:
    found = []
    while True:
        page = await store.search(query)
        found += [stored.key for stored in page.items]
        if not page.next:
            return found
        query = replace(query, cursor=page.next)
