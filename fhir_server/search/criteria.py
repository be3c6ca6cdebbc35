"""One criterion by its name: a parameter with its modifier, a chain of references to one, or `_has`.

`subject:Patient.organization.name:exact` follows references from link to link; a link without `:Type` may lead to any
of its types that has the rest. `_has:Observation:patient:code` goes against a reference. A name is compiled once, into
the function that reads its values.

https://hl7.org/fhir/R4/search.html#chaining · https://hl7.org/fhir/R4/search.html#has
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import Final, TypeVar

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import Parameter, Parameters
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.values import immutable
from fhir_server.search.contained import group_of, moved
from fhir_server.search.escapes import is_legal
from fhir_server.search.modifiers import parted
from fhir_server.search.query import Chain, Has, Nothing, Predicate
from fhir_server.search.reading import (
    LONGEST_NAME,
    MOST_BRANCHES,
    MOST_LEAVES,
    MOST_LINKS,
    MOST_VALUES,
    Here,
    Reader,
    Unknown,
    any_of,
    name_of,
    place,
    ready,
    shown,
    unreadable,
    unsupported,
)
from fhir_server.search.results import RESULT
from fhir_server.search.several import joined
from fhir_server.search.values import is_answered, reader_of

# Parameters that R4 names in its text and defines by no SearchParameter, and that are no links either.
_LIST: Final = "_list"

_NOWHERE: Final = "None of the types that the chain leads to has all the parameters that follow"

T = TypeVar("T")


@immutable
class Criterion:
    """What reads the values of a name. `branches`: the predicates that one value may become."""

    read: Reader
    branches: int = 1


def criterion_of(types: Sequence[str], name: str, parameters: Parameters) -> Criterion:
    """What `name`, decoded, means in a search of these types, of which there is at least one.

    Raises `Unknown` when one of the types has no such parameter or it is not answered, and `Malformed` when the name
    asks for what cannot be.
    """
    if len(name) > LONGEST_NAME:
        raise unreadable(f"A parameter's name is longer than {LONGEST_NAME} characters")
    if len(types) == 1:
        return _criterion(types[0], name, parameters, 0)
    return _criterion_of_several(tuple(types), name, parameters)


def read(criterion: Criterion, text: str, here: Here) -> Predicate:
    """The predicate of a criterion with its value. Raises `Malformed` when it cannot be read or asks for too much."""
    commas = text.count(",")
    if commas == len(text):
        raise unreadable("A parameter has commas and no value between them")
    if not is_legal(text):
        raise unreadable(r"A parameter has a '\' before none of '\', ',', '$' and '|'; '\\' would be right")
    if commas and (commas >= MOST_VALUES or leaves_of(criterion, text) > MOST_LEAVES):
        most = min(MOST_VALUES, MOST_LEAVES // criterion.branches)
        raise Malformed(
            f"A parameter has too many values: at most {most} would be right here", code="too-costly"
        )
    return criterion.read(text, here)


def leaves_of(criterion: Criterion, text: str) -> int:
    """About how many comparisons the criterion with this value comes down to."""
    return criterion.branches * (text.count(",") + 1)


@lru_cache(maxsize=1024)
def _criterion_of_several(types: tuple[str, ...], name: str, parameters: Parameters) -> Criterion:
    if name.startswith("_has:"):  # what one reference leads to need not be all that is searched
        each = dict(on_each(types, lambda one: _criterion(one, name, parameters, 0)))
    else:
        each = {one: _criterion(one, name, parameters, 0) for one in types}

    def read(text: str, here: Here) -> Predicate:
        return joined([(one, each[one].read(text, here) if one in each else Nothing()) for one in types])

    return _limited(read, sum(criterion.branches for criterion in each.values()))


@immutable
class _Refusal:
    """An exception to be: `code` is that of `Malformed`, None of `Unknown`."""

    text: str
    code: str | None

    def error(self) -> Malformed | Unknown:
        return Unknown(self.text) if self.code is None else Malformed(self.text, code=self.code)


def _criterion(type: str, name: str, parameters: Parameters, depth: int) -> Criterion:
    """`depth`: how many links have been followed on the way here."""
    found = _kept(type, name, parameters, depth)
    if isinstance(found, _Refusal):
        raise found.error()
    return found


@lru_cache(maxsize=8192)
def _kept(type: str, name: str, parameters: Parameters, depth: int) -> Criterion | _Refusal:
    # Refusals are kept too: in a chain through many types nearly every way ends in one, over and over.
    try:
        return _compiled(type, name, parameters, depth)
    except Unknown as error:
        return _Refusal(str(error), None)
    except Malformed as error:
        return _Refusal(error.issues[0].text, error.issues[0].code)


def _compiled(type: str, name: str, parameters: Parameters, depth: int) -> Criterion:
    if name == "_has" or name.startswith("_has:"):
        return _has(type, name, parameters, depth + 1)
    first, dot, rest = name.partition(".")
    code, modifier = parted(first)
    parameter = parameter_of(type, code, parameters, hint=not depth)
    if dot and parameter.kind == "reference":
        return _chain(parameter, modifier, rest, parameters, depth + 1)
    if dot:
        raise _unknown(type, name.partition(":")[0], parameters, hint=not depth)
    return Criterion(reader_of(parameter, modifier, parameters))


def parameter_of(type: str, code: str, parameters: Parameters, *, hint: bool = True) -> Parameter:
    """The parameter of a type. Raises `Unknown`, with a `hint` at the name that may have been meant."""
    found = parameters.of(type).get(code)
    if found is not None:
        return ready(found)
    if code == _LIST:
        return Parameter(type, _LIST, "special", "", (), "", _LIST)
    raise _unknown(type, code, parameters, hint=hint)


def _chain(link: Parameter, modifier: str, rest: str, parameters: Parameters, depth: int) -> Criterion:
    """`rest` of what `link` points to: of a stored resource, or of one that the resource itself contains."""
    _require_depth(depth)
    targets = targets_of(link, modifier)
    inner = dict(on_each(targets, lambda target: _criterion(target, rest, parameters, depth)))

    def read(text: str, here: Here) -> Predicate:
        # The same name may be a date of one type and a text of another: where one can read the value, it counts.
        return linked(link, on_each(tuple(inner), lambda target: inner[target].read(text, here)))

    return _limited(read, sum(2 * criterion.branches for criterion in inner.values()))


def linked(link: Parameter, each: Sequence[tuple[str, Predicate]]) -> Predicate:
    """`link` leads to a resource of one of the types, stored or contained, which meets the predicate of its type."""
    found: list[Predicate] = []
    for target, predicate in each:
        if not isinstance(predicate, Nothing):
            found.append(Chain(name_of(link), target, predicate))
            found.append(moved(predicate, target, group_of(link.type, link.rows, target)))
    return any_of(found)


def targets_of(link: Parameter, modifier: str) -> tuple[str, ...]:
    """The types that a link with `:modifier`, or without any, may lead to. Raises `Malformed`."""
    if not modifier:
        return link.targets
    if modifier not in resource_types():
        raise unsupported(f"{place(link)}: in a chain, only a type can stand behind its colon")
    if modifier not in link.targets:
        raise unreadable(f"{place(link)} never points to the type {modifier}")
    return (modifier,)


def on_each(targets: Sequence[str], of: Callable[[str], T]) -> list[tuple[str, T]]:
    """`of` each target that does not refuse. Raises when all of them do: what the last one did, if it can say more."""
    found: list[tuple[str, T]] = []
    refusal: Malformed | None = None
    for target in targets:
        try:
            found.append((target, of(target)))
        except Malformed as error:
            if error.issues[0].code in {"too-costly", "transient"}:
                raise
            refusal = error
        except Unknown:
            if len(targets) == 1:
                raise
    if not found:
        raise refusal or Unknown(_NOWHERE)
    return found


def _has(type: str, name: str, parameters: Parameters, depth: int) -> Criterion:
    """`_has:Observation:patient:code`."""
    _require_depth(depth)
    parts = name.split(":", 3)
    if len(parts) != 4 or not all(parts):
        raise unreadable("'_has' is written _has:Type:reference:parameter")
    _, source, code, rest = parts
    if source not in resource_types():
        raise Unknown("'_has' names a resource type that FHIR R4 does not know")
    link = parameters.of(source).get(code)
    if link is None or link.kind != "reference":
        raise Unknown(f"{source} has no reference parameter of the name that '_has' gives")
    if type not in ready(link).targets:
        raise unreadable(f"{place(link)} never points to the type {type}")
    inner = _criterion(source, rest, parameters, depth)
    points = name_of(link)

    def read(text: str, here: Here) -> Predicate:
        predicate = inner.read(text, here)
        return predicate if isinstance(predicate, Nothing) else Has(points, predicate)

    return _limited(read, inner.branches)


def _require_depth(depth: int) -> None:
    if depth > MOST_LINKS:
        raise Malformed(f"A chain of more than {MOST_LINKS} links; fewer would be right", code="too-costly")


def _limited(read: Reader, branches: int) -> Criterion:
    if branches > MOST_BRANCHES:
        raise Malformed(
            f"The chain could mean more than {MOST_BRANCHES} things; a type behind each link, as in"
            " subject:Patient.name, would be right",
            code="too-costly",
        )
    return Criterion(read, branches)


def _unknown(type: str, code: str, parameters: Parameters, *, hint: bool) -> Unknown:
    close = get_close_matches(code[:64], _names(type, parameters), n=1) if hint else ()
    meant = f". Did you mean '{close[0]}'?" if close else ""
    return Unknown(f"{type} has no search parameter '{shown(code)}'{meant}")


@lru_cache(maxsize=1024)
def _names(type: str, parameters: Parameters) -> tuple[str, ...]:
    """What a name may have been meant to be."""
    return (
        *(p.code for p in parameters.of(type).values() if is_answered(p)),
        *sorted(RESULT),
        "_has",
        "_type",
        _LIST,
    )
