"""What is known about one person's circle, stays, consents and relatives: all that their links follow from.

Facts are gathered by asking `questions` until there are none: first what hangs on the person, then the actors that
these name, then the organisations those belong to. The same searches, turned round, say whose links a change of an
actor may change (`BY_ACTOR`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import Any, Final

from fhir_server.definitions.targets import local_key
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree

ROOT: Final = "https://cordee.example/fhir"
TASK_TYPES: Final = f"{ROOT}/CodeSystem/type-tache"
SOLLICITATION: Final = "sollicitation"
MDPH_REQUEST: Final = "demande-mdph"
GRANT_TYPES: Final = f"{ROOT}/CodeSystem/type-acces"
GRANT: Final = "acces-urgence"
AFFILIATIONS: Final = f"{ROOT}/CodeSystem/type-affiliation"
FORMAL_TEAM: Final = "equipe-formalisee"

# Which types make links, and where they name the person.
_PERSON: Final[Mapping[str, str]] = {
    "CareTeam": "subject",
    "EpisodeOfCare": "patient",
    "Encounter": "subject",
    "Consent": "patient",
    "RelatedPerson": "patient",
    "Task": "for",
    "Basic": "subject",
}
_MERGING: Final = frozenset({"replaced-by", "replaces"})
LINKING: Final = frozenset({"Patient", *_PERSON})
# Actors: links are to those that the directory or an operator wrote, and to no others.
ACTORS: Final = frozenset({"Practitioner", "PractitionerRole", "Organization", "OrganizationAffiliation"})

OPEN_TASK: Final = ("requested", "received", "accepted", "ready", "in-progress", "on-hold")


@immutable
class Question:
    """A search: a type and its parameters, as in a query. All pages are wanted; who asks is the server itself."""

    type: str
    criteria: tuple[tuple[str, str], ...]


@immutable
class Facts:
    """One person's trees, as they stand in one transaction. Of actors, the verified ones and no others."""

    person: Key
    bases: tuple[str, ...] = ()  # the public base URLs of the server: references may be written below them
    trees: Mapping[Key, Tree] = field(default_factory=dict, hash=False)
    asked: frozenset[Question] = frozenset()

    @property
    def patient(self) -> Tree | None:
        return self.trees.get(self.person)

    @property
    def records(self) -> frozenset[Key]:
        """The person, and the records that were merged with theirs, whichever of them says so."""
        merged: dict[Key, set[Key]] = {}
        for tree in [tree for key, tree in self.trees.items() if key.type == "Patient" and "link" in tree]:
            for other in merged_with(tree, self.bases):
                merged.setdefault(key_of(tree), set()).add(other)
                merged.setdefault(other, set()).add(key_of(tree))
        found, step = {self.person}, {self.person}
        while step:
            step = {other for key in step for other in merged.get(key, ())} - found
            found |= step
        return frozenset(found)

    def of(self, kind: str) -> list[Tree]:
        """The trees of a type, in the order of their ids."""
        return [self.trees[key] for key in sorted(self.trees) if key.type == kind]

    def target(self, reference: Any) -> Key | None:
        """The resource that a Reference names literally."""
        return target_of(reference, self.bases)


# What hangs on a person, beside the Patient itself. What has ended makes no link and need not be gathered.
_GATHERED: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "CareTeam": (("status", "active"),),
    "EpisodeOfCare": (("status", "planned,waitlist,active,onhold"),),
    "Encounter": (("status", "planned,arrived,triaged,in-progress,onleave"),),
    "Consent": (("status", "active"),),
    "RelatedPerson": (),
    "Task": (
        ("code", f"{TASK_TYPES}|{SOLLICITATION},{TASK_TYPES}|{MDPH_REQUEST}"),
        ("status", ",".join(OPEN_TASK)),
    ),
    "Basic": (("code", f"{GRANT_TYPES}|{GRANT}"),),
}

# Whose links depend on an actor: the persons of what these searches find (`person_of`), `{}` being the actor. To be
# asked when an actor is verified, moves below another organisation, changes its kind, or is there no more.
BY_ACTOR: Final[tuple[Question, ...]] = (
    Question("CareTeam", (("participant", "{}"), ("status", "active"))),
    Question("EpisodeOfCare", (("organization", "{}"), *_GATHERED["EpisodeOfCare"])),
    Question("Encounter", (("service-provider", "{}"), *_GATHERED["Encounter"])),
    Question("Consent", (("actor", "{}"), ("status", "active"))),
    Question("Task", (("owner", "{}"), *_GATHERED["Task"])),
    Question("Basic", (("author", "{}"), *_GATHERED["Basic"])),
    Question("Patient", (("organization", "{}"),)),
)

# The actors that stand on an actor: what changes it changes what they are tied by.
BELOW: Final[Mapping[str, tuple[Question, ...]]] = {
    "Practitioner": (Question("PractitionerRole", (("practitioner", "{}"),)),),
    "Organization": (
        Question("PractitionerRole", (("organization", "{}"),)),
        Question("Organization", (("partof", "{}"),)),
    ),
}


# What of an actor ties stand on. A directory changes the rest of it (names, addresses) every day, and no tie with it.
_STANDING: Final[Mapping[str, tuple[str, ...]]] = {
    "Practitioner": ("active",),
    "PractitionerRole": ("active", "period", "practitioner", "organization", "code"),
    "Organization": ("active", "partOf", "type"),
}


def merged_with(patient: Tree | None, bases: tuple[str, ...] = ()) -> frozenset[Key]:
    """The records that a Patient says to be of the same person: it took their place, or they took its."""
    links = patient.get("link", ()) if patient is not None and patient["resourceType"] == "Patient" else ()
    found = {target_of(link.get("other"), bases) for link in links if link.get("type") in _MERGING}
    return frozenset(key for key in found if key is not None and key.type == "Patient")


def stands_as_before(old: Tree | None, new: Tree | None) -> bool:
    """Whether two versions of an actor are the same to all ties that stand on it."""
    if old is None or new is None or new["resourceType"] not in _STANDING:
        return False
    return _standing(old) == _standing(new)


def _standing(actor: Tree) -> tuple[Any, ...]:
    # Of an identifier, that it is one of an establishment.
    kinds = [identifier.get("type") for identifier in actor.get("identifier", ()) if "type" in identifier]
    return (kinds, *(actor.get(name) for name in _STANDING[actor["resourceType"]]))


def person_of(tree: Tree, bases: tuple[str, ...] = ()) -> tuple[Key, ...]:
    """The persons whose links a write of `tree` may change; empty when it makes none. Ask of old and new versions."""
    kind = tree["resourceType"]
    if kind == "Patient":
        return (Key("Patient", tree["id"]),)
    if kind not in _PERSON or not _counts(kind, tree):
        return ()
    person = target_of(tree.get(_PERSON[kind]), bases)
    return (person,) if person is not None and person.type == "Patient" else ()


def key_of(tree: Tree) -> Key:
    return Key(tree["resourceType"], tree["id"])


def target_of(reference: Any, bases: tuple[str, ...] = ()) -> Key | None:
    """The resource of this server that a Reference names literally."""
    text = reference.get("reference") if isinstance(reference, dict) else None
    return local_key(text, bases) if isinstance(text, str) else None


def coded(concepts: Any, system: str, codes: Collection[str]) -> bool:
    """Whether a CodeableConcept, or one of several, has one of `codes` of `system`."""
    return any(s == system and code in codes for s, code in codings_in(concepts))


def codings_in(concepts: Any) -> Iterator[tuple[str, str]]:
    """(system, code) of every coding in a Coding, a CodeableConcept, or a list of them."""
    if isinstance(concepts, list):
        for concept in concepts:
            yield from codings_in(concept)
    elif isinstance(concepts, dict):
        if "coding" in concepts:
            yield from codings_in(concepts["coding"])
        elif isinstance(concepts.get("code"), str):
            yield concepts.get("system", ""), concepts["code"]


def questions(facts: Facts) -> tuple[Question, ...]:
    """What is still to be asked; empty when the facts are complete. Ask again after each round of answers."""
    wanted: dict[Question, None] = {}
    for person in sorted(facts.records):
        wanted[Question("Patient", (("_id", person.id),))] = None
        wanted[Question("Patient", (("link", str(person)),))] = None
        for kind, criteria in _GATHERED.items():
            wanted[Question(kind, (("patient", str(person)), *criteria))] = None
        for circle in _decided_about(facts):
            wanted[Question("CareTeam", (("patient", str(person)), ("_id", circle.id)))] = None
    for key in _named(facts):
        wanted[Question(key.type, (("_id", key.id),))] = None
    for criteria in _affiliations_of(facts):
        wanted[Question("OrganizationAffiliation", criteria)] = None
    return tuple(question for question in wanted if question not in facts.asked)


def answered(facts: Facts, question: Question, found: Iterable[tuple[Tree, bool]]) -> Facts:
    """`facts` with the answer to a question: trees, each with whether it is verified (`Label.VERIFIED`)."""
    trees = dict(facts.trees)
    trees.update(
        (key_of(tree), tree) for tree, verified in found if verified or tree["resourceType"] in LINKING
    )
    return replace(facts, trees=trees, asked=facts.asked | {question})


def written(facts: Facts, writes: Iterable[tuple[Tree | None, Tree | None]]) -> Facts:
    """`facts` after writes, each the old and the new version: None before a create, and after a delete.

    What names another person is not of these facts. Actors are left as they are: no client writes a verified one.
    """
    trees = dict(facts.trees)
    for old, new in writes:
        tree = new if new is not None else old
        if tree is None or tree["resourceType"] in ACTORS:
            continue
        trees.pop(key_of(tree), None)
        if new is not None and not facts.records.isdisjoint(
            {*person_of(new, facts.bases), *merged_with(new, facts.bases)}
        ):
            trees[key_of(new)] = new
    later = replace(facts, trees=trees)
    if (records := later.records) != facts.records:  # records that are two again have nothing of one another
        kept = {key: tree for key, tree in trees.items() if _is_of(tree, records, facts.bases)}
        return replace(later, trees=kept)
    return later


def _is_of(tree: Tree, records: frozenset[Key], bases: tuple[str, ...]) -> bool:
    people = person_of(tree, bases)
    return not people or tree["resourceType"] == "Patient" or not records.isdisjoint(people)


def chain_of(organisation: Key | None, facts: Facts) -> tuple[Key, ...]:
    """An organisation and those above it, as far as they are verified. Empty when it is not verified itself."""
    found: list[Key] = []
    while organisation is not None and organisation in facts.trees and organisation not in found:
        found.append(organisation)
        organisation = facts.target(facts.trees[organisation].get("partOf"))
    return tuple(found)


def _counts(kind: str, tree: Tree) -> bool:
    if kind == "Task":
        return coded(tree.get("code"), TASK_TYPES, (SOLLICITATION, MDPH_REQUEST))
    if kind == "Basic":
        return coded(tree.get("code"), GRANT_TYPES, (GRANT,))
    return True


def _named(facts: Facts) -> Iterator[Key]:
    """The actors that the facts refer to."""
    for tree in facts.trees.values():
        for reference in _references(tree):
            key = facts.target(reference)
            if key is not None and key.type in ACTORS:
                yield key


def _decided_about(facts: Facts) -> Iterator[Key]:
    """The circles that consents name: whom one keeps out, it keeps out when the circle has ended."""
    for consent in facts.of("Consent"):
        for reference in _references(consent):
            key = facts.target(reference)
            if key is not None and key.type == "CareTeam":
                yield key


def _references(tree: Tree) -> Iterator[Any]:
    match tree["resourceType"]:
        case "Patient":
            yield tree.get("managingOrganization")
            yield from (identifier.get("assigner") for identifier in tree.get("identifier", ()))
        case "CareTeam":
            yield from (participant.get("member") for participant in tree.get("participant", ()))
        case "EpisodeOfCare":
            yield tree.get("managingOrganization")
            yield tree.get("careManager")
        case "Encounter":
            yield tree.get("serviceProvider")
        case "Consent":
            yield from (actor.get("reference") for actor in tree.get("provision", {}).get("actor", ()))
        case "Task":
            yield tree.get("owner")
            yield tree.get("requester")
        case "Basic":
            yield tree.get("author")
        case "PractitionerRole":
            yield tree.get("organization")
            yield tree.get("practitioner")
        case "Organization":
            yield tree.get("partOf")
        case "OrganizationAffiliation":
            yield tree.get("organization")
            yield tree.get("participatingOrganization")


def _affiliations_of(facts: Facts) -> Iterator[tuple[tuple[str, str], ...]]:
    """The formal teams that the coordinating organisations are in, then all who are in these."""
    formal = (("role", f"{AFFILIATIONS}|{FORMAL_TEAM}"), ("active", "true"))
    for dossier in facts.of("EpisodeOfCare"):
        for organisation in chain_of(facts.target(dossier.get("managingOrganization")), facts):
            yield (("participating-organization", str(organisation)), *formal)
    for affiliation in facts.of("OrganizationAffiliation"):
        holder = facts.target(affiliation.get("organization"))
        if holder is not None:
            yield (("primary-organization", str(holder)), *formal)
