"""The access policy: what a caller sees, what they may write, and why.

A decision names the gate that refused, in the order of the gates, or that allowed. What `decision_of` says of a read is
what `search/sight.py` does; a property test holds the two together. Whom a write that makes links admits is decided by
the closed table of who may create one, which is asked besides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import Final, Literal

from fhir_server.access.caller import Caller
from fhir_server.access.categories import ACTORS, DEFINITIONS, PRODUCTS
from fhir_server.access.cells import PARTIES, Cells, Part
from fhir_server.access.decisions import (
    CONSENT,
    LABELS,
    LINK,
    MATRIX,
    WHO,
    WRITING,
    Decision,
    allowed,
    refused,
)
from fhir_server.access.matrix import Matrix, shipped_matrix
from fhir_server.access.roles import DIRECTORY, OPERATOR, PERSON, TRACE_FEEDER
from fhir_server.access.tables import Tables, shipped_tables
from fhir_server.access.worth import KEPT, Row, Worth, worth_of
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import HIDING, OPERATORS, PUBLIC, Label, Link, Sight, Span, Stamp

Action = Literal["read", "create", "update", "delete"]

# A DELETE of one's own of these is a change of status; of anything else it is refused.
DELETABLE: Final = frozenset({"DocumentReference", "Slot", "Appointment", "Subscription"})
# What a secretary makes in the name of the one who signs.
_DICTATED: Final = frozenset({"Appointment", "Binary", "Composition", "DocumentReference"})
_NEVER_DICTATED: Final = ("consentement", "message", "trace")
# What comes into being together with a person: who they are, and what links somebody to them.
_WITH_A_PERSON: Final = ("identite", "coordination", "projet", "sante")
_LINKING: Final = frozenset({"Patient", "RelatedPerson", "CareTeam", "EpisodeOfCare", "Encounter"})


_AGENDA: Final = ("coordination",)


class Policy:
    """The matrix, the numbering of cells and the tables in force. Never changed: others are another policy."""

    def __init__(self, matrix: Matrix, cells: Cells, tables: Tables, released: Collection[Key] = ()) -> None:
        """`released`: organisations that show the person the notes labelled `interne-structure`."""
        self.released = tuple(sorted(released))
        self.matrix = matrix
        self.cells = cells
        self.tables = tables
        self._worths: dict[tuple[object, ...], Worth] = {}

    def sight_of(self, caller: Caller, now: int | None = None) -> Sight | None:
        """What a caller sees; None: everything, on a server without authentication.

        `now`: µs; None: whenever the sight is asked about.
        """
        if caller.kind == "anyone":
            return None
        worth = self._worth(caller)
        return Sight(
            actors=_actors(caller),
            full=worth.full,
            named=worth.named,
            least=worth.least,
            own=worth.own,
            shows=worth.shows,
            opens=worth.opens,
            sensitive=self.cells.sensitive,
            unlinked=worth.unlinked,
            kept=worth.kept,
            now=now,
            released=self._released(caller),
        )

    def may_create(
        self,
        caller: Caller,
        stamp: Stamp,
        links: Collection[Link],
        now: int,
        *,
        type: str = "",
        born: Collection[Key] = (),
    ) -> Decision:
        """Whether a caller may create a resource of a type that would have this stamp.

        `links`: those of its persons before the transaction. `born`: persons whom the transaction itself creates, and
        whom the caller may create; with them come a circle, a stay or a record.
        """
        if caller.kind == "anyone":
            return allowed(WHO, "no authentication")
        worth = self._worth(caller)
        if TRACE_FEEDER in caller.roles and type == "AuditEvent":
            return allowed(WRITING, "a trace feeder")
        if stamp.cell in {PUBLIC, OPERATORS}:
            return self._of_nobody(caller, stamp, worth, type, new=True)
        if not (worth.untied.create | worth.untied.act):
            return refused(WHO, "no role of the matrix creates anything")
        name, cell = self.cells.name(stamp.cell), 1 << stamp.cell
        if not stamp.persons:
            if not (1 << PARTIES | self.cells.bits(KEPT) | self.cells.bits(_AGENDA, Part.AGENDA)) & cell:
                return refused(LINK, f"{name}: about nobody")
            if stamp.cell == PARTIES or worth.untied.create & cell:
                return allowed(MATRIX, f"{name}: create")
            return refused(MATRIX, f"{name}: create")
        decision = refused(LINK, "no link to the person")
        for person in stamp.persons:
            if person in born:
                decision = self._of_the_born(stamp, worth, type)
            else:
                decision = self._create_for(caller, stamp, _of(person, links, caller, now), worth, type)
            if not decision.allowed:
                break
        return decision

    def may_update(
        self,
        caller: Caller,
        stamp: Stamp,
        links: Collection[Link],
        now: int,
        *,
        type: str = "",
        after: Stamp | None = None,
    ) -> Decision:
        """Whether a caller may update what has this stamp. What they do not see is refused by the gate that hides it.

        `after`: the stamp that it would have; what comes to be of another category or person must be theirs to create.
        """
        decision = self.decision_of(caller, stamp, links, "read", now)
        if not decision.allowed or caller.kind == "anyone":
            return decision
        decision = self._update(caller, stamp, links, now, type)
        if not decision.allowed or after is None:
            return decision
        if after.cell != stamp.cell or not set(after.persons) <= set(stamp.persons):
            decision = self.may_create(caller, after, links, now, type=type)
        elif self._given_away(caller, stamp, after, links, now):
            decision = refused(WRITING, "plan: an owner does not hand over an action")
        return decision

    def may_delete(
        self, caller: Caller, stamp: Stamp, links: Collection[Link], now: int, *, type: str = ""
    ) -> Decision:
        """Whether a caller may delete: one's own note, slot, appointment or subscription, as a change of status."""
        decision = self.decision_of(caller, stamp, links, "read", now)
        if not decision.allowed or caller.kind == "anyone":
            return decision
        if type in ACTORS | PRODUCTS:
            # Whether anything refers to them is not the caller's to know.
            return refused(WRITING, "an actor or a product is retired, and stays")
        if stamp.cell in {PUBLIC, OPERATORS}:
            return self._of_nobody(caller, stamp, self._worth(caller), type, new=False)
        noted = self.cells.bits(("liaison",)) | self.cells.bits(("coordination",), Part.NOTE)
        if type not in DELETABLE or (type == "DocumentReference" and not noted >> stamp.cell & 1):
            return refused(WRITING, "deleting is a change of status")
        if not _is_in(caller, stamp.authors):
            return refused(WRITING, f"{self.cells.name(stamp.cell)}: not the author")
        return allowed(WRITING, "one's own")

    def decision_of(
        self,
        caller: Caller,
        stamp: Stamp,
        links: Collection[Link],
        action: Action,
        now: int,
        *,
        type: str = "",
        dates: Collection[Span] = (),
    ) -> Decision:
        """Whether a caller may do something, with the gate and the rule that decided.

        `dates`: the main ones of what is read. A link that is about data of some time lets nobody write.
        """
        match action:
            case "create":
                return self.may_create(caller, stamp, links, now, type=type)
            case "update":
                return self.may_update(caller, stamp, links, now, type=type)
            case "delete":
                return self.may_delete(caller, stamp, links, now, type=type)
        return self._read(caller, stamp, links, now, dates)

    def _released(self, caller: Caller) -> tuple[Key, ...]:
        """Whose working notes are shown to a caller besides: to the person alone, and not to who represents them."""
        return self.released if caller.kind == "citizen" and PERSON in caller.roles else ()

    def _worth(self, caller: Caller) -> Worth:
        key = (caller.kind, caller.roles, bool(caller.purpose), caller.delegator is None)
        worth = self._worths.get(key)
        if worth is None:
            worth = self._worths[key] = worth_of(caller, self.matrix, self.cells)
        return worth

    def _read(
        self, caller: Caller, stamp: Stamp, links: Collection[Link], now: int, dates: Collection[Span]
    ) -> Decision:
        if caller.kind == "anyone":
            return allowed(WHO, "no authentication")
        worth, cell, name = self._worth(caller), 1 << stamp.cell, self.cells.name(stamp.cell)
        if worth.unlinked & cell:
            return allowed(MATRIX, f"{name}: seen without a link")
        if worth.kept & cell and _is_in(caller, stamp.parties):
            return allowed(LINK, f"{name}: one's own")
        if not (worth.untied.own or any(row.full for row in worth.rows)):
            return refused(WHO, "no role of the matrix")
        if stamp.labels & Label.INTERNE and stamp.owner not in (*_actors(caller), *self._released(caller)):
            return refused(LABELS, "interne-structure")
        if not stamp.persons:
            return refused(LINK, f"{name}: about nobody")
        decision = refused(LINK, "no link to the person")
        for person in stamp.persons:
            decision = self._read_of(caller, stamp, _of(person, links, caller, now, dates), worth)
            if not decision.allowed:
                break
        return decision

    def _read_of(self, caller: Caller, stamp: Stamp, links: Collection[Link], worth: Worth) -> Decision:
        authored = _is_in(caller, stamp.authors)
        denial = _denial(links, stamp.cells(self.cells.sensitive), authored=authored)
        if denial is not None:
            return denial
        found = refused(LINK, "no link to the person")
        for link in links:
            decision = self._shown(caller, stamp, link, worth, authored=authored)
            if decision.allowed:
                return decision
            found = max(found, decision, key=lambda one: one.gate)
        return found

    def _shown(self, caller: Caller, stamp: Stamp, link: Link, worth: Worth, *, authored: bool) -> Decision:
        """What one link shows, in the order in which the gates are asked."""
        place, cell, name = link.tie - 1, 1 << stamp.cell, self.cells.name(stamp.cell)
        row, tie = worth.rows[place], link.tie.name.lower()
        whole = (link.allow & row.full) | (link.named & row.named)
        own = link.allow & row.own & cell and _is_in(caller, stamp.parties)
        least = link.allow & row.least & cell
        if not (whole & cell or own or least):
            if not (row.full | row.named | row.least) & cell:
                return refused(MATRIX, f"{name}: not for this role by {tie}")
            return refused(CONSENT, f"{name}: not opened by {tie}")
        if stamp.labels & HIDING & ~worth.shows[place] and not authored:
            return refused(LABELS, "masked")
        if own:
            return allowed(MATRIX, f"{name}: own, by {tie}")
        if stamp.labels & Label.SENSITIVE and not whole >> self.cells.sensitive & 1:
            return refused(LABELS, "sensitive: sante-sensible is needed as well")
        if whole & cell:
            return allowed(MATRIX, f"{name}: all, by {tie}")
        if stamp.labels & worth.opens[place]:
            return allowed(LABELS, f"{name}: minimal view, by {tie}")
        return refused(LABELS, f"{name}: outside the minimal view, by {tie}")

    def _create_for(
        self, caller: Caller, stamp: Stamp, links: Collection[Link], worth: Worth, type: str
    ) -> Decision:
        """Creating for one person, by the links to them."""
        cell, name = 1 << stamp.cell, self.cells.name(stamp.cell)
        # What one writes oneself no opposition hides.
        denial = _denial(links, stamp.cells(self.cells.sensitive), authored=True)
        if denial is not None:
            return denial
        open_links = [link for link in links if link.allow or link.named]
        if not open_links:
            return refused(LINK, "no link to the person")
        opened = [link for link in open_links if (link.allow | link.named) & cell]
        if not opened:
            return refused(CONSENT, f"{name}: not opened")
        for link in opened:
            row, mine = worth.rows[link.tie - 1], _is_in(caller, stamp.authors)
            creates = row.create & cell or (row.act & cell and mine)
            if type == "Provenance":  # whoever changes something says so
                creates = creates or row.change & cell or (row.change_own & cell and mine)
            if not creates:
                continue
            if stamp.labels & Label.SENSITIVE and not row.create >> self.cells.sensitive & 1:
                return refused(LABELS, "sensitive: sante-sensible is needed as well")
            return allowed(MATRIX, f"{name}: create, by {link.tie.name.lower()}")
        if self._dictated(caller, stamp, type):
            return allowed(WRITING, "in the name of the delegator")
        return refused(MATRIX, f"{name}: create")

    def _dictated(self, caller: Caller, stamp: Stamp, type: str) -> bool:
        return (
            caller.delegator in stamp.authors
            and type in _DICTATED
            and not self.cells.bits(_NEVER_DICTATED) >> stamp.cell & 1
        )

    def _of_the_born(self, stamp: Stamp, worth: Worth, type: str) -> Decision:
        name = self.cells.name(stamp.cell)
        if type in _LINKING and self.cells.bits(_WITH_A_PERSON) >> stamp.cell & 1:
            return allowed(WRITING, "together with a new person")
        if worth.untied.create >> stamp.cell & 1:
            return allowed(MATRIX, f"{name}: create")
        return refused(MATRIX, f"{name}: create")

    def _update(self, caller: Caller, stamp: Stamp, links: Collection[Link], now: int, type: str) -> Decision:
        worth, cell, name = self._worth(caller), 1 << stamp.cell, self.cells.name(stamp.cell)
        if stamp.cell in {PUBLIC, OPERATORS}:
            return self._of_nobody(caller, stamp, worth, type, new=False)
        mine = _is_in(caller, stamp.authors)
        if stamp.cell == PARTIES or not stamp.persons:
            own = mine and (stamp.cell == PARTIES or (worth.untied.change | worth.untied.change_own) & cell)
            return allowed(WRITING, f"{name}: own") if own else refused(WRITING, f"{name}: not one's own")
        if worth.kept & cell and mine and (worth.untied.change | worth.untied.change_own) & cell:
            return allowed(WRITING, f"{name}: own")
        for person in stamp.persons:
            rows = _rows(_of(person, links, caller, now), cell, worth)
            if any(row.change & cell or (mine and row.change_own & cell) for row in rows):
                continue
            if any(row.change_own & cell for row in rows):
                return refused(WRITING, f"{name}: not one's own")
            return refused(MATRIX, f"{name}: update")
        return allowed(WRITING, f"{name}: update")

    def _given_away(
        self, caller: Caller, stamp: Stamp, after: Stamp, links: Collection[Link], now: int
    ) -> bool:
        """Whether somebody who owns an action, and no more, gives it to somebody else."""
        if stamp.cell != self.cells.of("plan", (), Part.ACTION) or _is_in(caller, after.authors):
            return False
        worth, cell = self._worth(caller), 1 << stamp.cell
        rows = [row for one in stamp.persons for row in _rows(_of(one, links, caller, now), cell, worth)]
        return not any(row.change & cell for row in rows)

    def _of_nobody(self, caller: Caller, stamp: Stamp, worth: Worth, type: str, *, new: bool) -> Decision:
        """Directories, definitions, and what is for operators."""
        if caller.kind == "operator" or OPERATOR in caller.roles:
            return allowed(WRITING, "an operator")
        if stamp.cell == OPERATORS or type in DEFINITIONS:
            return refused(WRITING, "for operators")
        if type in ACTORS and DIRECTORY in caller.roles:
            return allowed(WRITING, "the directory")
        if type not in ACTORS | PRODUCTS or caller.kind == "citizen" or not worth.untied.own:
            return refused(WRITING, "for the directory and operators")
        if new:
            return allowed(WRITING, "unverified: it grants nothing")
        if stamp.labels & Label.VERIFIED or not _is_in(caller, stamp.authors):
            return refused(WRITING, "for the directory and operators")
        return allowed(WRITING, "one's own, unverified")


@cache
def shipped_policy() -> Policy:
    """The policy of the matrix and the tables that come with the server."""
    tables = shipped_tables()
    return Policy(shipped_matrix(), tables.cells(), tables)


def _actors(caller: Caller) -> tuple[Key, ...]:
    """Who counts as the caller: who types, and for whom."""
    if caller.delegator is None or caller.delegator in caller.actors:
        return caller.actors
    return (*caller.actors, caller.delegator)


def _is_in(caller: Caller, keys: Iterable[Key]) -> bool:
    return not frozenset(_actors(caller)).isdisjoint(keys)


def _of(
    person: Key, links: Collection[Link], caller: Caller, now: int, dates: Collection[Span] = ()
) -> list[Link]:
    """The links of a person that hold now and are the caller's, as far as they are about what bears these dates."""
    actors = _actors(caller)
    return [
        link.about(dates)
        for link in links
        if link.person == person and link.actor in actors and link.since <= now < link.until
    ]


def _rows(links: Collection[Link], cell: int, worth: Worth) -> list[Row]:
    return [worth.rows[link.tie - 1] for link in links if (link.allow | link.named) & cell]


def _denial(links: Collection[Link], cells: int, *, authored: bool) -> Decision | None:
    if any(link.deny & cells for link in links):
        return refused(CONSENT, "exclusion-acteur")
    if not authored and any(link.oppose & cells for link in links):
        return refused(CONSENT, "opposition-partage")
    return None
