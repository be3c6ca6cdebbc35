"""SearchParameters that operators add: which can be in force, which are, and what a change of them means for the index.

One is in force while its status is `active`. It never takes the place of R4's own. One that says what is in force
already (guides publish R4's `source` of List again) is kept and changes nothing; one with the URL of a national
parameter that is shipped takes the place of that.

https://hl7.org/fhir/R4/searchparameter.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from fhir_server.definitions.catalogue import (
    national_search_parameters,
    resource_types,
    search_parameters,
)
from fhir_server.definitions.parameters import CORE, Parameter, Parameters, is_r4, routes, types_of
from fhir_server.fhirpath.errors import NotAnExpression
from fhir_server.fhirpath.parser import parse
from fhir_server.kernel.errors import Conflict, FhirError, Invalid
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.writers import is_indexed

KINDS: Final = ("token", "string", "date", "reference", "uri", "number", "quantity")
_ABSTRACT: Final = frozenset({"Resource", "DomainResource"})
# `.` and `:` mean something in a search; with `-` begin those that a server has of its own, as R4 advises.
_CODE: Final = re.compile(r"-?[A-Za-z][A-Za-z0-9_\-]{0,62}\Z")

_log = logging.getLogger(__name__)

_Taken = dict[tuple[str, str], Parameter]  # type and code, whose case tells no two apart → who has it


@immutable
class Change:
    """What becomes of the index. `types`: whose rows change → the parameters to be indexed, of which there may be none.

    `exact`: there are rows that should not be there any more.
    """

    types: Mapping[str, frozenset[str]]
    exact: bool


def is_active(definition: Tree) -> bool:
    """Whether a SearchParameter, a valid resource, wants to be in force; a copy of one of R4's own need not.

    Raises `Invalid` when it has the URL of one of R4's own and says something else.
    """
    if definition.get("status") != "active":
        return False
    own = _r4().get(definition.get("url", ""))
    if own is None:
        return True
    if any(definition.get(name) != own.get(name) for name in ("code", "type", "expression")):
        raise Invalid(
            [
                Issue(
                    "business-rule",
                    "This URL is R4's own, and what it names is another",
                    "SearchParameter.url",
                )
            ]
        )
    return False


@cache
def _r4() -> Mapping[str, Tree]:
    return {definition["url"]: definition for definition in search_parameters() if is_r4(definition["url"])}


def require_admissible(definition: Tree, others: Mapping[str, Tree]) -> None:
    """Refuse an active SearchParameter, a valid resource, that cannot be in force beside the `others`, by id, that are.

    Raises `Invalid` or `Conflict`.
    """
    taken: _Taken = {}
    for _ in _admitted(others, taken):
        pass
    _admit(definition, taken)


def in_force(active: Mapping[str, Tree]) -> tuple[Tree, ...]:
    """Those of the active SearchParameters, by id, that add something: what `Parameters` takes.

    One that could be in force when it was written, and cannot with this version of the server, is left out.
    """
    return tuple(_admitted(active, {}))


def change_of(before: Mapping[str, Tree], after: Mapping[str, Tree]) -> Change:
    """What changes with the active SearchParameters. No types: nothing does."""
    old, new = in_force(before), in_force(after)
    moved = [definition for definition in (*old, *new) if definition not in old or definition not in new]
    urls = {definition["url"] for definition in moved}
    moved += [definition for definition in national_search_parameters() if definition["url"] in urls]
    was, becomes = Parameters(old), Parameters(new)
    types = {}
    exact = False
    for name in sorted(types_of(base for definition in moved for base in definition["base"])):
        one, other = was.of(name), becomes.of(name)
        gone = {code for code in one if code not in other}
        differ = {code for code in other if code not in one or not _equal(one[code], other[code])}
        if gone or differ:
            types[name] = frozenset(differ)
        # A new link takes what it leads to, of the contained resources, from those that nothing leads to.
        exact = exact or bool(gone) or any(code in one or other[code].kind == "reference" for code in differ)
    return Change(types, exact)


def _admitted(active: Mapping[str, Tree], taken: _Taken) -> Iterator[Tree]:
    for name in sorted(active):
        try:
            if _admit(active[name], taken):
                yield active[name]
        except FhirError as error:
            _log.warning("SearchParameter/%s is not in force: %s", name, error)


def _admit(definition: Tree, taken: _Taken) -> bool:
    """Let a definition have what is still free; False when nothing is. Raises `Invalid` or `Conflict`."""
    if issues := list(_issues(definition)):
        raise Invalid(issues)
    free = []
    for parameter in _parameters(definition):
        place = _place(parameter)
        there = taken.get(place) or _core(parameter.type).get(place[1])
        if there is None or (there.url == parameter.url and place not in taken and not is_r4(there.url)):
            free.append(parameter)
        elif not _same(there, parameter):
            raise _refusal(there)
    taken.update({_place(parameter): parameter for parameter in free})
    return bool(free)


def _place(parameter: Parameter) -> tuple[str, str]:
    return parameter.type, parameter.code.casefold()


@cache
def _core(resource_type: str) -> Mapping[str, Parameter]:
    return {code.casefold(): parameter for code, parameter in CORE.of(resource_type).items()}


def _refusal(there: Parameter) -> FhirError:
    text = f"{there.type} has a search parameter '{there.code}' already: {there.url}"
    if is_r4(there.url):
        issue = Issue(
            "business-rule", f"{text}, R4's own. Another code would be right", "SearchParameter.code"
        )
        return Invalid([issue])
    return Conflict(f"{text}. Another code would be right", "SearchParameter.code", code="duplicate")


def _issues(definition: Tree) -> Iterator[Issue]:
    """What keeps a definition from being in force, whatever else is."""
    unsaid = [name for name in ("url", "code", "type") if name not in definition]
    if unsaid:  # in a valid resource, an extension stands in the place of each
        for name in unsaid:
            yield Issue(
                "required",
                f"What can be searched by has a '{name}', and not only extensions of it",
                f"SearchParameter.{name}",
            )
        return
    if not _CODE.match(definition["code"]):
        yield Issue(
            "value",
            "The code of a search parameter is part of URLs: letters, digits, '-' and '_', beginning with a letter,"
            " or with '-' before it, would be right",
            "SearchParameter.code",
        )
    if definition["type"] not in KINDS:
        yield Issue(
            "not-supported",
            f"This server takes search parameters of the types {', '.join(KINDS)}; composite and special ones are "
            "answered where R4 itself defines them",
            "SearchParameter.type",
        )
    elif not definition.get("expression"):
        yield Issue(
            "required",
            "A FHIRPath expression says where the values are: without one nothing can be searched",
            "SearchParameter.expression",
        )
    else:
        yield from _unreadable(definition)


def _unreadable(definition: Tree) -> Iterator[Issue]:
    for place, base in enumerate(definition["base"]):
        if base not in resource_types() and base not in _ABSTRACT:
            yield Issue("value", "Not a resource type of R4", f"SearchParameter.base[{place}]")
    for place, target in enumerate(definition.get("target", ())):
        if target is None:  # an extension stands in its place
            yield Issue("value", "Not a resource type of R4", f"SearchParameter.target[{place}]")
            return
    try:
        parse(definition.get("expression", "{}"))
    except NotAnExpression as error:
        yield Issue("invalid", str(error), "SearchParameter.expression")
        return
    for parameter in _parameters(definition):
        if not is_indexed(parameter):
            yield Issue(
                "not-supported",
                f"On {parameter.type} this expression gives no value that a {parameter.kind} parameter can have",
                "SearchParameter.expression",
            )
            return


def _parameters(definition: Tree) -> Iterator[Parameter]:
    """The parameter that a definition is of each of its types."""
    for name in sorted(types_of(definition["base"])):
        targets = definition.get("target") or resource_types() if definition["type"] == "reference" else ()
        yield Parameter(
            name,
            definition["code"],
            definition["type"],
            definition.get("expression", ""),
            tuple(sorted(targets)),
            definition["url"],
            definition["code"],
        )


def _same(one: Parameter, other: Parameter) -> bool:
    """Whether two parameters of a type have the same values, whatever targets they are said to have."""
    return one.kind == other.kind and _ways(one) == _ways(other)


def _equal(one: Parameter, other: Parameter) -> bool:
    """Whether the same rows serve."""
    return _same(one, other) and one.rows == other.rows


def _ways(parameter: Parameter) -> object:
    return frozenset(routes(parameter)) or "".join(parameter.expression.split())
