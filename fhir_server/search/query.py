"""A search as a value: a small tree of predicates over entries, with how to order and cut the result.

Made by `parse.py`, judged by `match.py`, compiled to SQL by `store/compile.py`. Values are parsed (spans, folded text,
split tokens) but not hashed: a query means the same for every database.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]


@immutable
class Name:
    """A search parameter of a type: `Name("Patient", "family")`."""

    type: str
    code: str


@immutable
class TokenValue:
    """`code` None: any code of the system (`system|`). `system` None: any system; empty: explicitly none (`|code`)."""

    system: str | None
    code: str | None


@immutable
class Tokens:
    """Any of the values. Also uris, as `TokenValue(None, uri)`."""

    name: Name
    values: tuple[TokenValue, ...]


@immutable
class References:
    """Points to any of the local keys, or of the other texts (absolute or logical references, verbatim)."""

    name: Name
    keys: tuple[Key, ...]
    others: tuple[str, ...] = ()


@immutable
class StringValue:
    """`text` is folded unless `mode` is exact."""

    text: str
    mode: Literal["starts", "contains", "exact"] = "starts"


@immutable
class Strings:
    name: Name
    values: tuple[StringValue, ...]


@immutable
class DateValue:
    """Compare with the span [low, high) in µs since 1970."""

    prefix: Prefix
    low: int
    high: int


@immutable
class Dates:
    name: Name
    values: tuple[DateValue, ...]


@immutable
class Updated:
    """`_lastUpdated`: as Dates, on the resource's stamp (a point, in milliseconds)."""

    values: tuple[DateValue, ...]


@immutable
class Ids:
    """`_id`: any of these."""

    ids: tuple[str, ...]


@immutable
class Missing:
    name: Name
    missing: bool


@immutable
class Not:
    """`:not`: the resource has no entry that the inner predicate accepts (also when it has none at all)."""

    inner: Predicate


@immutable
class Nothing:
    """No resource: what an impossible criterion comes down to."""


Predicate: TypeAlias = Tokens | References | Strings | Dates | Updated | Ids | Missing | Not | Nothing


@immutable
class Sort:
    """`kind` date: by low ascending, by high descending; string: by folded text. Absent values come last."""

    kind: Literal["id", "updated", "date", "string", "token", "number", "quantity", "reference", "uri"]
    name: Name | None  # None for id and updated
    descending: bool = False


@immutable
class Query:
    """All of `where` on resources of `type`; `()` of sort means: whatever order is cheapest, yet stable."""

    type: str
    where: tuple[Predicate, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20  # page size; 0: only the total
    cursor: str = ""  # where the page starts: opaque, made by the store
    total: Literal["none", "estimate", "accurate"] | None = None  # None: exact when cheap, else absent
    includes: tuple[Include, ...] = ()


@immutable
class Include:
    """`_include=Observation:subject:Patient` or, reverse, `_revinclude`. `target` empty: any type."""

    name: Name
    target: str = ""
    reverse: bool = False
    iterate: bool = False
