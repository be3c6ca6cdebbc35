"""The constraints of definitions: FHIRPath expressions that must hold where an element stands.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.compiler import program_of
from fhir_server.fhirpath.errors import CannotEvaluate, FhirpathError
from fhir_server.fhirpath.evaluator import evaluate_on
from fhir_server.fhirpath.operators import truth
from fhir_server.fhirpath.parser import parse
from fhir_server.fhirpath.surroundings import ALONE, ConformsTo, Surroundings
from fhir_server.fhirpath.syntax import Expression
from fhir_server.fhirpath.values import Budget, Node
from fhir_server.kernel.wire import Tree
from fhir_server.validation.corrections import meant_by
from fhir_server.validation.narrative import is_narrative
from fhir_server.validation.native import FORMS, Form
from fhir_server.validation.sentences import FRENCH
from fhir_server.validation.world import Later, World
from terminology.membership import Code, Held

_BEST_PRACTICE: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"
_VISITS: Final = 1_000_000
_SECONDS: Final = 2.0  # for one constraint at one place


@dataclass(frozen=True, slots=True)
class Constraint:
    """One `ElementDefinition.constraint`, ready to be asked."""

    key: str
    severity: Literal["error", "warning"]
    human: str
    best_practice: bool  # a `warning` that says itself that it is only advice
    source: str  # canonical of the definition that made the constraint; empty: the one it stands in
    expression: str  # as it is meant (`corrections`); empty: for readers only
    form: Form | None  # the same as a function of the JSON object
    translated: str  # `human` in French, as the definition has it; empty: it has none
    _program: Expression | None  # None: there is none, or it is no FHIRPath

    def holds(self, node: Node, world: World, surroundings: Surroundings | None = None) -> bool | None:
        """Whether the constraint holds at `node`. None: it cannot be evaluated.

        What must be looked up first counts as found to be right: the judgement is made again when it is known.
        An expression without an answer is not fulfilled, as for every validator.
        """
        if self.form is not None and isinstance(node.value, dict):
            return self.form(node.value)
        return self.evaluated(node, surroundings or surroundings_of(world))

    def evaluated(self, node: Node, around: Surroundings = ALONE) -> bool | None:
        """What the expression says, whether or not there is another form of it."""
        if not self.expression:
            return True
        if self._program is None:
            return None
        budget = Budget(_VISITS, seconds=_SECONDS)
        try:
            return truth(evaluate_on(self._program, node, R4, budget=budget, surroundings=around), 0) is True
        except CannotEvaluate:
            return None

    @property
    def text(self) -> str:
        return f"{self.human.strip().rstrip('.')} ({self.key})"

    @property
    def french(self) -> str:
        known = FRENCH.get(self.key)
        if known is not None and known[0] == self.human:
            return f"{known[1]} ({self.key})"
        if self.translated:
            return f"{self.translated.strip().rstrip('.')} ({self.key})"
        return f"La contrainte {self.key} n'est pas respectée : {self.human.strip().rstrip('.')}"


def constraint_of(constraint: Tree, type: str) -> Constraint:
    """The constraint of an ElementDefinition of a definition of `type` (`Patient`)."""
    advice = any(
        extension.get("url") == _BEST_PRACTICE and extension.get("valueBoolean") is True
        for extension in constraint.get("extension", ())
    )
    return _constraint(
        constraint.get("key", ""),
        constraint.get("severity", "error"),
        constraint.get("human", ""),
        constraint.get("expression", ""),
        constraint.get("source", ""),
        _french_in(constraint.get("_human", {})),
        advice,
    )


def _french_in(beside: Tree) -> str:
    """The French translation that stands beside a text; empty: there is none.

    http://hl7.org/fhir/R4/extension-translation.html
    """
    for extension in beside.get("extension", ()):
        parts = {part.get("url"): part for part in extension.get("extension", ())}
        if extension.get("url") == _TRANSLATION and parts.get("lang", {}).get("valueCode", "")[:2] == "fr":
            content = parts.get("content", {})
            text: str = content.get("valueString") or content.get("valueMarkdown", "")
            return text
    return ""


@lru_cache(maxsize=4096)
def _constraint(
    key: str,
    severity: Literal["error", "warning"],
    human: str,
    written: str,
    source: str,
    french: str,
    advice: bool,
) -> Constraint:
    expression = meant_by(written, key)
    return Constraint(
        key, severity, human, advice, source, expression, FORMS.get(written), french, _program_of(expression)
    )


@lru_cache(maxsize=4096)
def _program_of(expression: str) -> Expression | None:
    if not expression:
        return None
    try:
        parsed = parse(expression)
        program_of(parsed)
    except FhirpathError:
        return None
    return parsed


def surroundings_of(world: World, conforms_to: ConformsTo | None = None) -> Surroundings:
    """What an expression may ask, answered by the world of a judgement."""

    def resolve(reference: str, _where: Node) -> Tree | None:
        found = world.resolve(reference) if world.resolve is not None else None
        return None if isinstance(found, Later) else found

    def member_of(node: Node, value_set: str) -> bool | None:
        return _any_of([world.codes.within(value_set, code) for code in codes_of(node)])

    def subsumes(general: Node, special: Node) -> bool | None:
        return _any_of(
            [world.codes.subsumes(one, other) for one in codes_of(general) for other in codes_of(special)]
        )

    return Surroundings(
        resolve=resolve,
        member_of=member_of,
        conforms_to=conforms_to,
        subsumes=subsumes,
        is_safe=is_narrative,
    )


def codes_of(node: Node) -> list[Code]:
    """The codes in a CodeableConcept, Coding, Quantity, code or string."""
    if node.type == "CodeableConcept":
        codings = node.inside.get("coding")
        return [found for one in codings if (found := _code(one))] if isinstance(codings, list) else []
    if isinstance(node.value, dict):
        found = _code(node.value)
        return [found] if found else []
    return [Code(None, node.value)] if isinstance(node.value, str) else []


def _code(coding: object) -> Code | None:
    if not isinstance(coding, dict) or not isinstance(coding.get("code"), str):
        return None
    system, version, display = (coding.get(name) for name in ("system", "version", "display"))
    return Code(
        system if isinstance(system, str) else "",
        coding["code"],
        version if isinstance(version, str) else "",
        display if isinstance(display, str) else "",
    )


def _any_of(answers: list[Held]) -> bool | None:
    """Whether one of several holds; what comes later counts as held for now."""
    if Held.YES in answers or Held.LATER in answers:
        return True
    return None if Held.UNKNOWN in answers else False
