"""The shape of a query: all that the text of its SQL depends on, and beside it the values that are its parameters.

Two queries of one shape differ only in codes, texts, dates and numbers. A shape is a value, to keep statements by; it
is made for every search, so it is made quickly. The parts of a query are its predicates, those inside others behind
these, in one order everywhere: whatever composes a statement finds them by their place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Dates,
    Has,
    Ids,
    Listed,
    Missing,
    Near,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    Quantities,
    Query,
    References,
    Strings,
    Terms,
    Tokens,
    Updated,
    Visible,
    Words,
)
from fhir_server.search.sight import Sight
from fhir_server.store.trigrams import has_trigrams

Shape: TypeAlias = tuple[Any, ...]

FIRST: Final = 1  # the place of the first predicate; before it stands the `Ask`


class Ask:
    """What else a use of a statement says."""

    __slots__ = ("limit", "listed", "sight", "start")

    def __init__(
        self,
        limit: int | None,
        start: Sequence[object],
        listed: Mapping[Key, Sequence[int]],
        sight: Sight | None = None,
    ) -> None:
        self.limit = limit
        self.start = start
        self.listed = listed  # what `self` the members of a List have
        self.sight = sight


def inner_of(predicate: Predicate) -> tuple[Predicate, ...]:
    """The predicates directly inside another."""
    match predicate:
        case AnyOf(of) | AllOf(of):
            return of
        case Not(inner) | Chain(_, _, inner) | Has(_, inner):
            return (inner,)
        case _:
            return ()


def shape_of(query: Query) -> tuple[Shape, list[Any]]:
    """The shape, and the parts, with room for the `Ask` in front."""
    parts: list[Any] = [None]
    return (query.types, query.sort, *[_SHAPES[type(one)](one, parts) for one in query.where]), parts


# How many there are of what, as far as it matters for a text ---------------------------------------------------------

ONE_PAIR: Final = "pair"  # one code of one system


def tokens_form(predicate: Tokens) -> str:
    """`ONE_PAIR`; or letters: `k`, codes of known systems; `o`, codes of any system; `s`, systems."""
    values = predicate.values
    if len(values) == 1:
        (value,) = values
        return "s" if value.code is None else "o" if value.system is None else ONE_PAIR
    known = {(v.system, v.code, v.folded) for v in values if v.code is not None and v.system is not None}
    form = "o" if any(v.code is not None and v.system is None for v in values) else ""
    form += "s" if any(v.code is None for v in values) else ""
    if len(known) == 1 and not form:
        return ONE_PAIR
    return f"k{form}" if known else form


def references_form(predicate: References) -> str:
    return ONE_PAIR if len(predicate.keys) + len(predicate.others) == 1 else "k"


def modes_of(predicate: Strings | Terms) -> tuple[str, ...]:
    """The mode, if there is one value; else all that occur, and `several`. A long text has the mode `long`."""
    values = predicate.values
    if len(values) == 1:
        return (values[0].mode,)
    return *sorted({value.mode for value in values}), "several"


def prefixes_of(predicate: Dates | Updated | Quantities) -> tuple[str, ...]:
    """The prefix, if there is one value; else all that occur, and `several`."""
    values: tuple[Any, ...] = predicate.values
    if len(values) == 1:
        return (values[0].prefix,)
    return *sorted({value.prefix for value in values}), "several"


def _tokens(predicate: Tokens, parts: list[Any]) -> Shape:
    parts.append(predicate)
    name = predicate.name
    return "t", name.type, name.code, tokens_form(predicate)


def _references(predicate: References, parts: list[Any]) -> Shape:
    parts.append(predicate)
    name = predicate.name
    # Who a reference is to says how many there may be of it.
    patient = not predicate.others and all(key.type == "Patient" for key in predicate.keys)
    return "r", name.type, name.code, references_form(predicate), patient


def _strings(predicate: Strings, parts: list[Any]) -> Shape:
    parts.append(predicate)
    name = predicate.name
    return "s", name.type, name.code, modes_of(predicate), has_trigrams(predicate)


def _terms(predicate: Terms, parts: list[Any]) -> Shape:
    parts.append(predicate)
    name = predicate.name
    return "terms", name.type, name.code, modes_of(predicate)


def _spans(predicate: Dates | Quantities, parts: list[Any]) -> Shape:
    parts.append(predicate)
    name = predicate.name
    return type(predicate).__name__, name.type, name.code, prefixes_of(predicate)


def _updated(predicate: Updated, parts: list[Any]) -> Shape:
    parts.append(predicate)
    return "u", prefixes_of(predicate)


def _named(predicate: Near, parts: list[Any]) -> Shape:
    parts.append(predicate)
    return "near", predicate.name.type, predicate.name.code


def _whole(predicate: Predicate, parts: list[Any]) -> Shape:
    """Its text depends on its values."""
    parts.append(predicate)
    return "=", predicate


def _bare(predicate: Predicate, parts: list[Any]) -> Shape:
    """Only its class matters."""
    parts.append(predicate)
    return (type(predicate).__name__,)


def _chain(predicate: Chain, parts: list[Any]) -> Shape:
    parts.append(predicate)
    link, inner = predicate.link, predicate.inner
    return "chain", link.type, link.code, predicate.target, _SHAPES[type(inner)](inner, parts)


def _has(predicate: Has, parts: list[Any]) -> Shape:
    parts.append(predicate)
    link, inner = predicate.link, predicate.inner
    return "has", link.type, link.code, _SHAPES[type(inner)](inner, parts)


def _group(predicate: AnyOf | AllOf, parts: list[Any]) -> Shape:
    parts.append(predicate)
    return (type(predicate).__name__, *[_SHAPES[type(one)](one, parts) for one in predicate.of])


def _not(predicate: Not, parts: list[Any]) -> Shape:
    parts.append(predicate)
    return "not", _SHAPES[type(predicate.inner)](predicate.inner, parts)


_SHAPES: Final[dict[type[Any], Callable[[Any, list[Any]], Shape]]] = {
    Tokens: _tokens,
    References: _references,
    Strings: _strings,
    Terms: _terms,
    Dates: _spans,
    Quantities: _spans,
    Updated: _updated,
    Near: _named,
    Ids: _bare,
    Listed: _bare,
    Nothing: _bare,
    Visible: _bare,
    OfTypes: _whole,
    Missing: _whole,
    Words: _whole,
    Chain: _chain,
    Has: _has,
    AnyOf: _group,
    AllOf: _group,
    Not: _not,
}
