"""What a profile says of an element, laid over what its base says of it.

What is said again replaces what was said, but that rules only ever add up: constraints, conditions and mappings
accumulate, and cardinalities only narrow.

https://hl7.org/fhir/R4/elementdefinition.html#interpretation
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from fhir_server.definitions.outlines import Definition

_VALUES: Final = ("fixed", "pattern", "default", "minValue", "maxValue")
_ADDING_UP: Final[Mapping[str, str]] = {"constraint": "key", "mapping": "identity", "extension": "url"}
_PLACE: Final = frozenset({"id", "path", "sliceName", "base"})


def laid_over(base: Definition, said: Definition) -> dict[str, Any]:
    """The ElementDefinition of `base` with what `said` changes. Its place (`id`, `path`) stays that of `base`."""
    found = dict(base)
    for key, value in said.items():
        if key in _PLACE:
            continue
        if key in _ADDING_UP:
            found[key] = _united(base.get(key, ()), value, _ADDING_UP[key])
        elif key == "condition":
            found[key] = list(dict.fromkeys((*base.get(key, ()), *value)))
        elif key == "min":
            found[key] = max(value, base.get(key, 0))
        elif key == "max":
            found[key] = narrower(value, base.get(key, "*"))
        elif key == "type":
            found[key] = [_type_over(base.get("type", ()), one) for one in value]
        elif key == "binding":
            found[key] = {**base.get(key, {}), **value}
        elif key == "slicing":
            found[key] = _sliced_over(base.get(key, {}), value)
        else:
            for stem in _VALUES:
                if key.startswith(stem):
                    for other in [known for known in found if known.startswith(stem)]:
                        del found[other]
            found[key] = value
    return found


def narrower(one: str, other: str) -> str:
    """The smaller of two values of `max`."""
    if "*" in {one, other} or not (one.isdecimal() and other.isdecimal()):
        return other if one == "*" else one
    return one if int(one) <= int(other) else other


def _united(known: Iterable[Mapping[str, Any]], added: Iterable[Mapping[str, Any]], key: str) -> list[Any]:
    """All of `known` and `added`; of two with the same key the later one, but mappings stand side by side."""
    if key == "identity":
        return [*known, *(one for one in added if one not in list(known))]
    found = {one.get(key, ""): one for one in known}
    found.update({one.get(key, ""): one for one in added})
    return list(found.values())


def _sliced_over(known: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """A slicing said again: what is closed stays so, and what is ordered."""
    found = {**known, **said}
    if known.get("rules") == "closed":
        found["rules"] = "closed"
    if known.get("ordered"):
        found["ordered"] = True
    return found


def _type_over(known: Iterable[Mapping[str, Any]], said: Mapping[str, Any]) -> dict[str, Any]:
    """One type of the profile. What it leaves open (profiles, targets) is as the base has it."""
    for one in known:
        if one.get("code") == said.get("code"):
            return {**one, **said}
    return dict(said)
