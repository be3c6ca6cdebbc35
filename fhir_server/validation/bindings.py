"""Whether coded values lie in the value sets that R4 binds as `required` and can enumerate.

https://hl7.org/fhir/R4/terminologies.html#required
"""

from __future__ import annotations

from functools import cache

from fhir_server.definitions.catalogue import required_codes
from fhir_server.kernel.wire import Tree
from fhir_server.validation.sentences import Problem

_FEW = 12


@cache
def codes_of(value_set: str) -> frozenset[str] | None:
    """The codes of a value set, whatever their system; None where R4 cannot list them (MIME types, UCUM)."""
    found = required_codes().get(value_set)
    return None if found is None else frozenset().union(*found.values())


@cache
def concepts_of(value_set: str) -> frozenset[tuple[str, str]] | None:
    """The (system, code) of a value set, or None."""
    found = required_codes().get(value_set)
    return (
        None
        if found is None
        else frozenset((system, code) for system, codes in found.items() for code in codes)
    )


def holds_one_of(concept: Tree, wanted: frozenset[tuple[str, str]]) -> bool:
    """Whether a CodeableConcept of sound shape has a coding among `wanted`; others may stand beside it."""
    return any((coding.get("system"), coding.get("code")) in wanted for coding in concept.get("coding", ()))


def outside(value_set: str, *, concept: bool) -> Problem:
    """What is wrong with a value that is not of the value set, with the codes where they are few."""
    codes = codes_of(value_set) or frozenset()
    subject, french = (
        ("No coding is", "Aucun codage n'est") if concept else ("The code is not", "Le code n'est pas")
    )
    hint = f": {', '.join(sorted(codes))}" if len(codes) <= _FEW else ""
    return Problem(
        "code-invalid",
        f"{subject} of the required value set {value_set}{hint}",
        f"{french} du jeu de valeurs obligatoire {value_set}{' ' if hint else ''}{hint}",
    )
