"""What single ElementDefinitions say, in forms that can be compared with what others say.

https://hl7.org/fhir/R4/elementdefinition.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from fhir_server.definitions.catalogue import type_of_profile
from fhir_server.definitions.snapshots import CORE, is_type
from fhir_server.kernel.wire import Tree
from fhir_server.validation.primitives import LEAVES
from fhir_server.validation.profile_rules import Limits

_MAXIMUM: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_REGEX: Final = "http://hl7.org/fhir/StructureDefinition/regex"


def types_of(own: Tree) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    return sorted(
        (
            type_of_profile(str(type_.get("code", ""))),
            tuple(sorted(one.removesuffix("|4.0.1") for one in type_.get("profile", ()))),
            tuple(sorted(one.removesuffix("|4.0.1") for one in type_.get("targetProfile", ()))),
        )
        for type_ in own.get("type", ())
    )


def targets_in(own: Tree) -> list[str]:
    return [one.partition("|")[0] for type_ in own.get("type", ()) for one in type_.get("targetProfile", ())]


def aggregation_in(own: Tree) -> frozenset[str]:
    """How references may lead to their targets; empty: any way."""
    found = [frozenset(type_.get("aggregation", ())) for type_ in own.get("type", ()) if _refers(type_)]
    return frozenset().union(*found) if found and all(found) else frozenset()


def _refers(type_: Tree) -> bool:
    return type_.get("code") in {"Reference", "canonical"}


def raw_value(own: Tree) -> tuple[str, Any] | None:
    return next(((key, value) for key, value in own.items() if key.startswith(("fixed", "pattern"))), None)


def binding_in(own: Tree) -> tuple[str, str, str] | None:
    binding = own.get("binding")
    if not binding or not binding.get("valueSet"):
        return None
    maximum = next(
        (one.get("valueCanonical", "") for one in binding.get("extension", ()) if one.get("url") == _MAXIMUM),
        "",
    )
    value_set = binding["valueSet"].removesuffix("|4.0.1")
    return binding.get("strength", "example"), value_set, maximum.removesuffix("|4.0.1")


def limits_in(own: Tree, others: Sequence[Tree]) -> Limits | None:
    said = {key: value for key, value in own.items() if key.startswith(("minValue", "maxValue", "maxLength"))}
    pattern = next(
        (
            one.get("valueString", "")
            for holder in (own, *own.get("type", ()))
            for one in holder.get("extension", ())
            if one.get("url") == _REGEX and holder.get("code") not in LEAVES
        ),
        "",
    )
    said = {key: value for key, value in said.items() if all(other.get(key) != value for other in others)}
    if not said and not pattern:
        return None
    return Limits(
        said.get("maxLength"),
        next((value for key, value in said.items() if key.startswith("minValue")), None),
        next((value for key, value in said.items() if key.startswith("maxValue")), None),
        pattern,
    )


def is_of_base(source: object) -> bool:
    """Whether a constraint comes from a type of FHIR's own, which are judged by themselves."""
    if not isinstance(source, str) or not source.startswith(CORE):
        return False
    return is_type(source.removeprefix(CORE))
