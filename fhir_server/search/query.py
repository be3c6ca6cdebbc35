"""A search as a value: a small tree of predicates over entries, with how to order and cut the result.

Made by `parse.py`, judged by `match.py`, compiled to SQL by `store/compile.py`. Values are parsed (spans, folded text,
split tokens) but not hashed: a query means the same for every database.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal, TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.search.sight import Sight

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]


@immutable
class Name:
    """A search parameter of a type: `Name("Patient", "family")`. Some names are no parameters of R4, only rows:

    - `Name("Condition", "code:text")`: the words beside a code, for `:text`;
    - `Name("Patient", "family:parts")`: what begins with the second, third … word of a family name;
    - `Name("Patient", "identifier:of-type")`: an identifier's type and value, for `:of-type`;
    - `Name("Observation", "subject:identifier")`: the identifier in a reference, for `:identifier`;
    - `Name("Observation", "code-value-quantity$8480-6")`: the second component of a composite, where the first is
      this code (folded like the code of a token);
    - `Name("CarePlan.care-team#CareTeam", "participant")`: `participant` of a CareTeam that a CarePlan contains and
      points to by `care-team`; `Name("CarePlan.#CareTeam", ...)`: of one that no parameter points to.
    """

    type: str
    code: str


@immutable
class TokenValue:
    """`code` None: any code of the system (`system|`). `system` None: any system; empty: explicitly none (`|code`).

    `folded`: the code is in lower case and stands for every way to write it (`search/cases.py` says which systems).
    """

    system: str | None
    code: str | None
    folded: bool = False


@immutable
class Tokens:
    """Any of the values. Also uris, as `TokenValue(None, uri)`."""

    name: Name
    values: tuple[TokenValue, ...]


@immutable
class References:
    """Points to any of the local keys, or of the other texts: versions of what is local, relative; else verbatim."""

    name: Name
    keys: tuple[Key, ...]
    others: tuple[str, ...] = ()


@immutable
class StringValue:
    """`text` is folded unless `mode` is exact. `is`: the whole value, folded.

    Only `_filter` asks for that and for `ends`.
    """

    text: str
    mode: Literal["starts", "contains", "exact", "is", "ends"] = "starts"


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
class QuantityValue:
    """Compare with a number: exactly with `value`, or as its written precision (or `ap`) has it with [low, high).

    `unit` is empty for the bare number in whatever unit, else what `search/units.py` calls the unit, which the three
    numbers are in.
    """

    prefix: Prefix
    value: float
    low: float
    high: float
    unit: str = ""


@immutable
class Quantities:
    """Any of the values. Also numbers, whose unit is empty."""

    name: Name
    values: tuple[QuantityValue, ...]


@immutable
class Terms:
    """Any of the texts, in the dictionary of a name: the words beside codes (`:text`), uris (`:below`)."""

    name: Name
    values: tuple[StringValue, ...]


@immutable
class Near:
    """A position at most `metres` from here, along a great circle. Degrees."""

    name: Name
    latitude: float
    longitude: float
    metres: float


@immutable
class Words:
    """`_text` (the narrative) or `_content` (all of the resource) has the words, however they are inflected."""

    part: Literal["narrative", "content"]
    text: str


@immutable
class Updated:
    """`_lastUpdated`: as Dates, on the resource's stamp (a point, in milliseconds)."""

    values: tuple[DateValue, ...]


@immutable
class Ids:
    """`_id`: any of these."""

    ids: tuple[str, ...]


@immutable
class OfTypes:
    """The resource has one of these types. Only searches of several types ask."""

    types: tuple[str, ...]


@immutable
class Missing:
    name: Name
    missing: bool


@immutable
class Coded:
    """A token that terminology must be asked about; `search/terms.py` turns it into `Tokens` before any store sees it.

    `relation` in: `code` is the URL of a value set; `key`: that of the stored one that it may be the address of. below,
    above: the code itself, those it subsumes, or is by.
    """

    name: Name
    relation: Literal["in", "below", "above"]
    system: str | None
    code: str
    key: Key | None = None


@immutable
class Chain:
    """The reference `link` leads to a stored resource of type `target` that meets `inner`."""

    link: Name
    target: str
    inner: Predicate


@immutable
class Has:
    """`_has`: a stored resource of type `link.type` points here with `link`, and meets `inner`."""

    link: Name
    inner: Predicate


@immutable
class Listed:
    """`_list`: an entry of the List `key` that is not marked as deleted points here."""

    key: Key


@immutable
class AnyOf:
    of: tuple[Predicate, ...]


@immutable
class AllOf:
    of: tuple[Predicate, ...]


@immutable
class Not:
    """`:not`: the resource has no entry that the inner predicate accepts (also when it has none at all)."""

    inner: Predicate


@immutable
class Visible:
    """Whoever has the `sight` of the query sees the resource. `search/view.py` puts it wherever a query goes."""


@immutable
class Nothing:
    """No resource: what an impossible criterion comes down to."""


Predicate: TypeAlias = (
    Tokens
    | References
    | Strings
    | Dates
    | Quantities
    | Terms
    | Near
    | Words
    | Updated
    | Ids
    | OfTypes
    | Missing
    | Coded
    | Chain
    | Has
    | Listed
    | AnyOf
    | AllOf
    | Not
    | Visible
    | Nothing
)


@immutable
class Sort:
    """By a date (low ascending, high descending), a number (likewise), a folded string, or a text.

    A text is what a token (its code, an identifier's value), a reference or a uri has as written; it is read from the
    body. Of several values the one that comes first counts. Absent values come last, in both directions.
    """

    kind: Literal["id", "updated", "date", "string", "number", "text"]
    name: Name | None  # None for id and updated
    descending: bool = False


@immutable
class Include:
    """`_include=Observation:subject:Patient` or, reverse, `_revinclude`. `target` empty: any type."""

    name: Name
    target: str = ""
    reverse: bool = False
    iterate: bool = False


@immutable
class Query:
    """All of `where` on resources of `types`; `()` of sort means: whatever order is cheapest, yet stable."""

    types: tuple[str, ...]  # (): any type
    where: tuple[Predicate, ...] = ()
    sort: tuple[Sort, ...] = ()
    count: int = 20  # page size; 0: only the total
    cursor: str = ""  # where the page starts: opaque, made by the store
    total: Literal["none", "estimate", "accurate"] | None = None  # None: exact when cheap, else absent
    includes: tuple[Include, ...] = ()
    sight: Sight | None = None  # who asks; None: nothing is hidden
    # What others have made of it: the same search comes again and again. `replace` leaves it behind.
    made: dict[object, Any] = field(init=False, default_factory=dict, hash=False, compare=False, repr=False)
