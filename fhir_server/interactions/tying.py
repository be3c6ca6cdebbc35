"""The ties of persons, made anew by the transaction that writes what they follow from.

What makes ties is judged on the facts before the transaction: nobody opens a door with what they bring along. Who else
writes to the circle of the same person waits until this one is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from fhir_server.access.caller import ANYONE
from fhir_server.access.facts import (
    ACTORS,
    BELOW,
    BY_ACTOR,
    LINKING,
    Facts,
    Question,
    answered,
    merged_with,
    person_of,
    questions,
    stands_as_before,
    written,
)
from fhir_server.access.linking import second_circle
from fhir_server.access.standing import Write
from fhir_server.interactions.call import Call, Change, Server
from fhir_server.interactions.drafting import put
from fhir_server.kernel.errors import Conflict
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.parse import criteria_of
from fhir_server.search.sight import Label
from fhir_server.store.contract import Missing, Stale, Stored, Transaction

TYING: Final = LINKING | ACTORS
_PAGE: Final = 200
_GUARD: Final = "ties of {}"


async def tied(changes: Sequence[Change], call: Call, tx: Transaction, server: Server) -> tuple[Change, ...]:
    """Write the ties of every person whose ties the changes change, and announce it to those who are to know.

    Returns what it wrote besides. Raises `NeedsLocks`, or `Forbidden`.
    """
    access = server.access
    if access is None:
        return ()
    making = [change for change in changes if change.key.type in TYING]
    bases = (call.base,) if call.base else ()
    persons: dict[Key, None] = {}
    for change in making:
        for tree in (change.before, change.tree):
            if tree is not None and change.key.type in LINKING:
                persons.update(dict.fromkeys((*person_of(tree, bases), *merged_with(tree, bases))))
        if change.key.type in ACTORS and not _stands_as_before(change):
            persons.update(dict.fromkeys(await _depending(change.key, bases, server)))
    if not persons:
        return ()
    await _require_merged_seen(making, bases, tx)
    records = await _records(persons, bases, server)
    await hold(records, tx)
    told: list[Change] = []
    writes = [Write(change.before, change.tree, change.warrant) for change in making]
    pairs = [(write.old, write.new) for write in writes]
    actors = {change.key: change for change in making if change.key.type in ACTORS}
    for person in sorted(records):
        before = await facts_of(person, bases, server)
        if not before.records <= records:
            raise Stale  # another was merged with them meanwhile
        later = await _after(_without_actors(before, actors), pairs, server, actors)
        about = [write for write in writes if _is_about(write, person, bases)]
        if about:  # whether somebody may write an actor was asked when they did
            access.require_tying(call.caller, before, later, about, now())
            if second_circle(about, later):
                raise _second_circle()
        await tx.tie(person, access.links_of(later, now()))
        key = Key("Communication", server.store.new_id())
        announcement = access.announcement_of(call.caller, before, later, about, key.id, now())
        if announcement is not None:
            itself = replace(call, caller=ANYONE)  # the server writes it
            told += (await put(announcement, key, "POST", None, itself, tx, server)).changes
    return tuple(told)


def _second_circle() -> Conflict:
    """Told to nobody who may not make one: who has come so far may."""
    return Conflict(
        "This person has an active circle, and one person has one: CareTeam/$join brings somebody into it",
        "CareTeam.subject",
        code="duplicate",
        french="Cette personne a un cercle actif, et n'en a qu'un\u202f: CareTeam/$join y fait entrer quelqu'un",
    )


async def hold(persons: Iterable[Key], tx: Transaction) -> None:
    """Keep everybody else from changing the ties of these persons until commit. Raises `NeedsLocks`."""
    await tx.guard([_GUARD.format(person) for person in persons])


async def tied_anew(person: Key, bases: tuple[str, ...], server: Server) -> None:
    """Write the ties of a person as they follow from what is committed. Raises `Stale` when a race is lost."""
    access = server.access
    assert access is not None, "without access control nobody is tied to anybody"
    async with server.store.begin(interactive=True) as tx:
        await hold([person], tx)
        await tx.tie(person, access.links_of(await facts_of(person, bases, server), now()))


async def facts_of(person: Key, bases: tuple[str, ...], server: Server) -> Facts:
    """What is committed about one person."""
    return await _completed(Facts(person, bases), server, {})


async def facts_after(before: Facts, write: Write, server: Server) -> Facts:
    """What will be known of the person once this is committed."""
    return await _after(before, [(write.old, write.new)], server, {})


async def _after(
    before: Facts,
    pairs: Sequence[tuple[Tree | None, Tree | None]],
    server: Server,
    actors: Mapping[Key, Change],
) -> Facts:
    """The facts after writes, complete."""
    begun = written(before, pairs)
    later = await _completed(begun, server, actors)
    if not begun.records <= before.records:
        # A record is merged by them: what was found of it is what is committed, and what they write of it comes above,
        # its own version first, by which it is known to be of the person.
        later = await _completed(written(written(later, pairs), pairs), server, actors)
    return later


def _without_actors(facts: Facts, actors: Mapping[Key, Change]) -> Facts:
    """The facts, where some actors are being written: all that they say of actors is to be asked again."""
    if not actors:
        return facts
    trees = {key: tree for key, tree in facts.trees.items() if key.type not in ACTORS}
    asked = frozenset(question for question in facts.asked if question.type not in ACTORS)
    return replace(facts, trees=trees, asked=asked)


async def _completed(facts: Facts, server: Server, actors: Mapping[Key, Change]) -> Facts:
    """With the answers to all that the facts ask. `actors`: those that the transaction itself writes."""
    bases, all_verified = facts.bases, server.access is None  # where nothing is stamped, nobody is unverified
    while asked := questions(facts):
        for question in asked:
            found = [one for one in await _found(question, bases, server) if one.key not in actors]
            stamps = await server.store.stamps([stored.key for stored in found])
            verified = {key for key, stamp in stamps.items() if stamp.labels & Label.VERIFIED}
            trees = [(decode(stored.body), all_verified or stored.key in verified) for stored in found]
            trees += [
                (change.tree, bool(change.stamp.labels & Label.VERIFIED))
                for key, change in actors.items()
                if change.tree is not None and _may_answer(key, question)
            ]
            facts = answered(facts, question, trees)
    return facts


def _may_answer(actor: Key, question: Question) -> bool:
    """Whether a question may be about an actor: it asks for its id, or by what else its type is asked."""
    ids = [value for name, value in question.criteria if name == "_id"]
    return actor.type == question.type and ids in ([], [actor.id])


def _stands_as_before(change: Change) -> bool:
    """Whether nobody's ties can be others for what has changed of an actor, verified before and now alike."""
    previous = change.previous
    return (
        previous is not None
        and previous.labels & Label.VERIFIED == change.stamp.labels & Label.VERIFIED
        and stands_as_before(change.before, change.tree)
    )


def _is_about(write: Write, person: Key, bases: tuple[str, ...]) -> bool:
    """Whether a write is about a person, or merges their record with another."""
    return any(
        person in person_of(tree, bases) or person in merged_with(tree, bases)
        for tree in (write.old, write.new)
        if tree is not None
    )


async def _require_merged_seen(changes: Sequence[Change], bases: tuple[str, ...], tx: Transaction) -> None:
    """Raises `Missing` for a record that the caller does not see, before anything is asked about it."""
    for change in changes:
        new = merged_with(change.tree, bases) - merged_with(change.before, bases)
        if new and (hidden := await tx.unseen(sorted(new))):
            raise Missing(hidden)


async def _records(persons: Iterable[Key], bases: tuple[str, ...], server: Server) -> frozenset[Key]:
    """Persons, and the records that are merged with theirs."""
    found: frozenset[Key] = frozenset(persons)
    step = found
    while step:
        near: set[Key] = set()
        for person in step:
            stored = await server.store.read(person)
            if stored is not None and not stored.deleted:
                near |= merged_with(decode(stored.body), bases)
            pointing = await _found(Question("Patient", (("link", str(person)),)), bases, server)
            near |= {one.key for one in pointing if person in merged_with(decode(one.body), bases)}
        step = frozenset(near - found)
        found |= step
    return found


async def _depending(actor: Key, bases: tuple[str, ...], server: Server) -> list[Key]:
    """The persons whose ties follow from an actor, or from one that stands on it."""
    found: dict[Key, None] = {}
    for one in await _standing_on(actor, bases, server):
        for question in BY_ACTOR:
            for stored in await _found(_about(question, one), bases, server):
                found.update(dict.fromkeys(person_of(decode(stored.body), bases)))
    return list(found)


async def _standing_on(actor: Key, bases: tuple[str, ...], server: Server) -> list[Key]:
    """An actor, those who practise there or are it, and the organisations that are part of it."""
    found = {actor: None}
    step = [actor]
    while step:
        asked = [_about(question, one) for one in step for question in BELOW.get(one.type, ())]
        step = []
        for question in asked:
            for stored in await _found(question, bases, server):
                if stored.key not in found:
                    found[stored.key] = None
                    step.append(stored.key)
    return list(found)


def _about(question: Question, actor: Key) -> Question:
    """A question of a table, asked of an actor."""
    criteria = tuple((name, value.replace("{}", str(actor))) for name, value in question.criteria)
    return Question(question.type, criteria)


async def _found(question: Question, bases: tuple[str, ...], server: Server) -> list[Stored]:
    """The answer to a question, all of it, whoever asks."""
    parameters = server.store.definitions.current.parameters
    base = bases[0] if bases else ""
    query = criteria_of(question.type, urlencode(question.criteria), base, parameters)
    query = replace(query, count=_PAGE, total="none")
    found: list[Stored] = []
    while True:
        page = await server.store.search(query)
        found += page.items
        if not page.next:
            return found
        query = replace(query, cursor=page.next)
