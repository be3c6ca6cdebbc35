"""What a caller is to a person before they write: what the closed table of links asks.

Some of it lets them do what their ties alone do not: bring others in, see others out, open a record. These *powers*
follow from the circle, the records and the requests that a write may change, so they are compared as ties are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal, TypeAlias

from fhir_server.access.caller import Caller
from fhir_server.access.cells import Cells
from fhir_server.access.consents import Consents
from fhir_server.access.facts import OPEN_TASK, SOLLICITATION, TASK_TYPES, Facts, coded, written
from fhir_server.access.links import at, consents_of, links_of
from fhir_server.access.raising import raised
from fhir_server.access.spells import Spell
from fhir_server.access.teams import (
    Participation,
    Support,
    classes_of,
    managers_of,
    participations_of,
    support_of,
)
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import FOREVER, Link, Tie

_INVITING: Final = frozenset({"coordonnateur", "infirmier", "encadrement"})


Warrant: TypeAlias = Literal["", "circle", "identity", "emergency"]
# Bring others into the circle; see others out of it; open a record of coordination for one's team.
Power: TypeAlias = Literal["invites", "answers", "opens"]


@immutable
class Write:
    """A version and what it supersedes: `old` None for a create, `new` None for a deletion.

    `warrant`: what an operation found to entitle the caller to it, instead of the matrix. `circle`: somebody joins or
    leaves, which is for the table of links alone; `identity`: the same, and the caller presented the person's INS and
    five traits; `emergency`: the caller may take emergency access.
    """

    old: Tree | None
    new: Tree | None
    warrant: Warrant = ""

    @property
    def tree(self) -> Tree:
        tree = self.new if self.new is not None else self.old
        assert tree is not None, "a write has an old version or a new one"
        return tree


@dataclass(frozen=True)
class Case:
    """Who writes about which person, and what is so before the transaction.

    `presented`: the caller presented the full INS and the five traits, and is somebody who may join by them.
    """

    caller: Caller
    before: Facts
    later: Facts
    cells: Cells
    now: int
    presented: bool = False

    @cached_property
    def own(self) -> frozenset[Key]:
        """Who counts as the caller: who types, and for whom."""
        delegator = self.caller.delegator
        return frozenset(self.caller.actors) | ({delegator} if delegator is not None else set())

    @property
    def is_new(self) -> bool:
        """The person comes with this transaction."""
        return self.before.patient is None

    @cached_property
    def links(self) -> tuple[Link, ...]:
        return links_of(self.before, self.cells, self.now)

    @cached_property
    def consents(self) -> Consents:
        return consents_of(self.before, self.cells)

    def tied(self, *ties: Tie) -> bool:
        """Whether the caller has one of these ties now."""
        return any(link.tie in ties and link.actor in self.own for link in at(self.links, self.now))

    @cached_property
    def is_linked(self) -> bool:
        return self.tied(*(tie for tie in Tie if tie is not Tie.DENIAL))

    @cached_property
    def is_person(self) -> bool:
        return not self.before.records.isdisjoint(self.own)

    @cached_property
    def is_representative(self) -> bool:
        """Whether the caller represents the person in what their circle is concerned with."""
        kin = [actor for actor in self.own if actor.type == "RelatedPerson"]
        return any(self._speaks(actor, self.links, self._circle) for actor in kin)

    @cached_property
    def is_pcp(self) -> bool:
        return "medecin" in self.caller.roles and self.tied(Tie.PCP)

    @cached_property
    def participations(self) -> list[Participation]:
        """The open ones, before."""
        return [one for one in self._participations if self._holds(one.spell)]

    @cached_property
    def _participations(self) -> list[Participation]:
        return [one for team in self.before.of("CareTeam") for one in participations_of(team, self.before)]

    @cached_property
    def supporting(self) -> frozenset[Key]:
        """The organisations of stays and records, prepared ones too."""
        now = [one for one in self._supports if self._holds(one.spell)]
        return frozenset(key for one in now for key in (one.organisation, one.institution))

    @cached_property
    def _supports(self) -> list[Support]:
        trees = [tree for kind in ("EpisodeOfCare", "Encounter") for tree in self.before.of(kind)]
        found = [support_of(tree, self.before) for tree in trees]
        return [one for one in found if one is not None]

    def _holds(self, spell: Spell) -> bool:
        return spell[0] <= self.now < spell[1]

    @cached_property
    def is_member(self) -> bool:
        return not self.own.isdisjoint(self.supporting) or any(
            one.member in self.own for one in self.participations
        )

    def may_invite(self) -> bool:
        if self.is_person or self.is_representative or self.is_pcp:
            return True
        return not _INVITING.isdisjoint(self.caller.roles) and self.is_member

    @cached_property
    def is_asked(self) -> bool:
        """Whether somebody who may invite asked the caller's team for help, and waits for an answer."""
        return any(
            coded(task.get("code"), TASK_TYPES, (SOLLICITATION,))
            and task.get("status") in OPEN_TASK
            and self.before.target(task.get("owner")) in self.own
            and self._invites(self.before.target(task.get("requester")))
            for task in self.before.of("Task")
        )

    def _invites(self, requester: Key | None) -> bool:
        if requester is None or requester in self.own:
            return False
        roles = {key.id for key in classes_of(requester, self.before)}
        return self.represents(requester, self._circle) or any(
            one.member == requester and (one.pcp or not roles.isdisjoint(_INVITING))
            for one in self.participations
        )

    def is_referent(self) -> bool:
        """Who answers for the record, or coordinates in the circle."""
        if self.is_member and not self.own.isdisjoint(managers_of(self.before, self.now)):
            return True
        return "coordonnateur" in self.caller.roles and any(
            one.coordinates and one.member in self.own for one in self.participations
        )

    def powers(self) -> frozenset[Power]:
        """What the caller may do at this moment besides what their ties show."""
        coordinating = "coordonnateur" in self.caller.roles
        held: dict[Power, bool] = {
            "invites": self.may_invite(),
            "answers": self.is_referent(),
            "opens": coordinating and (self.is_member or self.is_asked),
        }
        return frozenset(power for power, has in held.items() if has)

    def gains(self, actor: Key, write: Write) -> bool:
        """Whether this write alone raises the rights of `actor`."""
        return raised((actor,), self.links, self.links_after(write), self.now)

    def links_after(self, write: Write) -> tuple[Link, ...]:
        """The links that this write alone leads to."""
        return links_of(written(self.before, [(write.old, write.new)]), self.cells, self.now)

    def moments(self) -> frozenset[int]:
        """When, from now on, the powers of the caller may change."""
        requesters = {self.before.target(task.get("requester")) for task in self.before.of("Task")}
        actors = self.own | requesters
        spells = [one.spell for one in self._participations if one.member in actors]
        spells += [one.spell for one in self._supports]
        spells += [(link.since, link.until) for link in self.links if link.actor in actors]
        return frozenset(moment for spell in spells for moment in spell if self.now < moment < FOREVER)

    def represents(self, actor: Key, cells: int) -> bool:
        """Whether `actor` speaks for the person about these cells: itself, or a legal representative.

        A measure of protection may be about some of the data alone, and who represents by it says nothing of the rest.
        """
        links = links_of(self.later, self.cells, self.now) if self.is_new else self.links
        return actor in self.before.records or self._speaks(actor, links, cells)

    def _speaks(self, actor: Key, links: tuple[Link, ...], cells: int) -> bool:
        represented = 0
        for link in at(links, self.now):
            if link.actor == actor and link.tie is Tie.REPRESENTATIVE and link.data is None:
                represented |= link.allow
        return bool(represented) and not cells & ~represented

    @property
    def _circle(self) -> int:
        return self.cells.bits(("coordination",))


def empowered(before: Case, after: Case) -> frozenset[Power]:
    """The powers that a caller has after writes, now or at another time, when they had them not before."""
    gained = after.powers() - before.powers()
    for moment in before.moments() | after.moments():
        gained |= replace(after, now=moment).powers() - replace(before, now=moment).powers()
    return gained
