"""Stamps and ties for what was written without access control, or by other rules than those in force.

Every version of every resource gets the stamp that it would have had; then the ties of every person are made anew. The
columns alone are written. A body stays as it is, without its category in `meta.security`: it belongs to a version that
clients know by its ETag, that a Provenance or a signature may vouch for, and that must not come to say something else.
Nothing that decides reads the category there; the next write of the resource puts it in.

Binaries come first: whatever refers to one closes it as far as it is closed itself. A resource that takes its stamp
from others comes last of all, and persons come when all actors have their stamps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from fhir_server.access.authority import Authority
from fhir_server.access.classifying import Past, fingerprint_of, is_stamped, restamped
from fhir_server.definitions.catalogue import resource_types
from fhir_server.interactions.call import Server
from fhir_server.interactions.references import attachments_of
from fhir_server.interactions.tying import TYING, tied_anew
from fhir_server.kernel.errors import Unavailable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.sight import Stamp
from fhir_server.store.classifying import Classifying, Place, Version
from fhir_server.store.contract import Stale

SLICE: Final = 1000  # resources of a commit
_PERSONS: Final = 100  # and persons
_FIRST: Final = "Binary"
# Their stamps follow from those of others, of one another in this order.
_LAST: Final = ("Media", "Provenance")
_ORDER: Final = (_FIRST, *sorted(resource_types() - {_FIRST, *_LAST}), *_LAST)
_AT_ONCE: Final = 4  # persons: each waits for the database most of the time
_ATTEMPTS: Final = 8
_PAUSE_SECONDS: Final = 0.05  # before another attempt
_LOOK_SECONDS: Final = 0.5

Progress = Callable[[Place], None]


async def classify(
    server: Server,
    work: Classifying,
    bases: tuple[str, ...],
    progress: Progress = lambda place: None,
    *,
    again: bool = False,
    slice: int = SLICE,
) -> Place | None:
    """Do all that is to be done, and say how much that was; None: nothing. `again`: as if by other rules.

    `bases`: the server's own base URLs. `progress` is told before each step; when it raises, what was done stays done.
    Raises `Unavailable` when somebody writes without stamps meanwhile.
    """
    access = server.access
    assert access is not None, "without access control there is nothing to classify for"
    place = await work.begin(fingerprint_of(access.policy.tables), _ORDER[0], again=again)
    if place is None:
        return None
    while place.type:
        progress(place)
        place = await _stamped(place, work, access, server, bases, slice)
    if place.tying:
        place = await _tied(place, work, server, bases, progress, slice)
    await work.finish(place)
    return place


async def _stamped(
    place: Place, work: Classifying, access: Authority, server: Server, bases: tuple[str, ...], slice: int
) -> Place:
    """The place behind one slice; the same one when others were faster."""
    found, behind = await work.take(place, slice)
    if behind == place:
        behind = place.at(_after(place.type))
    if found and place.type in TYING:
        behind = replace(behind, tying=True)
    pasts = [[_past(version, whole=place.whole) for version in one.versions] for one in found]
    trees = [past.tree for each in pasts for past in each if past.tree is not None]
    sources = {source for tree in trees for source in access.sources_of(tree, bases)}
    known = dict(await server.store.stamps(sorted(sources))) if sources else {}

    def stamp_of(tree: Tree, previous: Stamp | None) -> Stamp:
        inherited = [known[key] for key in access.sources_of(tree, bases) if key in known]
        return access.stamp_of(tree, previous=previous, inherited=inherited, bases=bases)

    stamps = []
    closing: dict[Key, list[Stamp]] = {}
    for one, each in zip(found, pasts, strict=True):
        made = restamped(each, stamp_of, whole=place.whole)
        stamps.append((one, made))
        for past, stamp in zip(each, made, strict=True):
            for binary in attachments_of(past.tree, bases[0] if bases else "") if past.tree else ():
                closing.setdefault(binary, []).append(stamp)
        if one.key in known and not each[-1].deleted:
            known[one.key] = made[-1]
    try:
        await _closed(closing, access, server)
        await work.write(behind, stamps)
    except Stale:
        await asyncio.sleep(_PAUSE_SECONDS)
        return place
    return behind


async def _closed(closing: Mapping[Key, Sequence[Stamp]], access: Authority, server: Server) -> None:
    """Have Binaries be as closed as what refers to them."""
    if not closing:
        return
    async with server.store.begin(interactive=True) as tx:
        for binary in sorted(closing):
            for stamp in closing[binary]:
                await tx.restamp(binary, partial(access.behind, referrer=stamp))


def _past(version: Version, *, whole: bool) -> Past:
    wanted = not version.deleted and (whole or not is_stamped(version.stamp))
    return Past(decode(version.body) if wanted else None, version.stamp, version.deleted)


def _after(type: str) -> str:
    """The next type; behind the last, the empty one: persons."""
    behind = _ORDER[_ORDER.index(type) + 1 :]
    return behind[0] if behind else ""


async def _tied(
    place: Place,
    work: Classifying,
    server: Server,
    bases: tuple[str, ...],
    progress: Progress,
    slice: int,
) -> Place:
    if place.is_beginning:
        place = replace(place, total=place.total + await work.count_persons())
    keeper = server.store.definitions
    while await keeper.progress():  # until the index can be asked for what ties follow from
        progress(place)
        await keeper.heard(_LOOK_SECONDS)
    while True:
        progress(place)
        persons, behind = await work.persons(place, min(slice, _PERSONS))
        if not persons:
            return place
        waiting = iter(persons)

        async def take(waiting: Iterator[Key] = waiting) -> None:
            for person in waiting:
                await _tied_one(person, bases, server)

        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(take())
        await work.move(behind)
        place = behind


async def _tied_one(person: Key, bases: tuple[str, ...], server: Server) -> None:
    for _ in range(_ATTEMPTS):
        try:
            await tied_anew(person, bases, server)
        except Stale:
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return
    raise Unavailable("Too many others write to the circles of the same persons at this moment")
