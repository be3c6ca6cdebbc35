"""Who takes part in a person's care: members of the circle, institutions of stays and of the coordination record.

An *équipe de soins* (CSP L.1110-12) is one institution, those whom the person recognised, or a formal ensemble. Here is
who takes part and when; `access/links.py` puts the consents beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

from fhir_server.access.facts import AFFILIATIONS, FORMAL_TEAM, Facts, chain_of, coded, codings_in
from fhir_server.access.roles import roles_of
from fhir_server.access.spells import ALWAYS, Spell, meet, spell_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree

_NOS: Final = "https://mos.esante.gouv.fr/NOS"
_ROLES: Final = f"{_NOS}/TRE_R85-RolePriseCharge/FHIR/TRE-R85-RolePriseCharge"
_COORDINATION: Final = "330"
_FUNCTIONS: Final = f"{_NOS}/TRE_R259-HL7ParticipationFunction/FHIR/TRE-R259-HL7ParticipationFunction"
_CATEGORIES: Final = f"{_NOS}/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement"
_SECTORS: Final = f"{_NOS}/TRE_R02-SecteurActivite/FHIR/TRE-R02-SecteurActivite"
_IDENTIFIERS: Final = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
_MEMBERS: Final = frozenset({"Practitioner", "PractitionerRole", "Organization", "RelatedPerson"})

Stage = Literal["prepared", "open"]
_STAGES: Final[dict[tuple[str, str], Stage]] = {
    ("EpisodeOfCare", "planned"): "prepared",
    ("EpisodeOfCare", "waitlist"): "prepared",
    ("EpisodeOfCare", "active"): "open",
    ("EpisodeOfCare", "onhold"): "open",  # suspended during a stay: the team goes on
    ("Encounter", "planned"): "prepared",
    ("Encounter", "arrived"): "open",
    ("Encounter", "triaged"): "open",
    ("Encounter", "in-progress"): "open",
    ("Encounter", "onleave"): "open",
}


@immutable
class Participation:
    """A member of a circle, for a time. `pcp`: as médecin traitant; `coordinates`: as its coordinator."""

    member: Key
    pcp: bool
    spell: Spell
    circle: Key
    coordinates: bool = False


@immutable
class Support:
    """A stay or a coordination record: the organisation named and the institution it is part of, for a time."""

    organisation: Key
    institution: Key
    stage: Stage
    spell: Spell


def participations_of(team: Tree, facts: Facts) -> Iterator[Participation]:
    """The members of one circle, in its order, verified or not; none unless it is active."""
    if team.get("status") != "active":
        return
    whole = spell_of(team.get("period"))
    for participant in team.get("participant", ()):
        member = facts.target(participant.get("member"))
        spell = meet(whole, spell_of(participant.get("period")))
        if member is not None and member.type in _MEMBERS and spell is not None:
            role = participant.get("role")
            yield Participation(
                member,
                coded(role, _FUNCTIONS, ("PCP",)),
                spell,
                Key("CareTeam", team["id"]),
                coded(role, _ROLES, (_COORDINATION,)),
            )


def support_of(tree: Tree, facts: Facts) -> Support | None:
    """The support that an Encounter or EpisodeOfCare is, as long as it has not ended; None without a verified owner."""
    kind = tree["resourceType"]
    stage = _STAGES.get((kind, tree.get("status", "")))
    organisation = facts.target(
        tree.get("managingOrganization" if kind == "EpisodeOfCare" else "serviceProvider")
    )
    spell = spell_of(tree.get("period"))
    if stage is None or organisation is None or spell is None:
        return None
    institution = institution_of(organisation, facts)
    return Support(organisation, institution, stage, spell) if institution is not None else None


def managers_of(facts: Facts, now: int) -> frozenset[Key]:
    """Who answers for the records of coordination that are kept now. One that no organisation keeps is none."""
    found = set()
    for dossier in facts.of("EpisodeOfCare"):
        support, manager = support_of(dossier, facts), facts.target(dossier.get("careManager"))
        if support is not None and manager is not None and support.spell[0] <= now < support.spell[1]:
            found.add(manager)
    return frozenset(found)


def institution_of(organisation: Key, facts: Facts) -> Key | None:
    """The establishment (*entité géographique*, with a FINESS of its own) that an organisation is or is part of.

    Without one it stands for itself: being below the same legal entity makes nobody a team. None: not verified.
    """
    chain = chain_of(organisation, facts)
    for key in chain:
        identifiers = facts.trees[key].get("identifier", ())
        if any(coded(identifier.get("type"), _IDENTIFIERS, ("FINEG",)) for identifier in identifiers):
            return key
    return chain[0] if chain else None


def there(actor: Key, facts: Facts) -> Spell | None:
    """When a verified actor is there to be tied to somebody. None: not verified, or not active any more."""
    tree = facts.trees.get(actor)
    if tree is None or tree.get("active") is False:
        return None
    return spell_of(tree.get("period")) if actor.type == "PractitionerRole" else ALWAYS


def organisations_of(actor: Key, facts: Facts) -> tuple[Key, ...]:
    """The verified organisations of an actor: its own and those above."""
    if actor.type == "PractitionerRole":
        tree = facts.trees.get(actor, {})
        return chain_of(facts.target(tree.get("organization")), facts)
    return chain_of(actor, facts) if actor.type == "Organization" else ()


def practitioner_of(actor: Key, facts: Facts) -> Key | None:
    """The human of a PractitionerRole, as far as it is known."""
    return (
        facts.target(facts.trees.get(actor, {}).get("practitioner"))
        if actor.type == "PractitionerRole"
        else None
    )


def classes_of(actor: Key, facts: Facts) -> tuple[Key, ...]:
    """The classes of professionals that a PractitionerRole belongs to, as a consent may name them."""
    concepts = facts.trees.get(actor, {}).get("code", ()) if actor.type == "PractitionerRole" else ()
    return tuple(Key("class", role) for role in roles_in(concepts))


def roles_in(concepts: Any) -> list[str]:
    """The roles of the access matrix that codes of professions and functions give, sorted."""
    found = {
        role
        for system, code in codings_in(concepts)
        for source in ("cda:author", "role")
        for role in roles_of(source, system, code)
    }
    return sorted(found)


def coordinates(actor: Key, facts: Facts) -> bool:
    """Whether an actor belongs to a *dispositif d'appui à la coordination*."""
    return any(
        coded(facts.trees[key].get("type"), _CATEGORIES, ("606",))
        or coded(facts.trees[key].get("type"), _SECTORS, ("SA63",))
        for key in organisations_of(actor, facts)
    )


def evaluates(actor: Key, facts: Facts) -> bool:
    """Whether an actor belongs to a MDPH."""
    return any(
        coded(facts.trees[key].get("type"), _CATEGORIES, ("609",)) for key in organisations_of(actor, facts)
    )


class Ensembles:
    """The formal teams (*équipes formalisées*) that coordinate one person, each a list of organisations for a time."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._members: dict[Key, list[tuple[Key, Spell]]] = {}
        for affiliation in facts.of("OrganizationAffiliation"):
            self._read(affiliation)
        self._supports = [
            support
            for dossier in facts.of("EpisodeOfCare")
            if (support := support_of(dossier, facts)) is not None and support.stage == "open"
        ]

    def moments(self) -> frozenset[int]:
        spells = [spell for members in self._members.values() for _, spell in members]
        return frozenset(m for spell in (*spells, *(s.spell for s in self._supports)) for m in spell)

    def include(self, actor: Key, moment: int) -> bool:
        """Whether an actor's organisation and one that coordinates the person are then in the same formal team."""
        own = organisations_of(actor, self._facts)
        coordinating = {
            key
            for support in self._supports
            if support.spell[0] <= moment < support.spell[1]
            for key in chain_of(support.organisation, self._facts)
        }
        for members in self._members.values():
            listed = {key for key, (since, until) in members if since <= moment < until}
            if not listed.isdisjoint(own) and not listed.isdisjoint(coordinating):
                return True
        return False

    def _read(self, affiliation: Tree) -> None:
        holder = self._facts.target(affiliation.get("organization"))
        spell = spell_of(affiliation.get("period"))
        formal = coded(affiliation.get("code"), AFFILIATIONS, (FORMAL_TEAM,))
        if holder is None or spell is None or not formal or affiliation.get("active") is False:
            return
        members = self._members.setdefault(holder, [(holder, ALWAYS)])
        member = self._facts.target(affiliation.get("participatingOrganization"))
        if member is not None:
            members.append((member, spell))
