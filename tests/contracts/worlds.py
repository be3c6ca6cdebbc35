"""Small random worlds: some seventy resources that point to one another and repeat each other's values.

The pools are small on purpose: a question about one value should find some resources and miss others that look alike.
"""

from __future__ import annotations

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, number
from tests.builders import narrative
from tests.contracts.values import (
    BASE,
    CATEGORIES,
    FAMILIES,
    GIVEN,
    PLACES,
    UCUM,
    URLS,
    WORDS,
    Values,
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


class World(Values):
    """One random world. `seed` makes it; `trees` are its resources by key, never empty."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
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

    def _reference(self, *types: str) -> Tree:
        """To a resource of the world, mostly; now and then to one that is gone, that is elsewhere, or logical."""
        kind = self._one(types)
        key = self._one([*self.keys.get(kind, ()), Key(kind, "gone")])
        chance = self._chance.random()
        if chance < 0.75:
            return {"reference": str(key), **self._some(display=lambda: self._one(WORDS), chance=0.2)}
        if chance < 0.8:
            return {"reference": self._one((f"{key}/_history/1", f"{BASE}/{key}/_history/1"))}
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
