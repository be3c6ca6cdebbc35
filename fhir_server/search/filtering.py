"""What a `_filter` asks of the resources of a type: each test becomes the predicate that the ordinary parameter would.

The tables of R4 say which operators a kind of parameter has; what is outside them is refused. Two things are narrower
than R4's text, since an index cannot tell them: `ne` on texts, codes and references means "has a value, and none that
is equal", and numbers and dates have no `co`.

https://hl7.org/fhir/R4/search_filter.html#ops
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from fhir_server.definitions.parameters import Parameter, Parameters
from fhir_server.kernel.errors import Malformed
from fhir_server.search.criteria import criterion_of, linked, on_each, parameter_of, read, targets_of
from fhir_server.search.escapes import escaped
from fhir_server.search.filters import Both, Comparison, Either, Filter, Opposite, Step, filter_of
from fhir_server.search.folding import fold
from fhir_server.search.query import Dates, DateValue, Not, Predicate, Strings, StringValue, Terms
from fhir_server.search.reading import (
    MOST_LINKS,
    Here,
    Unknown,
    all_of,
    any_of,
    name_of,
    place,
    unreadable,
    unsupported,
)
from fhir_server.search.several import joined
from fhir_server.search.spans import span_of

_MOST_TURNS: Final = 2000  # tests × the types that their paths may lead to
_SYSTEMS: Final[Mapping[str, str]] = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ucum": "http://unitsofmeasure.org",
}
_ALIAS = re.compile(rf"(^|\|)({'|'.join(_SYSTEMS)})(?=\|)")
_COMMA = re.compile(r"(\\.)|,", re.DOTALL)
_PREFIXES: Final = frozenset({"eq", "ne", "gt", "lt", "ge", "le", "ap", "sa", "eb"})
_OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    "string": frozenset({"eq", "ne", "co", "sw", "ew"}),
    "number": _PREFIXES,
    "quantity": _PREFIXES,
    "date": _PREFIXES | {"po"},
    "token": frozenset({"eq", "ne", "ss", "sb", "in", "ni"}),
    "reference": frozenset({"eq", "ne", "re"}),
    "uri": frozenset({"eq", "ne", "sw"}),
    "composite": frozenset({"eq"}),
    "special": frozenset({"eq"}),
}
_MODIFIERS: Final[Mapping[str, str]] = {"ss": "below", "sb": "above", "in": "in", "ni": "not-in"}
_MODES: Final[Mapping[str, Literal["is", "contains", "starts", "ends"]]] = {
    "eq": "is",
    "co": "contains",
    "sw": "starts",
    "ew": "ends",
}
# Names that only a filter has: the composite behind them, and its parts in their order.
_GROUPS: Final[Mapping[tuple[str, str], tuple[str, tuple[str, str]]]] = {
    ("Group", "characteristic"): ("characteristic-value", ("code", "value")),
    ("DocumentReference", "relatesTo"): ("relationship", ("target", "code")),
}


def filtered(types: Sequence[str], text: str, parameters: Parameters, here: Here) -> Predicate:
    """What `_filter=text` asks for in a search of these types. Raises `Malformed`: none is ever half understood."""
    tree = filter_of(text)
    filtering = _Filtering(parameters, here)
    try:
        return joined([(one, filtering.predicate(one, tree)) for one in types])
    except Unknown as error:
        raise unsupported(f"'_filter': {error}") from None


class _Filtering:
    def __init__(self, parameters: Parameters, here: Here) -> None:
        self._parameters = parameters
        self._here = here
        self._turns = 0

    def predicate(self, type: str, tree: Filter) -> Predicate:
        match tree:
            case Both(left, right):
                return all_of((self.predicate(type, left), self.predicate(type, right)))
            case Either(left, right):
                return any_of((self.predicate(type, left), self.predicate(type, right)))
            case Opposite(inner):
                return Not(self.predicate(type, inner))
            case Comparison(path, operator, value):
                return self._along(type, path, operator, value, 0)

    def _along(self, type: str, path: Sequence[Step], operator: str, value: str, links: int) -> Predicate:
        """A test whose path starts at resources of `type`."""
        self._turns += 1
        if self._turns > _MOST_TURNS:
            raise Malformed(
                "'_filter' could mean too many things; a type behind each link, as in subject:Patient.name,"
                " would be right",
                code="too-costly",
            )
        step, *rest = path
        if not rest:
            return self._test(type, step.name, operator, value, hint=not links)
        if links >= MOST_LINKS:
            raise Malformed(f"'_filter' follows more than {MOST_LINKS} links", code="too-costly")
        if (type, step.name) in _GROUPS:
            return self._grouped(type, step, rest, operator, value)
        code, _, modifier = step.name.partition(":")
        link = parameter_of(type, code, self._parameters, hint=not links)
        if link.kind != "reference":
            raise unreadable(f"'_filter': {place(link)} leads nowhere, and a path goes on behind it")

        def met(target: str) -> Predicate:
            found = self._along(target, rest, operator, value, links + 1)
            return found if step.filter is None else all_of((self.predicate(target, step.filter), found))

        return linked(link, on_each(targets_of(link, modifier), met))

    def _grouped(self, type: str, step: Step, rest: Sequence[Step], operator: str, value: str) -> Predicate:
        """`characteristic[code eq gender].value eq mixed`: two parts of one element, which a composite parameter is."""
        code, parts = _GROUPS[type, step.name]
        match step.filter, rest:
            case Comparison((Step(one, None),), "eq" | "re", other), (Step(two, None),) if operator in {
                "eq",
                "re",
            } and {one, two} == set(parts):
                values = {one: other, two: value}
                return self._read(type, code, "$".join(_raw(values[part]) for part in parts))
        raise unsupported(
            f"'_filter': on {step.name}, {step.name}[{parts[0]} eq …].{parts[1]} eq … is all that this server answers"
        )

    def _test(self, type: str, name: str, operator: str, value: str, *, hint: bool) -> Predicate:
        if name.startswith("_has:"):
            if operator != "eq":
                raise unsupported("'_filter': '_has' takes eq here, and no other operator")
            return self._read(type, name, _raw(value))
        parameter = self._parameter(type, name, hint=hint)
        if operator == "pr":
            if value not in {"true", "false"}:
                raise unreadable("'_filter': pr is either true or false")
            return self._read(type, f"{parameter.code}:missing", "false" if value == "true" else "true")
        if operator not in _OF_KIND[parameter.kind]:
            raise unsupported(
                f"'_filter': {place(parameter)}, a {parameter.kind}, does not take {operator};"
                f" {', '.join(sorted(_OF_KIND[parameter.kind]))} and pr would be right"
            )
        if operator == "ne" and parameter.kind not in {"date", "number", "quantity"}:
            there = self._read(type, f"{parameter.code}:missing", "false")
            return all_of((there, Not(self._compared(parameter, "eq", value))))
        return self._compared(parameter, operator, value)

    def _parameter(self, type: str, name: str, *, hint: bool) -> Parameter:
        if name == "id" and "id" not in self._parameters.of(type):
            name = "_id"  # examples of the specification write it so
        return parameter_of(type, name, self._parameters, hint=hint)

    def _compared(self, parameter: Parameter, operator: str, value: str) -> Predicate:
        of, code = parameter.type, parameter.code
        match parameter.kind, operator:
            case "string", _ if code.startswith("_"):  # the words of the narrative, of all
                return self._read(of, code, escaped(value))
            case "string", _:
                # Through the parameter's own reader, which refuses what is not answered.
                self._read(of, code, escaped(value))
                return Strings(name_of(parameter), (StringValue(fold(value), _MODES[operator]),))
            case "uri", "sw":
                self._read(of, code, _raw(value))
                return Terms(name_of(parameter), (StringValue(value, "starts"),))
            case "date", "po":
                self._read(of, code, _raw(value))
                return Dates(name_of(parameter), (DateValue("ap", *span_of(value)),))
            case "date" | "number" | "quantity", _:
                return self._read(of, code, operator + _raw(_named(value)))
            case "token", "ss" | "sb" | "in" | "ni":
                return self._read(of, f"{code}:{_MODIFIERS[operator]}", _raw(_named(value)))
            case _:
                return self._read(of, code, _raw(_named(value)))

    def _read(self, type: str, name: str, value: str) -> Predicate:
        return read(criterion_of((type,), name, self._parameters), value, self._here)


def _raw(value: str) -> str:
    """A value as the ordinary parameter has it: a filter has `or`, so that a comma in it is a comma."""
    return _COMMA.sub(lambda hit: hit[1] or "\\,", value)


def _named(value: str) -> str:
    """`loinc|8480-6` with the system's own name."""
    return _ALIAS.sub(lambda hit: hit[1] + _SYSTEMS[hit[2]], value, count=1)
