"""The parameters that shape a result and decide nothing about what matches: how many, in which order, what besides.

https://hl7.org/fhir/R4/search.html#modifyingresults
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, TypeAlias, cast

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import Parameters
from fhir_server.search.escapes import split
from fhir_server.search.query import Include, Name, Sort
from fhir_server.search.reading import Unknown, ready, shown, unreadable, unsupported
from fhir_server.search.values import is_answered

Summary: TypeAlias = Literal["", "true", "text", "data", "count", "false"]
Total: TypeAlias = Literal["none", "estimate", "accurate"]
Contained: TypeAlias = Literal["false", "true", "both"]
ContainedType: TypeAlias = Literal["container", "contained"]

CURSOR: Final = "_cursor"  # our page links carry it; opaque
EXPLAIN: Final = "__explain"  # ours: how the store would find the result
RESULT: Final = frozenset(
    {"_count", "_sort", "_total", "_summary", "_elements", "_include", "_revinclude", "_contained"}
    | {"_containedType", CURSOR, EXPLAIN}
)
_REPEATABLE: Final = frozenset({"_sort", "_elements", "_include", "_revinclude"})
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "_total": ("none", "estimate", "accurate"),
    "_summary": ("true", "text", "data", "count", "false"),
    "_contained": ("false", "true", "both"),
    "_containedType": ("container", "contained"),
    EXPLAIN: ("true", "false"),
}
_SORTS: Final[Mapping[str, Literal["date", "string", "number", "text"]]] = {
    "date": "date",
    "string": "string",
    "number": "number",
    "quantity": "number",
    "token": "text",
    "reference": "text",
    "uri": "text",
}
_MOST_SORTS: Final = 16
_MOST_INCLUDES: Final = 100


@dataclass(slots=True)
class Shape:
    """The shape asked for, so far, by a search of `types`. Raises `Unknown` and `Malformed` as criteria do."""

    types: Sequence[str]
    parameters: Parameters
    count: int | None = None
    sort: list[Sort] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    elements: tuple[str, ...] = ()
    cursor: str = ""
    _chosen: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> Total | None:
        return cast("Total | None", self._chosen.get("_total"))

    @property
    def summary(self) -> Summary:
        return cast("Summary", self._chosen.get("_summary", ""))

    @property
    def contained(self) -> Contained:
        return cast("Contained", self._chosen.get("_contained", "false"))

    @property
    def contained_type(self) -> ContainedType:
        return cast("ContainedType", self._chosen.get("_containedType", "container"))

    @property
    def explain(self) -> bool:
        return self._chosen.get(EXPLAIN) == "true"

    def take(self, code: str, modifier: str, value: str) -> None:
        """One parameter of `RESULT`."""
        if code in {"_include", "_revinclude"}:
            self._include(code, modifier, value)
            return
        if modifier:
            raise unsupported(f"'{code}' takes no modifier")
        if code not in _REPEATABLE:
            if code in self._chosen:
                raise unreadable(f"'{code}' is there more than once")
            self._chosen[code] = value
        match code:
            case "_count":
                self.count = _number(value)
            case "_sort":
                types = tuple(self.types)
                self.sort += [_sort_key(types, key.strip(), self.parameters) for key in split(value)]
                if len(self.sort) > _MOST_SORTS:
                    raise unreadable(f"'_sort' has more than {_MOST_SORTS} keys")
            case "_elements":
                self.elements += tuple(part.strip() for part in split(value))
            case _ if code == CURSOR:
                self.cursor = value
            case _ if value not in _CHOICES[code]:
                raise unreadable(f"'{code}' is one of {', '.join(_CHOICES[code])}")

    def _include(self, code: str, modifier: str, value: str) -> None:
        if modifier == "recurse":
            raise unsupported(f"'{code}:recurse' is of an older FHIR; '{code}:iterate' would be right")
        if modifier not in {"", "iterate"}:
            raise unsupported(f"'{code}' has a modifier that FHIR R4 does not know")
        if len(self.includes) >= _MOST_INCLUDES:
            raise unreadable(f"More than {_MOST_INCLUDES} includes; fewer would be right")
        reverse, iterate = code == "_revinclude", modifier == "iterate"
        if value == "*":
            anywhere = reverse or iterate or len(self.types) != 1
            name = Name("*" if anywhere else self.types[0], "*")
            self.includes.append(Include(name, reverse=reverse, iterate=iterate))
            return
        source, _, rest = value.partition(":")
        parameter, _, target = rest.partition(":")
        if not parameter:
            raise unreadable(f"'{code}' is written Type:parameter or Type:parameter:Target")
        if not {source, target or source} <= resource_types():
            raise Unknown(f"'{code}' names a resource type that FHIR R4 does not know")
        self._require_link(code, source, parameter, target)
        self.includes.append(Include(Name(source, parameter), target, reverse, iterate))

    def _require_link(self, code: str, source: str, parameter: str, target: str) -> None:
        if parameter == "*":
            return
        link = self.parameters.of(source).get(parameter)
        if link is None or link.kind != "reference":
            raise Unknown(f"{source} has no reference parameter of the name that '{code}' gives")
        ready(link)
        if target and target not in link.targets:
            raise Unknown(f"{source}.{parameter}, which '{code}' names, never points to the type {target}")


@lru_cache(maxsize=1024)
def _sort_key(types: tuple[str, ...], key: str, parameters: Parameters) -> Sort:
    descending = key.startswith("-")
    code = key.removeprefix("-")
    if code == "_id":
        return Sort("id", None, descending)
    if code == "_lastUpdated":
        return Sort("updated", None, descending)
    if code == "_score":
        raise Unknown("This server gives matches no score to sort by")
    if len(types) != 1:
        raise Unknown("A search of several types is sorted by '_id' and '_lastUpdated' only")
    known = parameters.of(types[0])
    if descending and code not in known and key in known:  # its own name begins so
        descending, code = False, key
    parameter = known.get(code)
    if parameter is None:
        raise Unknown(f"{types[0]} has no search parameter '{shown(code)}' to sort by")
    kind = _SORTS.get(ready(parameter).kind)
    if kind is None or parameter.parts or code in {"_text", "_content"} or not is_answered(parameter):
        raise Unknown(f"This server does not support sorting by '{code}', a {parameter.kind} parameter")
    return Sort(kind, Name(types[0], code if kind == "text" else parameter.rows), descending)


def _number(value: str) -> int:
    if not (value.isascii() and value.isdigit()):
        raise unreadable("'_count' is a whole number, 0 or more")
    return int(value[:18])
