"""Who may make or end a link to a person: a closed table, judged on the facts before the transaction.

Whatever the table allows, nobody raises their own rights by a write: the links and the powers that the writes lead to
are compared with those before, but for what the table entitles the caller to (a person who is new, a join with the full
INS and the five traits, a consent with the proof of who gave it, a record that one's organisation opens after
information). Of these the record alone lets somebody become the référent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from fhir_server.access.caller import Caller
from fhir_server.access.cells import Cells
from fhir_server.access.consenting import judge_consent
from fhir_server.access.consents import INFORMATION
from fhir_server.access.decisions import LINK, WRITING, Decision, allowed, refused
from fhir_server.access.facts import (
    ACTORS,
    GRANT,
    GRANT_TYPES,
    OPEN_TASK,
    SOLLICITATION,
    TASK_TYPES,
    Facts,
    coded,
    merged_with,
    person_of,
    written,
)
from fhir_server.access.links import at, links_of, stated
from fhir_server.access.raising import kin_raised, raised
from fhir_server.access.roles import DIRECTORY
from fhir_server.access.spells import Spell, after, covers
from fhir_server.access.standing import Case, Write, empowered
from fhir_server.access.teams import (
    Participation,
    coordinates,
    organisations_of,
    participations_of,
    support_of,
)
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import Tie

# Professionals of care and coordination, their management and their secretariat.
_RECEIVING: Final = frozenset(
    {"medecin", "pharmacien", "maieutique-dentaire", "infirmier", "auxiliaire-medical", "aide-soignant"}
    | {"psychologue", "coordonnateur", "travailleur-social", "accompagnement", "aide-domicile"}
    | {"encadrement", "secretariat"}
)
_STAYING: Final = frozenset({"CareTeam", "Consent", "RelatedPerson"})  # with the person, or with nobody

_OTHERS_NAME: Final = refused(
    LINK, "link: médecin traitant by the person, the present one or the declaration"
)


@immutable
class Verdict:
    """`entitled`: what this write opens to the caller is theirs by the table. `leading`: to answer for it as well."""

    decision: Decision
    entitled: bool = False
    leading: bool = False


def may_link(
    caller: Caller,
    writes: Sequence[Write],
    before: Facts,
    later: Facts,
    cells: Cells,
    now: int,
) -> Decision:
    """Whether a caller may do these writes, all about the links of one person and all of one transaction.

    `before`: the facts before it; `later`: those after it (`written`), completed (`questions`) for the actors that the
    writes name.
    """
    if caller.kind == "anyone":
        return allowed(WRITING, "no authentication")
    actors = {key: tree for key, tree in later.trees.items() if key.type in ACTORS}
    warrants = {write.warrant for write in writes}
    presented = "identity" in warrants and receives(caller)
    case = Case(caller, replace(before, trees={**actors, **before.trees}), later, cells, now, presented)
    if not (case.is_linked or case.is_new or presented or "emergency" in warrants):
        return refused(LINK, "link: none to this person")
    verdicts = [(write, _judge(case, write)) for write in writes]
    for _, verdict in verdicts:
        if not verdict.decision:
            return verdict.decision
    if case.is_new:
        return _new_person(case)

    entitled = [write for write, verdict in verdicts if verdict.entitled]
    bare = _without(entitled, case)
    gained = empowered(case, bare)
    led = [write for write, verdict in verdicts if verdict.leading]
    if len(led) < len(entitled):
        gained |= empowered(case, _without(led, case)) & {"answers"}
    if gained or raised(case.own, case.links, bare.links, now):
        return refused(LINK, "link: nobody raises their own rights")
    return allowed(WRITING, "link: table of writes")


def _without(writes: Sequence[Write], case: Case) -> Case:
    """What the caller is after the transaction, but for some of its writes."""
    facts = written(case.later, [(write.new, write.old) for write in writes])
    return replace(case, before=facts, later=facts)


def _judge(case: Case, write: Write) -> Verdict:
    if write.old is not None and write.new is not None:
        bases = case.before.bases
        people = person_of(write.old, bases), person_of(write.new, bases)
        # A Task may be given its person later. What makes links may not: from or to nobody, no rule would see them.
        if people[0] != people[1] and (all(people) or write.tree["resourceType"] in _STAYING):
            return Verdict(refused(LINK, "link: moved to another person"))
    rule = _RULES.get(write.tree["resourceType"])
    return Verdict(allowed(WRITING, "link: none made")) if rule is None else rule(case, write)


def _new_person(case: Case) -> Decision:
    caller = case.caller
    if not receives(caller):
        return refused(LINK, "link: a new person is not for this role")
    consents = [(tree, None) for tree in case.later.of("Consent")]
    links = at(links_of(written(case.later, consents), case.cells, case.now), case.now)
    enough = {Tie.TEAM, Tie.TEAM_INFORMED, Tie.OTHER, Tie.OTHER_INFORMED, Tie.PCP}
    if caller.kind == "system":
        enough.add(Tie.FEED)
    if not any(link.actor in case.own and link.tie in enough for link in links):
        return refused(
            LINK, "link: a new person comes together with the circle, stay or record of the caller"
        )
    return allowed(WRITING, "link: new person")


def receives(caller: Caller) -> bool:
    """Whether a caller may take in somebody: professionals of care and coordination, and systems of organisations."""
    if caller.kind == "system":
        return caller.organisation is not None
    return caller.kind == "professional" and not _RECEIVING.isdisjoint(caller.roles)


def _circle(case: Case, write: Write) -> Verdict:
    old = [] if write.old is None else list(participations_of(write.old, case.later))
    new = [] if write.new is None else list(participations_of(write.new, case.later))
    own = case.own
    pcp = _beyond(_pcp(new), _pcp(old), case.now)
    if not pcp.isdisjoint(own):
        return Verdict(refused(LINK, "link: nobody makes themselves médecin traitant"))
    if case.is_new:
        return Verdict(allowed(WRITING, "link: new person"), entitled=True)
    if (pcp or _beyond(_pcp(old), _pcp(new), case.now)) and not _names_pcp(case):
        return Verdict(_OTHERS_NAME)

    before = written(case.later, [(write.new, write.old)])
    joining, leaving = _beyond(new, old, case.now), _beyond(old, new, case.now)
    if leaving - own and not (case.is_person or case.is_pcp or case.is_referent()):
        return Verdict(
            refused(LINK, "link: others leave by the référent, the médecin traitant or the person")
        )
    themselves = {key for key in joining & own if key.type != "Organization"}
    if joining and case.presented and joining <= own:
        return Verdict(allowed(WRITING, "link: INS and five traits presented"), entitled=True)
    if themselves:
        return Verdict(refused(LINK, "link: nobody joins by themselves without the INS and five traits"))
    # What is past opens nothing by itself, but a consent may name who took part then.
    fresh = {one.member for one in new if not covers(_spells(old, one.member), one.spell)}
    if (joining or fresh) and not case.may_invite():
        return Verdict(refused(LINK, "link: not invited by a member who may"))
    had, have = ({*stated(facts, case.cells)} for facts in (before, case.later))
    if any(one.permits and one.actor in fresh for one in have - had):
        return Verdict(refused(LINK, "link: joins before the day the person recognised the circle"))
    if any(not one.permits for one in had - have):
        return Verdict(refused(LINK, "link: whom the person keeps out by the circle stays told in it"))
    return Verdict(allowed(WRITING, "link: circle"))


def _names_pcp(case: Case) -> bool:
    national = case.caller.kind == "system" and DIRECTORY in case.caller.roles
    return case.is_person or case.is_pcp or national


def _pcp(participations: list[Participation]) -> list[Participation]:
    return [one for one in participations if one.pcp]


def _beyond(some: list[Participation], others: list[Participation], now: int) -> frozenset[Key]:
    """The members who take part according to `some`, now or later, when they do not according to `others`."""
    return frozenset(
        one.member
        for one in some
        if (rest := after(one.spell, now)) is not None and not covers(_spells(others, one.member), rest)
    )


def _spells(participations: list[Participation], member: Key) -> list[Spell]:
    return [one.spell for one in participations if one.member == member]


def _support(case: Case, write: Write) -> Verdict:
    """A stay or a coordination record, which ties its organisation."""
    support = None if write.new is None else support_of(write.new, case.later)
    if support is None or case.is_new:
        return Verdict(allowed(WRITING, "link: no more than before"), entitled=case.is_new)
    own = case.own
    tied = {support.institution, support.organisation}
    if not any(case.gains(key, write) for key in tied):
        return Verdict(allowed(WRITING, "link: no more than before"))
    informed = case.consents.at(case.now, INFORMATION)[0] & case.cells.bits(("sante",))
    coordinator = "coordonnateur" in case.caller.roles and coordinates(support.organisation, case.later)
    dossier = coordinator and write.tree["resourceType"] == "EpisodeOfCare"
    if (
        dossier
        and own & tied
        and (case.is_member or case.is_asked or case.presented)
        and (support.stage == "prepared" or informed)
    ):
        # Mission 2: the team that takes part already coordinates from now on, the person being informed.
        opened = allowed(WRITING, "link: record opened by the coordinating team")
        return Verdict(opened, entitled=True, leading=True)
    if own & tied and case.presented:
        return Verdict(allowed(WRITING, "link: INS and five traits presented"), entitled=True)
    if case.may_invite():
        return Verdict(allowed(WRITING, "link: a member invites"))
    return Verdict(refused(LINK, "link: not invited by a member who may"))


def _request(case: Case, write: Write) -> Verdict:
    """A request for help, which lets whom it is addressed to open a record: nobody makes one in another's name.

    But for a member who may bring in others, and where whom it is addressed to takes part already.
    """
    asking, owner = _asking(write.new, case)
    if asking is None or case.is_new or case.may_invite() or _speaks_for(case, asking):
        return Verdict(allowed(WRITING, "link: request"))
    asked, had = _asking(write.old, case)
    if asking == asked and (owner == had or had in case.own):
        return Verdict(allowed(WRITING, "link: request, as it was made"))
    if owner in case.supporting or any(owner == one.member for one in case.participations):
        return Verdict(allowed(WRITING, "link: request to who takes part"))
    return Verdict(refused(LINK, "link: a request is made in one's own name, or by a member who may invite"))


def _asking(task: Tree | None, case: Case) -> tuple[Key | None, Key | None]:
    """Who asks by an open request about the person, and whom."""
    if task is None or task.get("status") not in OPEN_TASK or not person_of(task, case.before.bases):
        return None, None
    if not coded(task.get("code"), TASK_TYPES, (SOLLICITATION,)):
        return None, None
    return case.before.target(task.get("requester")), case.before.target(task.get("owner"))


def _speaks_for(case: Case, requester: Key) -> bool:
    """Oneself; the software of an organisation speaks for those who practise there."""
    at_home = case.caller.kind == "system" and not case.own.isdisjoint(
        organisations_of(requester, case.later)
    )
    return requester in case.own or at_home


def _consent(case: Case, write: Write) -> Verdict:
    decision, favours = judge_consent(
        write.old,
        write.new,
        actors=case.own,
        facts=case.later,
        cells=case.cells,
        now=case.now,
        represents=case.represents,
    )
    return Verdict(decision, entitled=favours and decision.allowed)


def _relative(case: Case, write: Write) -> Verdict:
    """Who represents the person: a relative comes to do so by who may bring in others."""
    free = case.is_new or not case.later.of("RelatedPerson") or case.may_invite()
    if not free and kin_raised(case.links, case.links_after(write), case.now):
        return Verdict(refused(LINK, "link: a relative is given rights by a member who may bring in others"))
    return Verdict(allowed(WRITING, "link: relative"))


def _patient(case: Case, write: Write) -> Verdict:
    bases = case.before.bases
    kin = _relative(case, write)  # who represents them hangs on their age
    if not kin.decision:
        return kin
    if merged_with(write.old, bases) != merged_with(write.new, bases) and not case.is_new:
        if not case.may_invite():
            return Verdict(
                refused(LINK, "link: records are merged by who may bring in others, into each of them")
            )
        if _brings_pcp(case, write) and not _names_pcp(case):
            return Verdict(_OTHERS_NAME)
    return Verdict(allowed(WRITING, "link: identity"), entitled=case.presented)


def _brings_pcp(case: Case, write: Write) -> bool:
    """Whether somebody is the médecin traitant by this version of the record who was not by the one before."""
    before, after = (
        [link for link in links_of(facts, case.cells, case.now) if link.tie is Tie.PCP]
        for facts in (written(case.later, [(write.new, write.old)]), case.later)
    )
    return any(raised((link.actor,), before, after, case.now) for link in after)


def _grant(case: Case, write: Write) -> Verdict:
    if write.warrant == "emergency":
        return Verdict(allowed(WRITING, "emergency"), entitled=True)
    if any(
        tree is not None and coded(tree.get("code"), GRANT_TYPES, (GRANT,)) for tree in (write.old, write.new)
    ):
        return Verdict(refused(WRITING, "emergency: by Patient/$emergency-access only"))
    return Verdict(allowed(WRITING, "link: none made"))


_RULES: Final[Mapping[str, Callable[[Case, Write], Verdict]]] = {
    "CareTeam": _circle,
    "EpisodeOfCare": _support,
    "Encounter": _support,
    "Consent": _consent,
    "Patient": _patient,
    "RelatedPerson": _relative,
    "Basic": _grant,
    "Task": _request,
}


def second_circle(writes: Collection[Write], later: Facts) -> bool:
    """Whether writes give a person a circle beside another that is active: one person has at most one.

    One that was there already, from before this was asked, may still be written. `later`: the facts after the writes.
    """
    begun = [
        write
        for write in writes
        if write.new is not None
        and _is_circle_of(later.person, write.new, later.bases)
        and not (write.old is not None and _is_circle_of(later.person, write.old, later.bases))
    ]
    active = [team for team in later.of("CareTeam") if _is_circle_of(later.person, team, later.bases)]
    return bool(begun) and len(active) > 1


def _is_circle_of(person: Key, tree: Tree, bases: tuple[str, ...]) -> bool:
    return (
        tree["resourceType"] == "CareTeam"
        and tree.get("status") == "active"
        and person_of(tree, bases) == (person,)
    )


def touched(writes: Collection[Write], bases: tuple[str, ...] = ()) -> tuple[Key, ...]:
    """The persons whose links a transaction may change, each once, in the order of their ids: that of their locks."""
    trees = [tree for write in writes for tree in (write.old, write.new) if tree is not None]
    return tuple(sorted({key for tree in trees for key in person_of(tree, bases)}))
