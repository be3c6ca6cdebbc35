"""Random values of data types, from small pools: values repeat, and some look alike."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from fhir_server.kernel.wire import Tree, number

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


class Values:
    """Makes values by chance. `seed` decides which."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)

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
