"""How the table of sentences is written: chapters of resources, and what searches among them find.

A row is a search as one reads it, not percent-encoded, and what it finds: ids (`"a b"`), in their order (`"a > b"`),
with those that are included (`"a +b"`), or the status that refuses it.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from fhir_server.kernel.wire import Tree

PAGE = "https://hl7.org/fhir/R4/search.html"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"

Expected: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Sentence:
    """What the page says at an anchor, in our words, and the searches that show it."""

    anchor: str
    idea: str
    rows: tuple[tuple[str, Expected], ...]

    @property
    def name(self) -> str:
        """As a test would be called."""
        return re.sub(r"[^a-z0-9]+", "_", self.idea.lower()).strip("_")


@dataclass(frozen=True, slots=True)
class Chapter:
    """Resources that are stored together, and nothing else is, while its sentences are tried."""

    name: str
    resources: tuple[Tree, ...]
    sentences: tuple[Sentence, ...]


def says(anchor: str, idea: str, *rows: tuple[str, Expected]) -> Sentence:
    return Sentence(anchor, idea, rows)


def one(type: str, id: str, /, **elements: Any) -> Tree:
    return {"resourceType": type, "id": id, **elements}


def coded(*codings: str, text: str = "") -> Tree:
    """A CodeableConcept; a coding is written `system|code`, `code` or `system|code|display`."""
    tree: Tree = {"coding": [coding(written) for written in codings]} if codings else {}
    return {**tree, "text": text} if text else tree


def coding(written: str) -> Tree:
    parts = written.split("|")
    if len(parts) == 1:
        return {"code": written}
    system, code, *display = parts
    return {"system": system, "code": code} | ({"display": display[0]} if display else {})


def to(reference: str) -> Tree:
    return {"reference": reference}


def ucum(value: float | str, code: str, **elements: Any) -> Tree:
    """A Quantity in a unit of UCUM."""
    return {"value": value, **elements, "unit": code, "system": UCUM, "code": code}


def observation(id: str, /, **elements: Any) -> Tree:
    return one("Observation", id, **{"status": "final", "code": {"text": "x"}, **elements})


def condition(id: str, /, **elements: Any) -> Tree:
    return one("Condition", id, **{"subject": to("Patient/nobody"), **elements})


def named(id: str, family: str = "", *given: str, **elements: Any) -> Tree:
    """A Patient with a name."""
    name: Tree = {"family": family} if family else {}
    if given:
        name["given"] = list(given)
    return one("Patient", id, **({"name": [name]} if name else {}), **elements)
