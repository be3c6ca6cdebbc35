"""What a client may do at all: the scopes of its token, version 2 or 1, as a value.

`patient/Observation.rs?category=laboratory` has a context, a type or `*`, letters of `cruds`, and criteria that narrow
it; several scopes together grant what any of them grants. Scopes only take away: what a person may see is asked of the
policy as well. What cannot be read grants nothing, and is listed.

https://hl7.org/fhir/smart-app-launch/STU2.2/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal, get_args

from fhir_server.definitions.catalogue import resource_types
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.values import immutable
from fhir_server.search.forms import pairs
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import AllOf, AnyOf, Nothing, Predicate

Context = Literal["patient", "user", "system"]
CONTEXTS: Final[tuple[Context, ...]] = get_args(Context)
LETTERS: Final = "cruds"

MOST_SCOPES: Final = 200  # of one token; what is beyond grants nothing

_SCOPE: Final = re.compile(
    r"(?P<context>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]*)\."
    r"(?:(?P<v1>read|write|\*)|(?P<letters>(?=[cruds])c?r?u?d?s?)(?:\?(?P<criteria>[^?]+))?)\Z"
)
_V1: Final = {"read": "rs", "write": "cud", "*": LETTERS}
# Scopes that say who logs in and how the client starts; they grant no resource.
_LAUNCH: Final = frozenset(
    {"openid", "profile", "fhirUser", "launch", "offline_access", "online_access", "smart/orchestrate_launch"}
)
# A parameter of the resource itself: what a chain leads to, or a value set holds, may change behind the token's back.
_PLAIN: Final = re.compile(r"[a-z][a-z0-9-]*\Z")


def context_of(kind: str) -> Context:
    """Of which scopes grant a caller of this kind what they do for themselves."""
    return "system" if kind in {"system", "operator"} else "user"


@immutable
class Grant:
    """One scope. `type` may be `*`; `criteria`: the text behind `?`, empty: no restriction."""

    context: Context
    type: str
    letters: str
    criteria: str = ""

    def covers(self, resource_type: str, letter: str) -> bool:
        return letter in self.letters and self.type in {"*", resource_type}

    def __str__(self) -> str:
        end = f"?{self.criteria}" if self.criteria else ""
        return f"{self.context}/{self.type}.{self.letters}{end}"


@immutable
class Grants:
    """What the scopes of one token grant. `ignored`: scopes that nobody here knows."""

    of: tuple[Grant, ...] = ()
    ignored: tuple[str, ...] = ()

    def permits(self, resource_type: str, letter: str) -> bool:
        """Whether the client may do this at all: `letter` is one of create, read, update, delete, search."""
        return any(grant.covers(resource_type, letter) for grant in self.of)

    def among(self, resource_type: str, letters: str = "rs") -> Predicate | None:
        """What the resources of a type must meet for the client to do this with them; None: nothing more.

        Of several letters, those that are granted all count: what may be read and what may be found is then the same.
        """
        asked = [letter for letter in letters if self.permits(resource_type, letter)]
        if not asked:
            return Nothing()
        each = {self._alternatives(resource_type, letter) for letter in asked}
        found = [_any_of(resource_type, texts) for texts in sorted(each) if "" not in texts]
        if not found:
            return None
        return found[0] if len(found) == 1 else AllOf(tuple(found))

    def of_patient(self, resource_type: str, letter: str) -> bool:
        """Whether only scopes of `patient/` grant it: then of the patient that the client was launched for alone."""
        contexts = {grant.context for grant in self.of if grant.covers(resource_type, letter)}
        return contexts == {"patient"}

    @property
    def patient(self) -> bool:
        """Whether all that is granted is of one patient."""
        return bool(self.of) and all(grant.context == "patient" for grant in self.of)

    def within(self, contexts: Iterable[Context]) -> Grants:
        """What is left for a caller of these contexts: `system/` grants a person nothing, nor `user/` a system."""
        kept = frozenset(contexts)
        return Grants(tuple(grant for grant in self.of if grant.context in kept), self.ignored)

    def meet(self, other: Grants) -> Grants:
        """What both grant."""
        both = [_meet(mine, theirs) for mine in self.of for theirs in other.of]
        return Grants(tuple(dict.fromkeys(grant for grant in both if grant is not None)), self.ignored)

    def _alternatives(self, resource_type: str, letter: str) -> tuple[str, ...]:
        return tuple(sorted({grant.criteria for grant in self.of if grant.covers(resource_type, letter)}))

    def __str__(self) -> str:
        return " ".join(str(grant) for grant in self.of)


@lru_cache(maxsize=1024)
def grants_of(scope: str) -> Grants:
    """The grants of the `scope` of a token: scopes, separated by spaces."""
    grants: dict[Grant, None] = {}
    ignored: list[str] = []
    for place, text in enumerate(scope.split()):
        if text in _LAUNCH or text.startswith("launch/"):
            continue
        grant = _grant(text) if place < MOST_SCOPES else None
        if grant is None:
            ignored.append(text)
        else:
            grants[grant] = None
    return Grants(tuple(grants), tuple(ignored))


def _grant(text: str) -> Grant | None:
    match = _SCOPE.match(text)
    if match is None or (match["type"] != "*" and match["type"] not in resource_types()):
        return None
    letters = _V1[match["v1"]] if match["v1"] else match["letters"]
    grant = Grant(_context(match["context"]), match["type"], letters, match["criteria"] or "")
    return grant if not grant.criteria or _is_readable(grant) else None


def _context(text: str) -> Context:
    return next(context for context in CONTEXTS if context == text)


def _is_readable(grant: Grant) -> bool:
    try:
        names = [name for name, _ in pairs(grant.criteria)]
    except Malformed:
        return False
    if not names or not all(_PLAIN.match(name) for name in names):
        return False
    return grant.type == "*" or not isinstance(_predicate(grant.type, grant.criteria), Nothing)


@lru_cache(maxsize=4096)
def _predicate(resource_type: str, criteria: str) -> Predicate:
    """The criteria as a search of the type; nothing, if the type has no such parameter."""
    try:
        where = criteria_of(resource_type, criteria).where
    except Malformed:
        return Nothing()
    return where[0] if len(where) == 1 else AllOf(where)


def _any_of(resource_type: str, texts: tuple[str, ...]) -> Predicate:
    found = [_predicate(resource_type, text) for text in texts]
    kept = tuple(predicate for predicate in found if not isinstance(predicate, Nothing))
    if not kept:
        return Nothing()
    return kept[0] if len(kept) == 1 else AnyOf(kept)


def _meet(one: Grant, other: Grant) -> Grant | None:
    if one.context != other.context or (one.type != other.type and "*" not in {one.type, other.type}):
        return None
    letters = "".join(letter for letter in LETTERS if letter in one.letters and letter in other.letters)
    if not letters:
        return None
    # Criteria side by side must all be met, as in a search.
    criteria = "&".join(dict.fromkeys(text for text in (one.criteria, other.criteria) if text))
    return Grant(one.context, other.type if one.type == "*" else one.type, letters, criteria)
