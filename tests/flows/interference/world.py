"""A small world of persons, their circles and their records, as the facts and the database that somebody asks.

Madame Payet has a circle whose members are recognised; Monsieur Moreau has another one, and Madame Lebon none. Every
record holds some of each type, with few words, few codes and few days, so that all resembles all.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from fhir_server.access.caller import Caller
from fhir_server.access.facts import ROOT, SOLLICITATION, TASK_TYPES, key_of
from fhir_server.access.grants import grants_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests import circles
from tests.circles import coding, to
from tests.guarded import BIRTH_PLACE, COMMUNE, decided

IDENTIFIERS: Final = "https://example.org/identifiers"
INS: Final = "urn:oid:1.2.250.1.213.1.4.8"
RELATIONS: Final = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
COMMUNES: Final = "https://mos.esante.gouv.fr/NOS/TRE_R13-CommuneOM/FHIR/TRE-R13-CommuneOM"
LOINC: Final = "http://loinc.org"
WORDS: Final = ("marche", "douleur", "chute", "sommeil", "appetit")
CODES: Final = ("29463-7", "8867-4", "8310-5")
# A summary, a letter, a prescription, a note of the home help, and one that is sensitive.
DOCUMENTS: Final = ("60591-5", "11490-0", "57833-6", "34112-3", "68599-0")
DAYS: Final = ("2026-09-01", "2026-09-02", "2026-09-15")

PAYET: Final = circles.PERSON
MOREAU: Final = Key("Patient", "moreau")
LEBON: Final = Key("Patient", "lebon")
PERSONS: Final = (PAYET, MOREAU, LEBON)
DAUGHTER: Final = Key("RelatedPerson", "daughter")

_OF_PAYET: Final = ("gp", "nurse", "helper", "coordinator", "manager")
_OF_MOREAU: Final = ("cardiologist", "pharmacist")
_AT: Final = {
    "gp": "msp",
    "nurse": "ssiad",
    "helper": "saad",
    "coordinator": "dac",
    "manager": "saad",
    "cardiologist": "hospital",
    "pharmacist": "pharmacy",
    "guardian": "group",
}

# Clients that were granted a part of what their users may do.
_SOME: Final = grants_of(
    "user/Observation.cruds?code=http://loinc.org|29463-7 user/Patient.rs user/List.cruds user/Goal.rs"
    " user/DocumentReference.cu user/Organization.cu user/CarePlan.rs user/Provenance.cruds"
)
_OF_ONE: Final = grants_of("patient/*.cruds")
SCOPED: Final = {
    "gp by an app": replace(circles.GP, grants=_SOME),
    "person by an app": replace(circles.CITIZEN, grants=_OF_ONE, patient=PAYET),
    "gp by an app for one": replace(circles.GP, grants=_OF_ONE, patient=PAYET),
}
CALLERS: Final = {
    **SCOPED,
    "gp": circles.GP,
    "nurse": circles.NURSE,
    "helper": circles.HELPER,
    "coordinator": circles.COORDINATOR,
    "manager": circles.MANAGER,
    "pharmacist": circles.PHARMACIST,
    "cardiologist": circles.caller("cardiologist", "hospital", "medecin"),
    "stranger": circles.caller("guardian", "group", "infirmier"),
    "secretary": replace(
        circles.caller("guardian", "msp", "secretariat"), delegator=Key("PractitionerRole", "gp")
    ),
    "person": circles.CITIZEN,
    "carer": circles.citizen(DAUGHTER.id, "aidant"),
    "system": Caller(
        "system",
        client="dui",
        roles=("aide-soignant", "infirmier"),
        actors=(Key("Organization", "ssiad"),),
        organisation=Key("Organization", "ssiad"),
        purpose="TREAT",
    ),
    "directory": Caller("system", client="annuaire", roles=("annuaire",), purpose="HOPERAT"),
    "identity": Caller("professional", roles=("identitovigilance",), level="eidas2"),
    "dpo": Caller("professional", roles=("dpo",), level="eidas2"),
    "operator": Caller("operator", roles=("operateur",)),
}


@dataclass
class Writer:
    """Makes resources of one person; `random` decides what they say."""

    random: random.Random
    person: Key
    circle: tuple[str, ...]
    numbers: Iterator[int]
    made: list[Key] = field(default_factory=list)

    def tree(self, type: str, /, **elements: Any) -> Tree:
        number = next(self.numbers)
        return {
            "resourceType": type,
            "id": f"{type[:4].lower()}-{number}",
            "text": {
                "status": "generated",
                "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{self.words()}</div>',
            },
            "identifier": [{"system": IDENTIFIERS, "value": f"n{number}"}],
            **elements,
        }

    def words(self) -> str:
        return " ".join(self.random.sample(WORDS, 2))

    def some(self, *types: str) -> list[Tree]:
        """References to something made before, of one of the types; perhaps none."""
        known = [key for key in self.made if key.type in types]
        return [to(key) for key in self.random.sample(known, min(len(known), self.random.randint(0, 2)))]

    def who(self) -> Tree:
        """A professional of the circle, or of the other one."""
        return to(f"PractitionerRole/{self.random.choice((*self.circle, *self.circle, *_AT))}")

    def day(self) -> str:
        return self.random.choice(DAYS)

    def code(self) -> Tree:
        return {**coding(LOINC, self.random.choice(CODES)), "text": self.words()}


def observation(w: Writer) -> Tree:
    return w.tree(
        "Observation",
        status="final",
        category=[coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
        code=w.code(),
        subject=to(w.person),
        effectiveDateTime=w.day(),
        performer=[w.who()],
        valueQuantity={
            "value": w.random.choice((60, 61)),
            "system": "http://unitsofmeasure.org",
            "code": "kg",
        },
        note=[{"text": w.words()}],
        hasMember=w.some("Observation"),
    )


def condition(w: Writer) -> Tree:
    return w.tree("Condition", code=w.code(), subject=to(w.person), recorder=w.who(), recordedDate=w.day())


def allergy(w: Writer) -> Tree:
    return w.tree(
        "AllergyIntolerance",
        clinicalStatus=coding("http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"),
        criticality=w.random.choice(("high", "low")),
        code=w.code(),
        patient=to(w.person),
        recorder=w.who(),
    )


def medication_request(w: Writer) -> Tree:
    return w.tree(
        "MedicationRequest",
        status="active",
        intent="order",
        medicationCodeableConcept=w.code(),
        subject=to(w.person),
        authoredOn=w.day(),
        requester=w.who(),
    )


def binary(w: Writer) -> Tree:
    found = w.tree("Binary", contentType="text/plain", data="Ym9uam91cg==", securityContext=to(w.person))
    return {name: value for name, value in found.items() if name not in {"identifier", "text"}}


def document(w: Writer) -> Tree:
    return w.tree(
        "DocumentReference",
        status="current",
        type=coding(LOINC, w.random.choice(DOCUMENTS)),
        subject=to(w.person),
        date=f"{w.day()}T10:00:00Z",
        author=[w.who()],
        content=[
            {
                "attachment": {
                    "title": w.words(),
                    **({"url": one["reference"]} if one else {"data": "Ym9uam91cg=="}),
                }
            }
            for one in w.some("Binary") or [{}]
        ],
        context={"related": w.some("Observation", "Condition") or [to(w.person)]},
    )


def composition(w: Writer) -> Tree:
    found = w.tree(
        "Composition",
        status="final",
        type=coding(LOINC, w.random.choice(DOCUMENTS)),
        subject=to(w.person),
        date=w.day(),
        author=[w.who()],
        title=w.words(),
        section=[{"title": w.words(), "entry": [to(w.person), *w.some("Observation", "Condition")]}],
    )
    return {**found, "identifier": found["identifier"][0]}


def goal(w: Writer) -> Tree:
    return w.tree(
        "Goal",
        lifecycleStatus="active",
        category=[coding(f"{ROOT}/CodeSystem/categorie-objectif", "attente")],
        description={"text": w.words()},
        subject=to(w.person),
        startDate=w.day(),
    )


def plan(w: Writer) -> Tree:
    return w.tree(
        "CarePlan",
        status="active",
        intent="plan",
        category=[coding(f"{ROOT}/CodeSystem/categorie-plan", "ppcs")],
        title=w.words(),
        subject=to(w.person),
        author=w.who(),
        goal=w.some("Goal"),
    )


def action(w: Writer) -> Tree:
    return w.tree(
        "Task",
        status="requested",
        intent="plan",
        code=coding(f"{ROOT}/CodeSystem/type-action", "suivi"),
        description=w.words(),
        **{"for": to(w.person)},
        owner=w.who(),
    )


def sollicitation(w: Writer) -> Tree:
    return w.tree(
        "Task",
        status="requested",
        intent="order",
        code=coding(TASK_TYPES, SOLLICITATION),
        **{"for": to(w.person)},
        requester=w.who(),
        owner=to("Organization/dac"),
    )


def message(w: Writer) -> Tree:
    return w.tree(
        "Communication",
        status="completed",
        subject=to(w.person),
        sent=f"{w.day()}T11:00:00Z",
        sender=w.who(),
        recipient=[w.who()],
        payload=[{"contentString": w.words()}],
        about=w.some("Observation", "DocumentReference"),
    )


def encounter(w: Writer) -> Tree:
    return w.tree(
        "Encounter",
        status="finished",
        **{"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}},
        subject=to(w.person),
        period={"start": w.day(), "end": "2026-09-20"},
    )


def flag(w: Writer) -> Tree:
    return w.tree("Flag", status="active", code=w.code(), subject=to(w.person), author=w.who())


def listing(w: Writer) -> Tree:
    return w.tree(
        "List",
        status="current",
        mode="working",
        title=w.words(),
        subject=to(w.person),
        source=w.who(),
        entry=[{"item": one} for one in w.some("Observation", "Condition", "DocumentReference")],
    )


def group(w: Writer) -> Tree:
    return w.tree("Group", type="person", actual=True, name=w.words(), member=[{"entity": to(w.person)}])


def appointment(w: Writer) -> Tree:
    return w.tree(
        "Appointment",
        status="booked",
        description=w.words(),
        start=f"{w.day()}T09:00:00Z",
        end="2026-09-20T09:30:00Z",
        participant=[{"actor": one, "status": "accepted"} for one in (to(w.person), w.who())],
    )


def provenance(w: Writer) -> Tree:
    found = w.tree(
        "Provenance",
        target=w.some("Observation", "CarePlan", "DocumentReference") or [to(w.person)],
        recorded=f"{w.day()}T12:00:00Z",
        agent=[{"who": w.who()}],
    )
    return {name: value for name, value in found.items() if name != "identifier"}


def response(w: Writer) -> Tree:
    found = w.tree(
        "QuestionnaireResponse",
        status="completed",
        subject=to(w.person),
        authored=w.day(),
        author=w.who(),
        item=[{"linkId": "1", "answer": [{"valueString": w.words()}]}],
    )
    return {**found, "identifier": found["identifier"][0]}


MAKERS: Final[dict[str, Callable[[Writer], Tree]]] = {
    "Observation": observation,
    "Condition": condition,
    "AllergyIntolerance": allergy,
    "MedicationRequest": medication_request,
    "Binary": binary,
    "DocumentReference": document,
    "Composition": composition,
    "Goal": goal,
    "CarePlan": plan,
    "Task": action,
    "Communication": message,
    "Encounter": encounter,
    "Flag": flag,
    "List": listing,
    "Group": group,
    "Appointment": appointment,
    "Provenance": provenance,
    "QuestionnaireResponse": response,
}
_MAKERS: Final = (*MAKERS.values(), sollicitation, observation, document)


def person(key: Key, family: str, ins: str, **more: Any) -> Tree:
    """With an INS and the five strict traits."""
    commune = {"url": COMMUNE, "valueCoding": {"system": COMMUNES, "code": "97411"}}
    return {
        "resourceType": "Patient",
        "id": key.id,
        "identifier": [{"system": INS, "value": ins}, {"system": IDENTIFIERS, "value": key.id}],
        "name": [{"use": "official", "family": family, "given": ["Madeleine"]}],
        "gender": "female",
        "birthDate": "1939-02-17",
        "extension": [{"url": BIRTH_PLACE, "valueAddress": {"extension": [commune]}}],
        **more,
    }


PATIENTS: Final = (
    person(PAYET, "Payet", "239027618812345"),
    person(MOREAU, "Moreau", "139027618812345"),
    person(LEBON, "Lebon", "239027618812346"),
)


def _about(tree: Tree, key: Key) -> Tree:
    """A resource of Madame Payet's circle, made somebody else's."""
    for name in ("subject", "patient"):
        if name in tree:
            tree = {**tree, name: to(key), "id": f"{tree['id']}-{key.id}"}
    return tree


def _circle_of(key: Key, members: tuple[str, ...]) -> Iterator[Tree]:
    at_work = [f"PractitionerRole/{one}" for one in members]
    people = [circles.member(one, "2020-01-01", pcp=one.endswith("/gp")) for one in at_work]
    teams = ["Organization/ssiad"] if key == PAYET else []
    people += [circles.member(one, "2020-01-01") for one in teams]
    yield _about(circles.circle(*people, period={"start": "2020-01-01"}), key)
    for code, actors in (("reconnaissance-equipe", (*at_work, *teams)), ("information-dossier", ())):
        given = decided(code, *actors, id=code, performer=key)
        yield _about(given, key)


def directory() -> list[Tree]:
    """Everybody's; `other`, who works elsewhere, is nobody who asks."""
    order = {"Organization": 0, "Practitioner": 1}
    others = (
        circles.organisation("elsewhere", "355", site=True),
        circles.role("other", "elsewhere", "G15_10"),
        circles.practitioner("other"),
    )
    return sorted((*circles.DIRECTORY, *others), key=lambda tree: order.get(tree["resourceType"], 2))


def trees_of(seed: int) -> Iterator[Tree]:
    """All that is there, in an order in which it can be written."""
    rng, numbers = random.Random(seed), iter(range(10_000))
    yield from directory()
    yield from PATIENTS
    yield circles.relative(DAUGHTER.id, (f"{RELATIONS}", "DAUC"))
    yield from _circle_of(PAYET, _OF_PAYET)
    yield from _circle_of(MOREAU, _OF_MOREAU)
    yield decided("acces-aidant", str(DAUGHTER), id="carer", data=("liaison", "plan", "sante", "autonomie"))
    for key, circle, most in ((PAYET, _OF_PAYET, 3), (MOREAU, _OF_MOREAU, 1), (LEBON, ("other",), 1)):
        writer = Writer(rng, key, circle, numbers)
        for make in _MAKERS:
            for _ in range(rng.randint(0 if key != PAYET else 1, most)):
                tree = {name: value for name, value in make(writer).items() if value != []}
                writer.made.append(key_of(tree))
                if key == PAYET and "subject" in tree and rng.random() < 0.2:
                    yield {**tree, "subject": to(LEBON)}  # a first version, which was about somebody else
                yield tree
    yield from _of_nobody(Writer(rng, LEBON, _OF_PAYET, numbers))


def _of_nobody(writer: Writer) -> Iterator[Tree]:
    """What is for operators, and agendas."""
    yield {
        "resourceType": "Basic",
        "id": "setting",
        "code": {"text": "setting"},
    }
    yield {**{name: value for name, value in listing(writer).items() if name not in {"subject", "entry"}}}
    for one in ("nurse", "pharmacist"):
        yield writer.tree("Schedule", id=f"agenda-{one}", actor=[to(f"PractitionerRole/{one}")])
        yield writer.tree(
            "Slot",
            schedule=to(f"Schedule/agenda-{one}"),
            status="free",
            start="2026-10-05T09:00:00Z",
            end="2026-10-05T09:30:00Z",
        )
