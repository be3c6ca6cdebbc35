"""The dossier of one support of a person: which resources of the person's record belong to it.

A coordination record is shared for the length of a support (EpisodeOfCare) or of a circle (CareTeam). To it belong:

1. what is *tied* to the support: what refers to it or to its team, what refers to that, and so on; and whatever of the
   person's record these refer to;
2. what happened during it: its care date touches the period of the support, or it has none;
3. what holds of the person whatever the date: allergies, problems, consents, coverage and their like;

but nothing of 2 that is tied to another episode of care and not to this one. What many supports share (a problem, a
consent, a carer) comes along and ties nothing further. `docs/operations.md` says the same to its users.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from fhir_server.definitions.targets import local_key
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.operations.compartment import Walk, Wanted, patients_in
from fhir_server.operations.everything import INCLUDED, focus_of, keys_behind, page_in, reply_of, wanted_in
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.supporting import fetched, links_in, provenances, supporting
from fhir_server.search.spans import period_of
from fhir_server.store.contract import Reader, Stored

_SLICE = 1000  # resources read at a time

# What holds of a person whatever its date. Many supports share it.
STANDING: Final = frozenset(
    {
        "Account",
        "AllergyIntolerance",
        "BodyStructure",
        "Condition",
        "Consent",
        "Coverage",
        "Device",
        "FamilyMemberHistory",
        "Flag",
        "Group",
        "Immunization",
        "Patient",
        "Person",
        "RelatedPerson",
    }
)


@dataclass(frozen=True, slots=True)
class Focus:
    """What the dossier is about. `seeds`: what it is tied by, itself first. `alone`: other episodes stay out."""

    seeds: tuple[Key, ...]
    patient: Key | None  # a local one
    period: tuple[int, int] | None
    alone: bool

    @property
    def key(self) -> Key:
        return self.seeds[0]


@dataclass(frozen=True, slots=True)
class Known:
    """A resource of the person's record, as far as belonging goes."""

    links: frozenset[Key]
    during: bool  # its care date touches the period, or it has none
    dated: bool  # its care date is one of those asked for, or it has none
    wanted: bool  # whether it is asked for, by all the inputs


async def dossier(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    """$everything of an EpisodeOfCare or a CareTeam."""
    page, wanted = page_in(inputs, server.limits), wanted_in(inputs)
    stored = await focus_of(call, reader)
    focus = focus_in(decode(stored.body), stored.key, call.base)
    walk = Walk(reader, server, call.base, wanted, focus.patient)
    record = await _record(stored, focus, walk)
    belonging = members(focus, record)
    first = tuple(key for key in (focus.key, focus.patient) if key is not None)

    if not inputs.cursor.startswith(INCLUDED):
        behind = keys_behind((key for key in belonging if record[key].wanted), inputs.cursor, first)
        shown = behind[: page.left]
        page.matches += await _in_order(reader, shown)
        if len(shown) < len(behind):
            page.next = str(shown[-1])
            return reply_of(page, call, inputs)
    links = {link for key in belonging if record[key].dated for link in record[key].links}
    links |= await provenances(reader, belonging)
    page.include(await _included(links, set(record), walk), inputs.cursor)
    return reply_of(page, call, inputs)


def focus_in(tree: Tree, key: Key, base: str) -> Focus:
    person = tree.get("patient" if key.type == "EpisodeOfCare" else "subject", {}).get("reference", "")
    patient = local_key(person, (base,))
    teams = (local_key(team.get("reference", ""), (base,)) for team in tree.get("team", ()))
    return Focus(
        (key, *(team for team in teams if team is not None and team.type == "CareTeam")),
        patient if patient is not None and patient.type == "Patient" else None,
        period_of(tree.get("period", {})),
        key.type == "EpisodeOfCare",
    )


def members(focus: Focus, record: Mapping[Key, Known]) -> set[Key]:
    """What of a person's record, the focus among it, belongs to its dossier. Pure."""
    referrers: dict[Key, set[Key]] = defaultdict(set)
    for key, known in record.items():
        for link in known.links:
            referrers[link].add(key)
    barred = {key for key in record if focus.alone and key.type == "EpisodeOfCare" and key != focus.key}
    tied = _tied(focus.seeds, referrers, barred)
    foreign = {key for other in barred for key in _tied([other], referrers, barred | {focus.key})} - tied
    during = {
        key
        for key, known in record.items()
        if key.type in STANDING or (known.during and key not in foreign and key not in barred)
    }
    return (tied | _referred(tied, record, barred) | during) & record.keys()


def _tied(
    seeds: Iterable[Key], referrers: Mapping[Key, Collection[Key]], barred: Collection[Key]
) -> set[Key]:
    """The seeds, what refers to them, and so on."""
    found, frontier = set(seeds), set(seeds)
    while frontier:
        frontier = {
            key
            for link in frontier
            for key in referrers.get(link, ())
            if key not in found and key not in barred
        }
        found |= frontier
        frontier = {key for key in frontier if key.type not in STANDING}
    return found


def _referred(keys: Iterable[Key], record: Mapping[Key, Known], barred: Collection[Key]) -> set[Key]:
    """What `keys` refer to, and so on; through an encounter the way would lead into other supports."""
    found, frontier = set[Key](), set(keys) & record.keys()
    while frontier:
        frontier = {
            link
            for key in frontier
            for link in record[key].links
            if link in record and link not in found and link not in barred
        }
        found |= frontier
        frontier = {key for key in frontier if key.type not in {"Encounter", "Patient"}}
    return found


async def _record(stored: Stored, focus: Focus, walk: Walk) -> dict[Key, Known]:
    """Everything about the person, the focus among it whether it is about a local person or not."""
    found = {}
    during = replace(walk, wanted=Wanted(care=focus.period))
    dated = replace(walk, wanted=Wanted(care=walk.wanted.care))

    def note(one: Stored) -> None:
        links = frozenset(links_in(decode(one.body), walk.base))
        found[one.key] = Known(links, during.wants(one), dated.wants(one), walk.wants(one))

    note(stored)
    if focus.patient is not None:
        patient = await walk.reader.read(focus.patient)
        if patient is not None and not patient.deleted:
            note(patient)
        async for one in replace(walk, wanted=Wanted()).all(_SLICE):
            if one.key != focus.key:
                note(one)
    return found


async def _included(links: set[Key], known: set[Key], walk: Walk) -> dict[Key, Stored]:
    """What is nobody's."""

    def comes(tree: Tree) -> bool:
        return tree["resourceType"] != "Patient" and not patients_in(tree, walk.server, walk.base)

    found = await supporting(walk.reader, links, known, walk.base, comes)
    return {one.key: one for one in found if walk.wants(one, dated=False)}


async def _in_order(reader: Reader, keys: list[Key]) -> list[Stored]:
    """Those of `keys` that are still there."""
    found = {stored.key: stored for stored in await fetched(reader, keys)}
    return [found[key] for key in keys if key in found]
