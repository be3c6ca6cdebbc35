"""The links of one person: who is tied to them, how, for which categories of data, and from when until when.

Everything here follows from the facts alone. What starts or ends later is a link with `since` and `until`, so that
nobody has to be awake when it does: the clock of each read decides. Where a consent changes what a tie is worth, the
tie becomes several links, one after the other; where it does so for data of some time alone, one for each such time.

Order of the law, the first that matches: exclusion, mask (a label), opposition, consent, presumption of the team.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, TypeAlias

from fhir_server.access.cells import Cells, Part
from fhir_server.access.consents import (
    ESMS,
    EXCLUSION,
    INFORMATION,
    OPPOSITION,
    OUTSIDE,
    PROTECTION,
    RECOGNITION,
    Consents,
    Statement,
    statements_of,
)
from fhir_server.access.emergency import spells_of
from fhir_server.access.facts import OPEN_TASK, SOLLICITATION, TASK_TYPES, Facts, coded
from fhir_server.access.relatives import relations_of
from fhir_server.access.spells import ALWAYS, Spell, cut, meet, spell_of
from fhir_server.access.teams import (
    Ensembles,
    Participation,
    classes_of,
    coordinates,
    evaluates,
    organisations_of,
    participations_of,
    practitioner_of,
    support_of,
    there,
)
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import Link, Span, Tie

# A DAC that takes part after information is of the team, but for health itself.
_HEALTH: Final = ("sante", "sante-sensible")
_NEVER_COORDINATED: Final = (*_HEALTH, "trace")
# Of the circle, of another team, and no consent: whom it is about, and who else is there.
_ADMITTED: Final = ("identite", "coordination")
# A stay or record in preparation: what is needed to prepare it.
_PREPARING: Final = ("identite", "administratif", "coordination", "sollicitation", "consentement")
# Asked for help: the person, what they decided, the request; and room for the record that may follow.
_ASKED: Final = ("identite", "sollicitation", "consentement", "coordination")
_NEVER_URGENT: Final = ("message", "sollicitation", "trace")

_INFORMED: Final = {Tie.TEAM: Tie.TEAM_INFORMED, Tie.OTHER: Tie.OTHER_INFORMED}
_THEIR_OWN: Final = (Tie.PERSON, Tie.REPRESENTATIVE)  # whom an opposition to sharing does not shut out


def links_of(facts: Facts, cells: Cells, now: int) -> tuple[Link, ...]:
    """All links of a person that hold now or later, in a fixed order. None of a person who is not here (any more)."""
    if facts.patient is None:
        return ()
    consents = Consents(stated(facts, cells))
    spans = consents.spans()
    if not spans:
        return _links(facts, consents, cells, now)
    # What is opened whatever the data, and what is denied whatever they are; then what differs, time by time.
    opened = [link for link in _links(facts, consents.opening(), cells, now) if link.tie is not Tie.DENIAL]
    denied = [link for link in _links(facts, consents.closing(), cells, now) if link.tie is Tie.DENIAL]
    always = {*opened, *denied}
    dated: dict[Link, list[Span]] = {}
    for span in spans:
        for link in _links(facts, consents.about(span), cells, now):
            if link not in always:
                dated.setdefault(link, []).append(span)
    pieces = [replace(link, data=whole) for link, found in dated.items() for whole in _joined(found)]
    return (*opened, *denied, *pieces)


def _joined(spans: list[Span]) -> Iterator[Span]:
    """Spans in order, those that meet as one."""
    low, high = spans[0]
    for start, end in spans[1:]:
        if start != high:
            yield low, high
            low = start
        high = end
    yield low, high


def _links(facts: Facts, consents: Consents, cells: Cells, now: int) -> tuple[Link, ...]:
    rows = _Rows(facts.person)
    for record in sorted(facts.records):
        rows.add(record, Tie.PERSON, ALWAYS, allow=cells.all)
    _members(rows, facts, consents, cells)
    _supports(rows, facts, consents, cells)
    _consented(rows, facts, consents, cells)
    for relation in relations_of(facts, consents, cells):
        rows.add(relation.actor, relation.tie, relation.spell, allow=relation.allow, named=relation.named)
    _tasks(rows, facts, cells)
    _feeds(rows, facts, cells)
    for actor, spell in spells_of(facts, consents):
        if there(actor, facts) is not None:
            rows.add(actor, Tie.EMERGENCY, spell, allow=cells.all & ~cells.bits(_NEVER_URGENT))
    _denials(rows, facts, consents, cells)
    return rows.links(now)


def consents_of(facts: Facts, cells: Cells) -> Consents:
    """What the person decided, in force now or at another time, of data of whatever time."""
    return Consents(stated(facts, cells)).opening()


def stated(facts: Facts, cells: Cells) -> Iterator[Statement]:
    """All that the person decided."""
    for consent in facts.of("Consent"):
        yield from statements_of(consent, facts, cells)


Masks: TypeAlias = tuple[int, int, int, int]  # allow, named, deny, oppose


class _Rows:
    """Links as they are found; those of one actor and tie are put together in the end."""

    def __init__(self, person: Key) -> None:
        self._person = person
        self._found: dict[tuple[Key, Tie], list[tuple[Spell, Masks]]] = {}

    def add(
        self,
        actor: Key,
        tie: Tie,
        spell: Spell | None,
        *,
        allow: int = 0,
        named: int = 0,
        deny: int = 0,
        oppose: int = 0,
    ) -> None:
        masks = (allow, named, deny, oppose)
        if spell is not None and any(masks):
            self._found.setdefault((actor, tie), []).append((spell, masks))

    def opened(self, *but: Tie) -> list[Key]:
        """Whom some tie lets see something, but for those tied otherwise."""
        spared = {actor for actor, tie in self._found if tie in but}
        return sorted({actor for actor, tie in self._found if tie is not Tie.DENIAL} - spared)

    def links(self, now: int) -> tuple[Link, ...]:
        return tuple(
            Link(self._person, actor, tie, *masks, since, until)
            for (actor, tie), found in sorted(self._found.items())
            for (since, until), masks in _merged(found)
            if until > now
        )


def _merged(found: list[tuple[Spell, Masks]]) -> Iterator[tuple[Spell, Masks]]:
    """Overlapping stretches as one after the other, each with all that holds during it; equal neighbours as one."""
    moments = [moment for spell, _ in found for moment in spell]
    last: tuple[Spell, Masks] | None = None
    for since, until in cut((min(moments), max(moments)), moments):
        allow = named = deny = oppose = 0
        for (start, end), masks in found:
            if start <= since and until <= end:
                allow, named, deny, oppose = (
                    allow | masks[0],
                    named | masks[1],
                    deny | masks[2],
                    oppose | masks[3],
                )
        here = (allow, named, deny, oppose)
        if last is not None and last[0][1] == since and last[1] == here:
            last = (last[0][0], until), here
            continue
        if last is not None and any(last[1]):
            yield last
        last = (since, until), here
    if last is not None and any(last[1]):
        yield last


def _informed(tie: Tie, moment: int, consents: Consents, cells: Cells) -> Tie:
    """The tie as it is once the person has been told that, and with whom, what is known of their health is shared."""
    permitted, _ = consents.at(moment, INFORMATION)
    return _INFORMED[tie] if permitted & cells.bits(("sante",)) else tie


def _members(rows: _Rows, facts: Facts, consents: Consents, cells: Cells) -> None:
    ensembles = Ensembles(facts)
    moments = consents.moments() | ensembles.moments()
    for team in facts.of("CareTeam"):
        for participation in participations_of(team, facts):
            if participation.member.type == "RelatedPerson":
                continue  # being of the circle opens nothing to the family: consents do
            present = meet(participation.spell, there(participation.member, facts))
            for piece in cut(present, moments) if present is not None else ():
                _member(rows, participation, piece, facts, consents, ensembles, cells)


def _member(
    rows: _Rows,
    participation: Participation,
    piece: Spell,
    facts: Facts,
    consents: Consents,
    ensembles: Ensembles,
    cells: Cells,
) -> None:
    member, moment = participation.member, piece[0]
    team = _permitted(RECOGNITION, member, moment, facts, consents)
    if participation.pcp and member.type != "Organization":
        named = _permitted(OUTSIDE, member, moment, facts, consents)
        rows.add(member, Tie.PCP, piece, allow=cells.all, named=named)
        team = cells.all
    if ensembles.include(member, moment):
        team = cells.all
    informed = _informed(Tie.TEAM, moment, consents, cells)
    if informed is Tie.TEAM_INFORMED and coordinates(member, facts):
        team |= cells.all & ~cells.bits(_NEVER_COORDINATED)
    rows.add(member, informed, piece, allow=team)
    admitted = cells.bits(_ADMITTED, Part.WHOLE) & ~team
    rows.add(member, _informed(Tie.OTHER, moment, consents, cells), piece, allow=admitted)


def _permitted(code: str, member: Key, moment: int, facts: Facts, consents: Consents) -> int:
    """The cells for which the person consented, by decisions of one code, to a member or to one that contains them."""
    permitted = denied = 0
    for name in (member, *_holders(member, facts)):
        opened, closed = consents.at(moment, code, name)
        permitted, denied = permitted | opened, denied | closed
    return permitted & ~denied


def _holders(member: Key, facts: Facts) -> Iterator[Key]:
    """Under which other names a consent may mean a member."""
    yield from organisations_of(member, facts)
    yield from classes_of(member, facts)
    practitioner = practitioner_of(member, facts)
    if practitioner is not None:
        yield practitioner


def _supports(rows: _Rows, facts: Facts, consents: Consents, cells: Cells) -> None:
    for tree in (*facts.of("EpisodeOfCare"), *facts.of("Encounter")):
        support = support_of(tree, facts)
        if support is None or there(support.organisation, facts) is None:
            continue
        for piece in cut(support.spell, consents.moments()):
            if support.stage == "open":
                tie = _informed(Tie.TEAM, piece[0], consents, cells)
                rows.add(support.institution, tie, piece, allow=cells.all)
            else:
                tie = _informed(Tie.OTHER, piece[0], consents, cells)
                rows.add(support.organisation, tie, piece, allow=cells.bits(_PREPARING, Part.WHOLE))


def _consented(rows: _Rows, facts: Facts, consents: Consents, cells: Cells) -> None:
    """Whom a consent lets in although they are of no team. Relatives have ties of their own."""
    for actor in consents.actors(OUTSIDE, ESMS, PROTECTION):
        if actor is None or actor.type == "RelatedPerson":
            continue
        present = ALWAYS if actor.type == "class" else there(actor, facts)
        for piece in cut(present, consents.moments()) if present is not None else ():
            named = 0
            for code in (OUTSIDE, ESMS, PROTECTION):
                named |= consents.at(piece[0], code, actor)[0]
            tie = _informed(Tie.OTHER, piece[0], consents, cells)
            rows.add(actor, tie, piece, allow=named, named=named)


def _tasks(rows: _Rows, facts: Facts, cells: Cells) -> None:
    for task in facts.of("Task"):
        owner = facts.target(task.get("owner"))
        if owner is None or task.get("status") not in OPEN_TASK:
            continue
        if coded(task.get("code"), TASK_TYPES, (SOLLICITATION,)):
            rows.add(owner, Tie.SOLLICITATION, there(owner, facts), allow=cells.bits(_ASKED))
        elif evaluates(owner, facts):
            rows.add(owner, Tie.MDPH, there(owner, facts), allow=cells.all)


def _feeds(rows: _Rows, facts: Facts, cells: Cells) -> None:
    """The organisations that keep this identity: the custodian of the record, and those that gave it a number."""
    patient = facts.patient or {}
    kept = [(patient.get("managingOrganization"), None)]
    kept += [(each.get("assigner"), each.get("period")) for each in patient.get("identifier", ())]
    for reference, period in kept:
        organisation = facts.target(reference)
        if organisation is not None and organisation.type == "Organization":
            spell = meet(spell_of(period), there(organisation, facts))
            rows.add(organisation, Tie.FEED, spell, allow=cells.bits(("identite",)))


def _denials(rows: _Rows, facts: Facts, consents: Consents, cells: Cells) -> None:
    for actor in consents.actors(EXCLUSION):
        for piece in cut(ALWAYS, consents.moments()) if actor is not None else ():
            denied = consents.at(piece[0], EXCLUSION, actor)[1]
            for name in _same(actor, facts) if actor is not None else ():
                rows.add(name, Tie.DENIAL, piece, deny=denied)
    everybody = rows.opened(*_THEIR_OWN)
    for actor in consents.actors(OPPOSITION):
        for piece in cut(ALWAYS, consents.moments()):
            opposed = consents.at(piece[0], OPPOSITION, actor)[1]
            for name in everybody if actor is None else _same(actor, facts):
                rows.add(name, Tie.DENIAL, piece, oppose=opposed)


def _same(actor: Key, facts: Facts) -> Iterator[Key]:
    """Somebody who is kept out is kept out in every function."""
    yield actor
    practitioner = practitioner_of(actor, facts)
    if practitioner is not None:
        yield practitioner


def at(links: tuple[Link, ...], moment: int) -> tuple[Link, ...]:
    """The links that hold at a moment."""
    return tuple(link for link in links if link.since <= moment < link.until)
