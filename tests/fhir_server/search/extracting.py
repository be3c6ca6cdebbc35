"""Entries as a test reads them: made from elements, and looked up by the names of parameters."""

from __future__ import annotations

from typing import Any

from fhir_server.definitions.parameters import CORE, Parameters, parameters_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode, encode
from fhir_server.search.entries import Entries, Hasher
from fhir_server.search.extract import entries_of

HASHER = Hasher(b"a secret of tests")
BASES = ("https://here.example/fhir", "http://localhost/fhir")
LOINC = "http://loinc.org"
BOOLEANS = "http://hl7.org/fhir/special-values"
UCUM = "http://unitsofmeasure.org"


def entries(parameters: Parameters = CORE, **elements: Any) -> Entries:
    return entries_of(decode(encode(elements)), HASHER, BASES, parameters)


def token(type: str, parameter: str, code: str, system: str = "") -> tuple[int, int]:
    """The row of a code whose case matters."""
    return HASHER.code(HASHER.seed(type, parameter), code), HASHER.space(system)


def folded(type: str, parameter: str, code: str, system: str = "") -> tuple[int, int]:
    """The row of a code, in lower case, whose case does not."""
    return HASHER.folded(HASHER.seed(type, parameter), code), HASHER.space(system)


def target(type: str, parameter: str, key: Key) -> tuple[int, int]:
    return HASHER.reference(HASHER.seed(type, parameter), HASHER.self_of(key)), 0


def texts(found: Entries, type: str, parameter: str) -> set[str]:
    seed = HASHER.seed(type, parameter)
    return {text for row, text in found.strings if row == seed}


def words(found: Entries, type: str, parameter: str) -> set[str]:
    """The terms of a parameter. Each stands for a token that is there."""
    seed = HASHER.seed(type, parameter)
    assert all((key, 0) in found.tokens for _, _, key in found.terms)
    return {text for row, text, _ in found.terms if row == seed}


def spans(found: Entries, type: str, parameter: str) -> set[tuple[int, int]]:
    seed = HASHER.seed(type, parameter)
    return {(low, high) for row, low, high in found.dates if row == seed}


def numbers(found: Entries, type: str, parameter: str, unit: str = "") -> set[tuple[float, float]]:
    """`unit` as `QuantityValue.unit` has it."""
    seed, space = HASHER.seed(type, parameter), HASHER.space(unit)
    return {(low, high) for row, of, low, high in found.quantities if (row, of) == (seed, space)}


def present(found: Entries, type: str) -> set[str]:
    return {code for code in parameters_of(type) if HASHER.seed(type, code) in found.present}
