"""Everything that decides about a request, as one value that the interactions ask.

https://hl7.org/fhir/R4/security.html#authorization
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from fhir_server.access import labels
from fhir_server.access.announcing import announcement_of
from fhir_server.access.caller import Caller
from fhir_server.access.cells import PARTIES
from fhir_server.access.decisions import Decision
from fhir_server.access.facts import Facts
from fhir_server.access.grants import Grants
from fhir_server.access.levels import levels_from
from fhir_server.access.linking import may_link
from fhir_server.access.links import links_of
from fhir_server.access.policy import Policy
from fhir_server.access.stamps import stamp_of
from fhir_server.access.standing import Write
from fhir_server.access.strictest import strictest
from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import CORE
from fhir_server.definitions.targets import local_key
from fhir_server.kernel.errors import Forbidden, level_challenge
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.query import AllOf, Nothing, Predicate
from fhir_server.search.scopes import scope_of
from fhir_server.search.sight import Link, Stamp
from fhir_server.search.view import View

_SOURCES: Final = {"Provenance": "target", "Media": "partOf"}


class Denied(Forbidden):
    """A refusal by one of the gates. The trace names it, and the `persons` whom the act was about."""

    def __init__(self, decision: Decision, persons: Sequence[Key] = ()) -> None:
        super().__init__(
            f"This is not allowed here: {decision.rule}",
            french=f"Ceci n'est pas autorisé ici\u202f: {decision.rule}",
        )
        self.decision = decision
        self.persons = tuple(persons)
        if decision.level:
            self.challenge = level_challenge(str(self), levels_from(decision.level, {}))


def require(decision: Decision, persons: Sequence[Key] = ()) -> None:
    """Raises `Denied` for a refusal. `persons`: whom the act is about."""
    if not decision.allowed:
        raise Denied(decision, persons)


_TYPES: Final = tuple(sorted(resource_types()))


@dataclass(frozen=True, slots=True)
class Authority:
    """`policy`: what the law, the matrix and the consents give."""

    policy: Policy

    def stamp_of(
        self,
        tree: Tree,
        *,
        creator: Caller | None = None,
        previous: Stamp | None = None,
        inherited: Sequence[Stamp] = (),
        bases: tuple[str, ...] = (),
    ) -> Stamp:
        """What decides who sees a version: see `stamps.stamp_of`."""
        policy = self.policy
        return stamp_of(
            tree,
            policy.cells,
            policy.tables,
            creator=creator,
            previous=previous,
            inherited=inherited,
            bases=bases,
        )

    def labelled(
        self,
        tree: Tree,
        before: Tree | None,
        writer: Caller | None,
        bases: tuple[str, ...],
        *,
        lifting: bool = False,
    ) -> Tree:
        """The resource with its category and its labels, as it is stored. See `labels.stamped`."""
        return labels.stamped(
            tree, self.policy.tables, old=before, caller=writer, lifting=lifting, bases=bases
        )

    def may_label(
        self,
        before: Tree | None,
        tree: Tree,
        writer: Caller,
        stamp: Stamp,
        after: Stamp,
        links: Sequence[Link],
        now: int,
    ) -> Decision:
        """Whether the labels that differ may be set and lifted by who writes, and who comes to be an author.

        `stamp`: of the version before, or of one that is new; `after`: of the new version. See `labels.judge`.
        """
        authors = labels.judge_authors(before, writer, stamp, after)
        if not authors.allowed:
            return authors
        return labels.judge(before, tree, writer, stamp, links, now, self.policy.tables)

    def sources_of(self, tree: Tree, bases: tuple[str, ...]) -> tuple[Key, ...]:
        """The resources whose stamps a resource takes: the targets of a Provenance, what a Media belongs to."""
        paths = _SOURCES.get(tree["resourceType"])
        if paths is None:
            return ()
        references = tree.get(paths, ())
        found = [local_key(one.get("reference", ""), bases) for one in references if isinstance(one, dict)]
        return tuple(dict.fromkeys(key for key in found if key is not None))

    def behind(self, stamp: Stamp, referrer: Stamp) -> Stamp:
        """The stamp of what stands behind a resource that refers to it: the strictest of all that ever did.

        Until something refers to it, it is its creator's alone.
        """
        if stamp.cell == PARTIES and not stamp.persons:
            return referrer
        return strictest((stamp, referrer), self.policy.cells)

    def links_of(self, facts: Facts, now: int) -> tuple[Link, ...]:
        """The ties that follow from what is known of a person."""
        return links_of(facts, self.policy.cells, now)

    def require_tying(
        self, caller: Caller, before: Facts, later: Facts, writes: Sequence[Write], now: int
    ) -> None:
        """Raises `Denied` when these writes open what is not the caller's to open."""
        require(may_link(caller, writes, before, later, self.policy.cells, now), (before.person,))

    def announcement_of(
        self, caller: Caller, before: Facts, later: Facts, writes: Sequence[Write], id: str, now: int
    ) -> Tree | None:
        """What the person and those who answer for the circle are to be told of these writes."""
        if caller.kind == "anyone":
            return None
        return announcement_of(writes, before, later, caller, self.policy.cells, id, now)

    def permits(self, caller: Caller, type: str, letter: str) -> bool:
        """Whether the client may do this with a type at all. `letter`: of create, read, update, delete or search."""
        if caller.grants is None:
            return True
        permitted = self._known(caller).permitted
        asked = type, letter
        found = permitted.get(asked)
        if found is None:
            found = permitted[asked] = caller.grants.permits(type, letter)
        return found

    def view_of(self, caller: Caller) -> View | None:
        """What the caller may see whenever it is asked; None: everything."""
        return self._known(caller).view

    def _known(self, caller: Caller) -> _Known:
        # Whoever has asked before is the same object, known by their token: that is found faster than who is equal.
        known: _Known | None = caller.made.get(Authority)
        if known is None or known.policy is not self.policy:
            known = caller.made[Authority] = _Known(self.policy, _view_of(self.policy, caller))
        return known


@dataclass(slots=True)
class _Known:
    """What was found out about a caller under a policy."""

    policy: Policy
    view: View | None
    permitted: dict[tuple[str, str], bool] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def _view_of(policy: Policy, caller: Caller) -> View | None:
    sight = policy.sight_of(caller)
    if sight is None:
        return None
    if caller.grants is None:
        return View(sight)
    return View(sight, *_granted(caller.grants, caller.patient))


@lru_cache(maxsize=4096)
def _granted(grants: Grants, patient: Key | None) -> tuple[frozenset[str] | None, Mapping[str, Predicate]]:
    """The types that a client may read, and what it may read of them."""
    types = frozenset(one for one in _TYPES if grants.permits(one, "r") or grants.permits(one, "s"))
    among = {one: found for one in types if (found := _part(one, grants, patient)) is not None}
    return None if len(types) == len(_TYPES) else types, among


def _part(type: str, grants: Grants, patient: Key | None) -> Predicate | None:
    """What a client may read of a type; None: all of it. Scopes of `patient/` grant the record of one person."""
    found = grants.among(type)
    if not (grants.of_patient(type, "r") or grants.of_patient(type, "s")):
        return found
    if patient is None:
        return Nothing()
    within = scope_of(type, patient, (), CORE).within
    if within is None or isinstance(within, Nothing):  # a type of no compartment: directories, definitions
        return found
    return within if found is None else AllOf((within, found))
