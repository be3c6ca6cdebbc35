"""Whether a value keeps the bounds of a profile: length, least and greatest value, regular expression.

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.minValue_x_
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fhir_server.fhirpath.errors import CannotEvaluate
from fhir_server.fhirpath.operators import order
from fhir_server.fhirpath.values import Node
from fhir_server.kernel.wire import number
from fhir_server.validation.judging import Judging
from fhir_server.validation.profile_rules import Limits
from terminology.pattern_syntax import BadPattern
from terminology.patterns import Pattern


def judge_limits(limits: Limits, node: Node, judging: Judging) -> None:
    value = node.value
    if value is None:
        return
    if limits.length is not None and isinstance(value, str) and len(value) > limits.length:
        judging.say(
            "too-long",
            f"The text has {limits.length} characters at most here",
            f"Le texte a ici {limits.length} caractères au plus",
            node,
        )
    if limits.lowest is not None and _compared(node, limits.lowest) == -1:
        judging.say(
            "value",
            "The value is below the least that the profile allows",
            "La valeur est en dessous du minimum que le profil admet",
            node,
        )
    if limits.highest is not None and _compared(node, limits.highest) == 1:
        judging.say(
            "value",
            "The value is above the greatest that the profile allows",
            "La valeur dépasse le maximum que le profil admet",
            node,
        )
    if limits.pattern and isinstance(value, str):
        _judge_pattern(limits.pattern, value, node, judging)


def _compared(node: Node, bound: Any) -> int | None:
    """-1, 0 or 1; None where the two have no order (dates of unlike precision, unlike units)."""
    if isinstance(bound, float):
        bound = number(repr(bound))
    try:
        return order([node], [Node(bound, node.type)], 0)
    except CannotEvaluate:
        return None


def _judge_pattern(text: str, value: str, node: Node, judging: Judging) -> None:
    pattern = _pattern(text)
    if pattern is None:
        judging.cannot_check(
            text,
            "The profile's regular expression cannot be read: the value is not checked",
            "L'expression régulière du profil est illisible : la valeur n'est pas vérifiée",
            node,
        )
    elif not pattern.fits(value, lambda steps: judging.charge(1 + steps // 64)):
        judging.say(
            "value",
            "The value does not have the form that the profile asks for",
            "La valeur n'a pas la forme que le profil demande",
            node,
        )


@lru_cache(maxsize=256)
def _pattern(text: str) -> Pattern | None:
    try:
        return Pattern(text)
    except BadPattern:
        return None
