"""What others write that somebody does not see: the mutators, which make it as like as can be to what they do see.

A mutator makes resources in the likeness of what is there and hides them from the one who asks: in the record of
somebody else, behind a label, or among what is for operators. `Hidden.of` asks `sees`, as the server will.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Final

from fhir_server.access.authority import Authority
from fhir_server.access.facts import key_of
from fhir_server.access.marks import CONFIDENTIALITY_SYSTEM, LABEL_SYSTEM, VISIBILITY_SYSTEM
from fhir_server.interactions.references import attachments_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.match import matches
from fhir_server.search.query import Query
from fhir_server.search.sight import Link, Stamp, sees
from fhir_server.search.view import View
from fhir_server.validation.validator import check
from tests.circles import coding, outside, to
from tests.flows.interference.speaking import BASE
from tests.flows.interference.world import (
    DOCUMENTS,
    IDENTIFIERS,
    LEBON,
    LOINC,
    MAKERS,
    PERSONS,
    Writer,
    person,
)

_LABELS: Final = (
    (VISIBILITY_SYSTEM, "MASQUE_PS"),
    (VISIBILITY_SYSTEM, "INVISIBLE_PATIENT"),
    (LABEL_SYSTEM, "interne-structure"),
    (CONFIDENTIALITY_SYSTEM, "V"),
)
_LINKING: Final = ("CareTeam", "Consent", "RelatedPerson")  # a likeness of them would make somebody's ties
_SUBJECTS: Final = ("subject", "patient", "for", "securityContext")


@dataclass(frozen=True)
class Write:
    """A version that others write; `tree` None: they delete the resource."""

    key: Key
    tree: Tree | None


@dataclass
class Hidden:
    """Hides from one caller. `there`: what the database holds of persons, by key; `links`: of all persons."""

    random: random.Random
    authority: Authority
    view: View
    rows: Callable[[Tree], Entries]
    hasher: Hasher
    links: Mapping[Key, Sequence[Link]]
    there: Mapping[Key, tuple[Tree, Stamp]]
    numbers: Iterator[int]

    def sees(self, tree: Tree, stamp: Stamp) -> bool:
        """Whether the caller sees it, and their client may."""
        key, view = key_of(tree), self.view
        if view.types is not None and key.type not in view.types:
            return False
        if not sees(view.sight, stamp, [link for one in stamp.persons for link in self.links.get(one, ())]):
            return False
        if key.type not in view.among:
            return True
        query = Query((key.type,), (view.among[key.type],))
        return matches(query, self.rows(tree), key=key, updated=0, hasher=self.hasher)

    def stamp_of(self, tree: Tree) -> Stamp:
        authority, bases = self.authority, (BASE,)
        made = authority.labelled(tree, None, None, bases)
        inherited = [self.there[key][1] for key in authority.sources_of(made, bases) if key in self.there]
        return authority.stamp_of(made, inherited=inherited, bases=bases)

    @cached_property
    def visible(self) -> list[Tree]:
        return [tree for tree, stamp in self.there.values() if stamp.persons and self.sees(tree, stamp)]

    @cached_property
    def invisible(self) -> list[Tree]:
        return [tree for tree, stamp in self.there.values() if not self.sees(tree, stamp)]

    def model(self, *types: str, without: Sequence[str] = ()) -> Tree:
        """Something that is there, of one of the types if there is any: what is seen rather than not."""
        everything = [tree for tree, _ in self.there.values()]
        kept = [
            [tree for tree in source if tree["resourceType"] not in without]
            for source in (self.visible, everything)
        ]
        found = [[tree for tree in some if tree["resourceType"] in types] for some in kept]
        return self.random.choice(next(some for some in (*found, *kept) if some))

    def of(self, tree: Tree) -> Tree | None:
        """A likeness of it that the caller does not see; None: there is no way."""
        if any(self.sees(*self.there[key]) for key in attachments_of(tree, BASE) if key in self.there):
            return None  # what is attached is as closed as what it is attached to: something visible would go
        ways: list[Callable[[Tree], Tree]] = [self._of_somebody_else, self._labelled, self.of_nobody]
        self.random.shuffle(ways)
        ways.insert(0, dict)
        for way in ways:
            made = way(tree)
            if not check(made) and not self.sees(made, self.stamp_of(made)):
                return made
        return None

    def fresh(self, tree: Tree) -> Tree:
        """The same under an id of its own."""
        bare = {name: value for name, value in tree.items() if name != "meta"}
        return {**bare, "id": f"hidden-{next(self.numbers)}"}

    def writer(self) -> Writer:
        return Writer(self.random, self.random.choice(PERSONS), ("other",), self.numbers)

    def made(self, type: str, /, **elements: Any) -> Tree:
        """Something new of a type."""
        tree = {name: value for name, value in MAKERS[type](self.writer()).items() if value != []}
        return {**tree, "id": f"hidden-{next(self.numbers)}", **elements}

    def _of_somebody_else(self, tree: Tree) -> Tree:
        other = self.random.choice(PERSONS)
        text = json.dumps(tree)
        for one in PERSONS:
            text = text.replace(f'"{one}"', f'"{other}"')
        found: Tree = json.loads(text)
        return found

    def _labelled(self, tree: Tree) -> Tree:
        system, code = self.random.choice(_LABELS)
        return {**tree, "meta": {"security": [{"system": system, "code": code}]}}

    def of_nobody(self, tree: Tree) -> Tree:
        return {name: value for name, value in tree.items() if name not in _SUBJECTS}


Mutator = Callable[[Hidden], Iterator[Tree | Write | None]]
MUTATORS: Final[dict[str, Mutator]] = {}
# Of resources that are seen: their first versions are not, and without this mutator they are not there.
EARLIER: Final = "earlier versions of what is seen"
# Of what everybody sees, for clients that were not granted it.
OUT_OF_SCOPE: Final = "what the client was not granted"
# A file that others imported.
IMPORTED: Final = "an imported file"
IMPORTED_SHA256: Final = sha256(b"imported by others").hexdigest()


def mutator(name: str) -> Callable[[Mutator], Mutator]:
    def registered(function: Mutator) -> Mutator:
        MUTATORS[name] = function
        return function

    return registered


def written_by(name: str, hidden: Hidden) -> list[Write]:
    """The writes of a mutator, all of them hidden."""
    found = []
    for one in MUTATORS[name](hidden):
        if isinstance(one, Write):
            found.append(one)
        elif one is not None:
            found.append(Write(key_of(one), one))
    return found


@mutator("the same identifier")
def identifier(h: Hidden) -> Iterator[Tree | None]:
    for _ in range(2):
        model = h.model(without=("Binary", "Provenance", *_LINKING))
        made = h.made(model["resourceType"]) if model["resourceType"] in MAKERS else h.fresh(model)
        if "identifier" in model and "identifier" in made:
            made["identifier"] = model["identifier"]
        yield h.of(made)


@mutator("the same text")
def text(h: Hidden) -> Iterator[Tree | None]:
    for _ in range(2):
        model = h.model(
            "Observation", "Condition", "DocumentReference", "CarePlan", without=("Binary", "Patient")
        )
        kept = {
            name: value for name, value in model.items() if name in {"text", "note", "title", "description"}
        }
        if model["resourceType"] in MAKERS:
            yield h.of({**h.made(model["resourceType"]), **kept})


@mutator("the same code")
def code(h: Hidden) -> Iterator[Tree | None]:
    for kind in h.random.sample(("Observation", "Condition", "DocumentReference", "AllergyIntolerance"), 2):
        model = h.model(kind)
        if model["resourceType"] != kind:
            continue
        kept = {name: value for name, value in model.items() if name in {"code", "type"}}
        yield h.of({**h.made(kind), **kept})


@mutator("all the same")
def same(h: Hidden) -> Iterator[Tree | None]:
    for _ in range(2):
        model = h.model(without=("Patient", *_LINKING))
        yield h.of(h.fresh(model))


@mutator("the same id")
def same_id(h: Hidden) -> Iterator[Tree | None]:
    model = h.model()
    kind = h.random.choice(sorted(MAKERS))
    if Key(kind, model["id"]) not in h.there:
        yield h.of({**h.made(kind), "id": model["id"]})


@mutator("an id that is guessed")
def guessed(h: Hidden) -> Iterator[Tree | None]:
    for kind in h.random.sample(sorted(MAKERS), 3):
        yield h.of({**h.made(kind), "id": "guess"})
    yield h.of({**person(Key("Patient", "guess"), "Payet", "239027618812345")})


@mutator("references to what is seen")
def refers(h: Hidden) -> Iterator[Tree | None]:
    def target() -> Tree:
        return to(key_of(h.model()))

    ways: list[Callable[[], Tree]] = [
        lambda: h.made("Observation", hasMember=[to(key_of(h.model("Observation")))], focus=[target()]),
        lambda: h.made("List", entry=[{"item": target()}]),
        lambda: h.made("Composition", section=[{"title": "x", "entry": [target()]}]),
        lambda: h.made("DocumentReference", context={"related": [target()]}),
        lambda: h.made("Communication", about=[target()]),
        lambda: h.made("Task", focus=target()),
        lambda: h.made("CarePlan", goal=[to(key_of(h.model("Goal")))], addresses=[target()]),
        lambda: h.made("Condition", evidence=[{"detail": [target()]}]),
    ]
    for way in h.random.sample(ways, 3):
        yield h.of(way())


@mutator("references among what is hidden")
def chained(h: Hidden) -> Iterator[Tree | None]:
    first = h.of(h.made("Observation"))
    if first is not None:
        yield first
        yield h.of(h.made("Observation", hasMember=[to(key_of(first)), to(key_of(h.model("Observation")))]))
        yield h.of(h.made("DocumentReference", context={"related": [to(key_of(first))]}))


@mutator("further versions")
def versions(h: Hidden) -> Iterator[Write]:
    known = [tree for tree in h.invisible if "identifier" in tree and tree["resourceType"] != "Patient"]
    for tree in h.random.sample(known, min(2, len(known))):
        for number in range(2):
            value = [{"system": IDENTIFIERS, "value": f"again-{number}"}]
            identifier = value if isinstance(tree["identifier"], list) else value[0]
            yield Write(key_of(tree), {**tree, "identifier": identifier})


@mutator(EARLIER)
@mutator(IMPORTED)
def nothing(h: Hidden) -> Iterator[Tree]:
    """What these are is not written as a resource: see `pairs.py`."""
    yield from ()


@mutator(OUT_OF_SCOPE)
def out_of_scope(h: Hidden) -> Iterator[Tree | None]:
    for name in ("guess", f"hidden-{next(h.numbers)}"):
        yield h.of({"resourceType": "Organization", "id": name, "name": "Ailleurs"})
    yield h.of(h.fresh(h.model("Observation", "Condition", "Binary", without=("Patient", *_LINKING))))


@mutator("deletions")
def deletions(h: Hidden) -> Iterator[Tree | Write | None]:
    for kind in h.random.sample(("Observation", "Goal", "Flag", "Communication"), 2):
        made = h.of({**h.made(kind), "id": h.random.choice(("guess", f"gone-{next(h.numbers)}"))})
        if made is not None and key_of(made) not in h.there:
            yield made
            yield Write(key_of(made), None)


@mutator("a Binary")
def binary(h: Hidden) -> Iterator[Tree | None]:
    made = h.of(h.made("Binary"))
    if made is not None:
        yield made
        attached = [{"attachment": {"url": str(key_of(made))}}]
        yield h.of(h.made("DocumentReference", content=attached))


@mutator("members of a Group")
def group(h: Hidden) -> Iterator[Tree | None]:
    members = [{"entity": to(one)} for one in h.random.sample(PERSONS, 2)]
    yield h.of(h.made("Group", member=members))
    practitioner = [{"entity": to("Practitioner/nurse")}]
    yield h.of(h.made("Group", type="practitioner", member=practitioner))


@mutator("members of a List")
def listing(h: Hidden) -> Iterator[Tree | None]:
    for name in ("guess", f"hidden-{next(h.numbers)}"):
        entries = [{"item": to(key_of(h.model()))} for _ in range(3)]
        yield h.of(h.made("List", id=name, entry=entries))


@mutator("a Provenance")
def provenance(h: Hidden) -> Iterator[Tree | None]:
    invisible = [tree for tree in h.invisible if tree["resourceType"] not in {"Provenance", "Patient"}]
    targets = [to(key_of(tree)) for tree in h.random.sample(invisible, min(2, len(invisible)))]
    if targets:
        yield h.of(h.made("Provenance", target=targets))


@mutator("documents")
def documents(h: Hidden) -> Iterator[Tree | None]:
    for kind in ("DocumentReference", "Composition"):
        made = h.made(kind, type=coding(LOINC, h.random.choice(DOCUMENTS)))
        yield h.of(made)


@mutator("about the same person")
def masked(h: Hidden) -> Iterator[Tree | None]:
    for _ in range(2):
        model = h.model("Observation", "Condition", "Flag", "Encounter", without=("Patient", *_LINKING))
        system, label = h.random.choice(_LABELS)
        yield h.of({**h.fresh(model), "meta": {"security": [{"system": system, "code": label}]}})


@mutator("messages of others")
def messages(h: Hidden) -> Iterator[Tree | None]:
    between = {"sender": to("PractitionerRole/other"), "recipient": [to("Practitioner/other")]}
    yield h.of(h.made("Communication", **between))


@mutator("consents of others")
def consents(h: Hidden) -> Iterator[Tree | None]:
    given = outside(
        "Organization/elsewhere", id=f"hidden-{next(h.numbers)}", policyRule={"text": "L. 1110-4 CSP"}
    )
    yield h.of({**given, "patient": to(LEBON), "performer": [to(LEBON)]})


@mutator("circles of others")
def circles(h: Hidden) -> Iterator[Tree | None]:
    yield h.of(
        {
            "resourceType": "CareTeam",
            "id": h.random.choice(("guess", f"hidden-{next(h.numbers)}")),
            "status": "active",
            "subject": to(LEBON),
            "participant": [{"member": to("PractitionerRole/other"), "period": {"start": "2020-01-01"}}],
        }
    )
    yield h.of(
        h.made(
            "Encounter", status="in-progress", subject=to(LEBON), serviceProvider=to("Organization/elsewhere")
        )
    )


@mutator("persons with the same INS")
def persons(h: Hidden) -> Iterator[Tree | None]:
    model = h.model("Patient")
    if model["resourceType"] == "Patient":
        yield h.of({**h.fresh(model), "link": [{"other": to(LEBON), "type": "seealso"}]})
        yield h.of(h.fresh(model))


@mutator("requests to other teams")
def requests(h: Hidden) -> Iterator[Tree | None]:
    made = h.made("Task", intent="order", requester=to("PractitionerRole/other"))
    made["code"] = coding("https://cordee.example/fhir/CodeSystem/type-tache", "sollicitation")
    yield h.of({**made, "owner": to("Organization/elsewhere"), "for": to(LEBON)})


@mutator("agendas of others")
def agendas(h: Hidden) -> Iterator[Tree | None]:
    made = h.made("Appointment")
    made["participant"] = [{"actor": to("PractitionerRole/other"), "status": "accepted"}]
    yield h.of(made)


@mutator("what is for operators")
def of_nobody(h: Hidden) -> Iterator[Tree | None]:
    for kind in ("Observation", "List"):
        yield h.of(h.of_nobody(h.made(kind)))
