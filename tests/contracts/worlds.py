"""Small random worlds: some seventy resources that point to one another and repeat each other's values.

The pools are small on purpose: a question about one value should find some resources and miss others that look alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, number
from tests.builders import narrative

T = TypeVar("T")

BASE = "https://here.example/fhir"
UCUM = "http://unitsofmeasure.org"
LOINC, SNOMED, LOCAL = "http://loinc.org", "http://snomed.info/sct", "urn:local"
CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"

FAMILIES = ("Payet", "PAYET", "Hoarau", "Léger", "Leger-Payet", "O'Brien", "Œuvrard", "de la Tour", "Pa")
GIVEN = ("Marie", "marie", "Anne-Sophie", "Payet", "Zoé", "Ève")
CODES = (
    (LOINC, "8480-6", "Systolic blood pressure"),
    (LOINC, "8462-4", "Diastolic blood pressure"),
    (LOINC, "85354-9", "Blood pressure"),
    (SNOMED, "38341003", "Hypertension"),
    (LOCAL, "A", "Tension artérielle"),
    (LOCAL, "a", "tension"),
    (LOCAL, "b|c", None),
    ("urn:other", "A", None),
    (None, "A", "Tension"),
    (None, "x,y", None),
)
WORDS = ("Tension artérielle", "tension", "Blood pressure (sitting)", "Weight")
IDENTIFIERS = (
    ("urn:nir", "1"),
    ("urn:nir", "2a"),
    ("urn:nir", "2A"),
    ("urn:ipp", "1"),
    (None, "1"),
    (None, "x|y"),
)
IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
DATES = (
    "1941",
    "1941-05",
    "1941-05-03",
    "2023-12-31",
    "2024",
    "2024-02-29",
    "2024-03",
    "2024-03-09T10:00:00Z",
    "2024-03-09T11:00:00+01:00",
    "2024-03-09T10:00:00.5Z",
    "2024-03-09T23:30:00-05:00",
)
NUMBERS = (
    "5",
    "5.0",
    "5.4",
    "5.40",
    "0.005",
    "5000",
    "-3",
    "0",
    "1e2",
    "120",
    "0.25",
    "0.2",
    "99.5",
    "100",
    "5.5",
    "99",
)
UNITS = (
    (UCUM, "mg", "mg"),
    (UCUM, "g", "grammes"),
    (UCUM, "kg", "kg"),
    (UCUM, "mm[Hg]", "mmHg"),
    (UCUM, "min", "min"),
    (UCUM, "h", "heures"),
    ("urn:units", "drop", "goutte"),
    (None, None, "mg"),
    (None, None, None),
)
PLACES = (
    ("-20.88", "55.45"),
    ("-21.34", "55.48"),
    ("48.85", "2.35"),
    ("48.8566", "2.3522"),
    ("0", "180"),
    ("0.1", "-179.9"),
)
URLS = (
    "http://x.example/a",
    "http://x.example/a/b",
    "http://x.example/a/b/c",
    "http://x.example/ab",
    "urn:oid:1.2.3",
)

# How many of each type a world has, at most.
SIZES = {
    "Organization": 4,
    "Practitioner": 4,
    "Patient": 9,
    "Location": 4,
    "Encounter": 5,
    "CareTeam": 3,
    "CarePlan": 4,
    "Condition": 6,
    "Observation": 16,
    "RiskAssessment": 4,
    "MolecularSequence": 2,
    "Group": 2,
    "ValueSet": 4,
    "Questionnaire": 3,
    "QuestionnaireResponse": 3,
    "List": 3,
}


class World:
    """One random world. `seed` makes it; `trees` are its resources by key, never empty."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)
        self.keys = {
            kind: [
                Key(kind, f"{kind[:3].lower()}{number}") for number in range(self._chance.randint(1, size))
            ]
            for kind, size in SIZES.items()
        }
        self.trees: dict[Key, Tree] = {key: self.resource(key) for keys in self.keys.values() for key in keys}
        # Some are older than what they say now, some are gone.
        self.before: dict[Key, Tree] = {key: self.resource(key) for key in self.trees if self._maybe(0.15)}
        self.gone: dict[Key, Tree] = {}
        for kind in SIZES:
            if self._maybe(0.3):
                key = Key(kind, "gone")
                self.gone[key] = self.resource(key)

    def resource(self, key: Key) -> Tree:
        make = getattr(self, f"_{key.type.lower()}")
        tree: Tree = {"resourceType": key.type, "id": key.id}
        meta = self._some(
            tag=lambda: [self._coding()],
            profile=lambda: self._sample(URLS, 2),
            security=lambda: [self._coding()],
            source=lambda: self._one(URLS),
            chance=0.15,
        )
        if meta:
            tree["meta"] = meta
        if self._maybe(0.3):
            tree["text"] = narrative(
                f"<p>{self._one(WORDS)} <b>{self._one(FAMILIES)}</b></p>".replace("&", "")
            )
        if self._maybe(0.1):
            tree["language"] = self._one(("fr", "en", "fr-RE"))
        return {**tree, **make()}

    # Chance -----------------------------------------------------------------------------------------------------

    def _maybe(self, chance: float = 0.6) -> bool:
        return self._chance.random() < chance

    def _one(self, pool: Sequence[T]) -> T:
        return self._chance.choice(pool)

    def _either(self, *trees: Tree) -> Tree:
        return self._one(trees)

    def _sample(self, pool: Sequence[T], most: int) -> list[T]:
        return self._chance.sample(pool, self._chance.randint(1, min(most, len(pool))))

    def _some(self, *, chance: float = 0.6, **elements: Any) -> Tree:
        """Each element with some chance; what makes its value is called only then."""
        return {name: make() for name, make in elements.items() if self._maybe(chance)}

    # Datatypes --------------------------------------------------------------------------------------------------

    def _coding(self) -> Tree:
        system, code, display = self._one(CODES)
        found: Tree = {"system": system} if system else {}
        if self._maybe(0.95):
            found["code"] = code
        if display and self._maybe():
            found["display"] = display
        return found or {"display": "none"}

    def _concept(self) -> Tree:
        found: Tree = (
            {"coding": [self._coding() for _ in range(self._one((1, 1, 2)))]} if self._maybe(0.9) else {}
        )
        if not found or self._maybe(0.4):
            found["text"] = self._one(WORDS)
        return found

    def _identifier(self) -> Tree:
        system, value = self._one(IDENTIFIERS)
        found: Tree = {"system": system} if system else {}
        if self._maybe(0.3):
            coding = {"system": IDENTIFIER_TYPES, "code": self._one(("MR", "mr", "NH"))}
            found["type"] = {"coding": [coding], **self._some(text=lambda: self._one(WORDS))}
        return {**found, "value": value} if self._maybe(0.95) or not found else found

    def _name(self) -> Tree:
        return {
            "family": self._one(FAMILIES),
            **self._some(given=lambda: self._sample(GIVEN, 2), prefix=lambda: ["Dr"], chance=0.5),
        }

    def _address(self) -> Tree:
        return {
            **self._some(city=lambda: self._one(("Saint-Denis", "SAINT DENIS", "Le Tampon"))),
            **self._some(postalCode=lambda: self._one(("97400", "97430"))),
            "country": self._one(("FR", "RE")),
        }

    def _date(self) -> str:
        return self._one(DATES)

    def _day(self) -> str:
        return self._one([date for date in DATES if "T" not in date])

    def _instant(self) -> str:
        return self._one([date for date in DATES if "T" in date])

    def _period(self) -> Tree:
        start, end = sorted((self._date(), self._date()))
        found: Tree = {"start": start, "end": end}
        if self._maybe(0.3):
            found.pop(self._one(("start", "end")))
        return found

    def _quantity(self) -> Tree:
        system, code, unit = self._one(UNITS)
        found: Tree = {"value": self._number()}
        if self._maybe(0.15):
            found["comparator"] = self._one(("<", "<=", ">=", ">"))
        if unit and (code is None or self._maybe()):
            found["unit"] = unit
        if system:
            found |= {"system": system, "code": code}
        return found

    def _number(self) -> Any:
        text = self._one(NUMBERS)
        return int(text) if text.removeprefix("-").isdigit() else number(text)

    def _range(self) -> Tree:
        system, code, unit = self._one(UNITS[:6])
        ends = sorted((self._one((1, 5, 100)), self._one((1, 5, 100))))
        return {
            name: {"value": end, "unit": unit, "system": system, "code": code}
            for name, end in zip(("low", "high"), ends, strict=True)
            if self._maybe(0.85)
        } or {"low": {"value": 5}}

    def _reference(self, *types: str) -> Tree:
        """To a resource of the world, mostly; now and then to one that is gone, that is elsewhere, or logical."""
        kind = self._one(types)
        key = self._one([*self.keys.get(kind, ()), Key(kind, "gone")])
        chance = self._chance.random()
        if chance < 0.75:
            return {"reference": str(key), **self._some(display=lambda: self._one(WORDS), chance=0.2)}
        if chance < 0.8:
            return {"reference": f"{key}/_history/1"}
        if chance < 0.85:
            return {"reference": f"{BASE}/{key}"}
        if chance < 0.9:
            return {"reference": f"https://elsewhere.example/fhir/{key}"}
        return {"type": kind, "identifier": self._identifier()}

    # Resources --------------------------------------------------------------------------------------------------

    def _organization(self) -> Tree:
        return self._some(
            identifier=lambda: [self._identifier()],
            active=self._maybe,
            type=lambda: [self._concept()],
            name=lambda: self._one((*FAMILIES, "x" * 198 + "yz-" + self._one(("a", "b")))),
            alias=lambda: self._sample(FAMILIES, 2),
            address=lambda: [self._address()],
            partOf=lambda: self._reference("Organization"),
        )

    def _practitioner(self) -> Tree:
        return self._some(
            identifier=lambda: [self._identifier()],
            name=lambda: [self._name()],
            gender=lambda: self._one(("male", "female")),
            communication=lambda: [self._concept()],
        )

    def _patient(self) -> Tree:
        tree = self._some(
            identifier=lambda: [self._identifier() for _ in range(self._one((1, 2)))],
            active=self._maybe,
            name=lambda: [self._name() for _ in range(self._one((1, 1, 2)))],
            telecom=lambda: [
                {"system": self._one(("phone", "email")), "value": self._one(("+262 1", "a@b.re"))}
            ],
            gender=lambda: self._one(("male", "female", "unknown")),
            birthDate=self._day,
            address=lambda: [self._address()],
            communication=lambda: [{"language": self._concept()}],
            generalPractitioner=lambda: [self._reference("Practitioner", "Organization")],
            managingOrganization=lambda: self._reference("Organization"),
            link=lambda: [{"other": self._reference("Patient"), "type": "seealso"}],
        )
        if self._maybe(0.3):
            tree |= self._either({"deceasedBoolean": self._maybe()}, {"deceasedDateTime": self._date()})
        return tree

    def _location(self) -> Tree:
        latitude, longitude = self._one(PLACES)
        position = {"latitude": number(latitude), "longitude": number(longitude)}
        return self._some(
            name=lambda: self._one(FAMILIES),
            status=lambda: self._one(("active", "suspended")),
            address=self._address,
            position=lambda: position,
            managingOrganization=lambda: self._reference("Organization"),
            partOf=lambda: self._reference("Location"),
        )

    def _encounter(self) -> Tree:
        return {
            "status": self._one(("planned", "finished")),
            "class": self._coding(),
            **self._some(
                type=lambda: [self._concept()],
                subject=lambda: self._reference("Patient", "Group"),
                participant=lambda: [{"individual": self._reference("Practitioner")}],
                period=self._period,
                length=self._quantity,
                diagnosis=lambda: [{"condition": self._reference("Condition")}],
                location=lambda: [{"location": self._reference("Location"), "period": self._period()}],
                partOf=lambda: self._reference("Encounter"),
            ),
        }

    def _careteam(self) -> Tree:
        return self._some(
            status=lambda: self._one(("active", "inactive")),
            name=lambda: self._one(FAMILIES),
            category=lambda: [self._concept()],
            subject=lambda: self._reference("Patient"),
            encounter=lambda: self._reference("Encounter"),
            period=self._period,
            participant=lambda: [
                {
                    "role": [self._concept()],
                    "member": self._reference("Practitioner", "Organization", "Patient"),
                }
                for _ in range(self._one((1, 2)))
            ],
        )

    def _careplan(self) -> Tree:
        tree = {
            "status": self._one(("active", "draft")),
            "intent": self._one(("plan", "order")),
            "subject": self._reference("Patient"),
            **self._some(
                category=lambda: [self._concept()],
                period=self._period,
                careTeam=lambda: [self._reference("CareTeam")],
                addresses=lambda: [self._reference("Condition")],
                instantiatesUri=lambda: self._sample(URLS, 2),
                activity=lambda: [{"detail": {"status": "scheduled", "scheduledPeriod": self._period()}}],
            ),
        }
        contained = []
        if self._maybe(0.6):
            contained.append({"resourceType": "CareTeam", "id": "team", **self._careteam()})
            if self._maybe(0.8):
                tree["careTeam"] = [{"reference": "#team"}]
        if self._maybe(0.3):
            contained.append({"resourceType": "Practitioner", "id": "doctor", **self._practitioner()})
            tree["author"] = {"reference": "#doctor"}
        return {"contained": contained, **tree} if contained else tree

    def _condition(self) -> Tree:
        onset = self._either(
            {"onsetDateTime": self._date()},
            {"onsetPeriod": self._period()},
            {"onsetAge": {**self._quantity(), "system": UCUM, "code": "a"}},
            {"onsetString": self._one(WORDS)},
            {},
        )
        return {
            "subject": self._reference("Patient", "Group"),
            **onset,
            **self._some(
                code=self._concept,
                severity=self._concept,
                bodySite=lambda: [self._concept()],
                encounter=lambda: self._reference("Encounter"),
                recordedDate=self._date,
                asserter=lambda: self._reference("Practitioner", "Patient"),
                evidence=lambda: [{"code": [self._concept()], "detail": [self._reference("Observation")]}],
            ),
        }

    def _observation(self) -> Tree:
        effective = self._either(
            {"effectiveDateTime": self._date()},
            {"effectivePeriod": self._period()},
            {"effectiveInstant": self._instant()},
            {"effectiveTiming": {"event": [self._date(), self._date()]}},
            {},
        )
        tree = {
            "status": self._one(("final", "amended", "preliminary")),
            "code": self._concept(),
            **effective,
            **self._value(),
            **self._some(
                identifier=lambda: [self._identifier()],
                category=lambda: [
                    {"coding": [{"system": CATEGORIES, "code": self._one(("vital-signs", "laboratory"))}]}
                ],
                encounter=lambda: self._reference("Encounter"),
                performer=lambda: [
                    self._reference("Practitioner", "Organization") for _ in range(self._one((1, 2)))
                ],
                specimen=lambda: {"reference": "#specimen"},
                hasMember=lambda: [self._reference("Observation")],
                derivedFrom=lambda: [self._reference("Observation")],
                component=lambda: [
                    {"code": self._concept(), **self._value()} for _ in range(self._one((1, 2, 3)))
                ],
                dataAbsentReason=self._concept,
                chance=0.4,
            ),
        }
        contained: list[Tree] = []
        if "specimen" in tree:
            contained.append({"resourceType": "Specimen", "id": "specimen", "type": self._concept()})
        match self._chance.random():
            case chance if chance < 0.1:
                contained.append({"resourceType": "Patient", "id": "who", **self._patient()})
                tree["subject"] = {"reference": "#who"}
            case chance if chance < 0.9:
                tree["subject"] = self._reference("Patient", "Patient", "Group", "Location")
        return {"contained": contained, **tree} if contained else tree

    def _value(self) -> Tree:
        return self._either(
            {"valueQuantity": self._quantity()},
            {"valueQuantity": self._quantity()},
            {"valueCodeableConcept": self._concept()},
            {"valueString": self._one(WORDS)},
            {"valueDateTime": self._date()},
            {"valuePeriod": self._period()},
            {"valueRange": self._range()},
            {},
        )

    def _riskassessment(self) -> Tree:
        probability = self._either(
            {"probabilityDecimal": self._number()}, {"probabilityRange": self._range()}, {}
        )
        return {
            "status": "final",
            "subject": self._reference("Patient"),
            **self._some(
                occurrencePeriod=self._period,
                condition=lambda: self._reference("Condition"),
                method=self._concept,
                prediction=lambda: [{"outcome": self._concept(), **probability}],
            ),
        }

    def _molecularsequence(self) -> Tree:
        reference = {
            "chromosome": self._concept(),
            "windowStart": self._one((1, 100, 200)),
            "windowEnd": self._one((300, 400)),
        }
        return {"coordinateSystem": 0, "type": "dna", "referenceSeq": reference}

    def _group(self) -> Tree:
        values: list[Tree] = [
            {"valueCodeableConcept": self._concept()},
            {"valueBoolean": self._maybe()},
            {"valueRange": self._range()},
        ]
        return {
            "type": "person",
            "actual": self._maybe(),
            **self._some(
                code=self._concept,
                characteristic=lambda: [{"code": self._concept(), **self._one(values), "exclude": False}],
                member=lambda: [{"entity": self._reference("Patient")}],
            ),
        }

    def _valueset(self) -> Tree:
        context = self._either(
            {"valueCodeableConcept": self._concept()},
            {"valueQuantity": self._quantity()},
            {"valueRange": self._range()},
        )
        return {
            "status": self._one(("draft", "active")),
            **self._some(
                url=lambda: self._one(URLS),
                identifier=lambda: [self._identifier()],
                version=lambda: self._one(("1", "2")),
                name=lambda: self._one(GIVEN),
                title=lambda: self._one(WORDS),
                date=self._date,
                description=lambda: self._one(WORDS),
                jurisdiction=lambda: [self._concept()],
                useContext=lambda: [{"code": self._coding(), **context}],
            ),
        }

    def _questionnaire(self) -> Tree:
        return {
            "status": "active",
            **self._some(
                url=lambda: self._one(URLS),
                title=lambda: self._one(WORDS),
                subjectType=lambda: ["Patient"],
                effectivePeriod=self._period,
                derivedFrom=lambda: [self._canonical()],
            ),
        }

    def _questionnaireresponse(self) -> Tree:
        return {
            "status": "completed",
            **self._some(
                questionnaire=self._canonical,
                subject=lambda: self._reference("Patient"),
                author=lambda: self._reference("Practitioner"),
                authored=self._date,
                source=lambda: self._reference("Patient"),
            ),
        }

    def _canonical(self) -> str:
        return self._one((*URLS, f"{URLS[0]}|1", "Questionnaire/que0"))

    def _list(self) -> Tree:
        return {
            "status": "current",
            "mode": self._one(("working", "snapshot")),
            **self._some(
                code=self._concept,
                title=lambda: self._one(WORDS),
                subject=lambda: self._reference("Patient"),
                source=lambda: self._reference("Practitioner"),
                date=self._date,
            ),
            "entry": [
                {
                    **self._some(deleted=self._maybe, chance=0.4),
                    "item": self._reference("Patient", "Observation", "Condition"),
                }
                for _ in range(self._one((1, 3, 6)))
            ],
        }
