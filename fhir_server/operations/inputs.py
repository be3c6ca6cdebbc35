"""The inputs of an operation: from the address, where they are primitive, or from a Parameters resource that is sent.

The definition says which there are, of which type and how often. One that it does not list is refused, because an
operation without it would answer another question.

https://hl7.org/fhir/R4/operations.html#executing
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.elements import is_primitive
from fhir_server.interactions.call import Call, Server
from fhir_server.kernel.errors import Invalid, Malformed
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.primitives import is_of, wrong_with

CURSOR = "_cursor"  # the links of pages carry it, beside the inputs
_PRESENTATION = frozenset(
    {"_format", "_pretty", "_summary", "_elements"}
)  # seen to where the answer is written
_STAND_IN: Tree = {"resourceType": "Parameters"}  # for a resource that need not be sound
_WHOLE = frozenset({"integer", "positiveInt", "unsignedInt"})
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,9})\Z")


@dataclass(frozen=True, slots=True)
class Inputs:
    """`values`: by name, in the order given, as FHIR JSON has them (`_count` is an int, `meta` an object).

    `criteria`: search parameters and their values, of an operation that takes such. `given`: name and text of what
    came as text and can stand in a link. `cursor`: where a page begins; empty: at the beginning.
    """

    values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    criteria: tuple[tuple[str, str], ...] = ()
    given: tuple[tuple[str, str], ...] = ()
    cursor: str = ""

    def one(self, name: str) -> Any:
        """The value of an input that comes once at most; None: it did not come."""
        found = self.values.get(name)
        return found[0] if found else None

    def all(self, name: str) -> tuple[Any, ...]:
        return self.values.get(name, ())


def inputs_of(
    call: Call, wanted: Mapping[str, Mapping[str, Any]], server: Server, *, searching: bool
) -> Inputs:
    """Read and check what came. `wanted`: the definitions of the inputs by name.

    Raises `Malformed`, and `Invalid` when a Parameters resource breaks a rule of R4.
    """
    reading = _Reading(wanted, searching)
    for name, text in _query(call.query):
        reading.take_text(name, text)
    for index, parameter in enumerate(_sent(call, wanted, server)):
        _require_one_content(parameter, f"Parameters.parameter[{index}]")
        reading.take(parameter)
    reading.finish()
    return Inputs(
        {name: tuple(values) for name, values in reading.values.items()},
        tuple(reading.criteria),
        tuple(reading.given),
        reading.cursor,
    )


@dataclass(slots=True)
class _Reading:
    wanted: Mapping[str, Mapping[str, Any]]
    searching: bool
    values: dict[str, list[Any]] = field(default_factory=dict)
    criteria: list[tuple[str, str]] = field(default_factory=list)
    given: list[tuple[str, str]] = field(default_factory=list)
    cursor: str = ""

    def take_text(self, name: str, text: str) -> None:
        """A parameter of the address."""
        if name == CURSOR:
            self.cursor = text
        elif name in self.wanted:
            kind = self.wanted[name].get("type", "")
            if kind == "string" and not text:  # a field that is filled in as one types begins empty
                return
            if not is_primitive(kind):
                raise Malformed(
                    f"The input '{name}' is no text: a Parameters resource, sent by POST, can hold it",
                    code="value",
                )
            self._put(name, _value_of(name, kind, text))
            self.given.append((name, text))
        elif name not in _PRESENTATION:
            self._criterion(name, text)

    def take(self, parameter: Tree) -> None:
        """A parameter of the Parameters resource, which is sound and holds one thing at most."""
        name = parameter["name"]
        wanted = self.wanted.get(name)
        value = _content(parameter)
        if wanted is None:
            self._criterion(name, value)
            return
        kind = wanted.get("type", "")
        if is_primitive(kind):
            text = _text_of(value)
            if text is None:
                raise _wrong_kind(name, kind)
            self._put(name, _value_of(name, kind, text))
            self.given.append((name, text))
        elif _is_of(parameter, kind):
            self._put(name, value)
        else:
            raise _wrong_kind(name, kind)

    def finish(self) -> None:
        for name, wanted in self.wanted.items():
            found = len(self.values.get(name, ()))
            if found < wanted["min"]:
                raise Malformed(f"The input '{name}' is required and is missing", code="required")
            if wanted["max"] != "*" and found > int(wanted["max"]):
                raise Malformed(f"The input '{name}' is there more than once", code="value")

    def _put(self, name: str, value: Any) -> None:
        self.values.setdefault(name, []).append(value)

    def _criterion(self, name: str, value: Any) -> None:
        text = _text_of(value)
        if not self.searching or text is None:
            raise self._unknown(name)
        self.criteria.append((name, text))

    def _unknown(self, name: str) -> Malformed:
        near = get_close_matches(name[:64], list(self.wanted), n=1)
        known = ", ".join(self.wanted)
        hint = (
            f"did you mean '{near[0]}'?" if near else f"{known} would be right" if known else "it takes none"
        )
        return Malformed(f"The operation has no input of a name that was sent: {hint}", code="not-supported")


def _query(text: str) -> Iterator[tuple[str, str]]:
    if "\x00" in text or "%00" in text:
        raise Malformed("The query holds a NUL character", code="value")
    try:
        yield from parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise Malformed("The query is not UTF-8 in percent-encoding", code="value") from None


def _sent(call: Call, wanted: Mapping[str, Mapping[str, Any]], server: Server) -> list[Tree]:
    """The parameters of the body; none when there is no body.

    Where the definition has just one input that is a resource, that resource may be sent without Parameters around it.
    """
    if call.tree is None and (not call.body or call.body.isspace()):
        return []
    tree = decode(call.body, max_bytes=server.limits.max_bytes) if call.tree is None else call.tree
    if tree.get("resourceType") != "Parameters" or _is_subject(tree, call, wanted):
        resources = [
            name for name, one in wanted.items() if one.get("type") in {"Resource", *resource_types()}
        ]
        if len(resources) == 1:
            return [{"name": resources[0], "resource": tree}]
        raise Malformed("The inputs of an operation are sent as a Parameters resource", "resourceType")
    if issues := server.judge(_to_judge(tree, wanted)):
        raise Invalid(issues)
    parameters: list[Tree] = tree.get("parameter", [])
    return parameters


def _is_subject(tree: Tree, call: Call, wanted: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a Parameters resource is what the operation is about: none of the inputs is in it."""
    parameters = tree.get("parameter")
    names = (
        [one.get("name") for one in parameters if isinstance(one, dict)]
        if isinstance(parameters, list)
        else []
    )
    return call.type == "Parameters" and not any(name in wanted for name in names if isinstance(name, str))


def _to_judge(tree: Tree, wanted: Mapping[str, Mapping[str, Any]]) -> Tree:
    """What must be sound. A resource that may be of any type is what the operation is about: it need not be."""
    parameters = tree.get("parameter")
    if not isinstance(parameters, list):
        return tree
    return {**tree, "parameter": [_without_subject(one, wanted) for one in parameters]}


def _without_subject(parameter: Any, wanted: Mapping[str, Mapping[str, Any]]) -> Any:
    if not isinstance(parameter, dict) or not isinstance(parameter.get("resource"), dict):
        return parameter
    name, type_name = parameter.get("name"), parameter["resource"].get("resourceType")
    if not isinstance(name, str) or wanted.get(name, {}).get("type") != "Resource":
        return parameter
    known = isinstance(type_name, str) and type_name in resource_types()
    return {**parameter, "resource": _STAND_IN} if known else parameter


def _require_one_content(parameter: Tree, place: str) -> None:
    """A parameter, and each part of it, holds a value, a resource or parts. Raises `Malformed`.

    https://hl7.org/fhir/R4/parameters.html (inv-1)
    """
    names = {name.removeprefix("_") for name in parameter}
    if sum(name.startswith("value") or name in {"resource", "part"} for name in names) > 1:
        raise Malformed(
            "A parameter holds a value, a resource or parts: one of them would be right",
            place,
            code="invariant",
        )
    for index, part in enumerate(parameter.get("part", ())):
        _require_one_content(part, f"{place}.part[{index}]")


def _content(parameter: Tree) -> Any:
    """What a parameter holds: its value, its resource or its parts; None: nothing but extensions."""
    for name, value in parameter.items():
        if name.startswith("value") or name in {"resource", "part"}:
            return value
    return None


def _is_of(parameter: Tree, kind: str) -> bool:
    """Whether what a parameter holds is of a complex type, or a resource of a type (`Resource`: any)."""
    if not kind:  # it has parts
        return "part" in parameter
    resource = parameter.get("resource", {}).get("resourceType")
    return kind == resource or (kind == "Resource" and resource is not None) or f"value{kind}" in parameter


def _text_of(value: Any) -> str | None:
    """A primitive value, or what a search would be asked for a Reference, Coding or Identifier, as text."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return value.get("reference") or _token(value)
        case None | list():
            return None
    return str(value)


def _token(value: Tree) -> str | None:
    code = value.get("code") or value.get("value")
    if not isinstance(code, str):
        return None
    system = value.get("system")
    return f"{system}|{code}" if system else code


def _value_of(name: str, type: str, text: str) -> Any:
    """`text` as FHIR JSON has a value of `type`. Raises `Malformed`."""
    value: Any = text
    if type in _WHOLE and _INTEGER.match(text):
        value = int(text)
    elif type == "boolean" and text in {"true", "false"}:
        value = text == "true"
    elif type in {"instant", "dateTime"}:
        # The `+` of a time zone, left unescaped by many clients, reads as a space; no other space has a place here.
        value = text.replace(" ", "+")
    if not is_of(type, value):
        wrong = wrong_with(type, value)[1].partition(": ")
        raise Malformed(f"The input '{name}' cannot be read: {wrong[2]}", code="value")
    return value


def _wrong_kind(name: str, type: str) -> Malformed:
    return Malformed(f"The input '{name}' is of another type: {type} would be right", code="value")
