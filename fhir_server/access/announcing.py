"""What is announced of a person's circle, and to whom: somebody joined, a consent was recorded, a relative was given
rights, emergency access taken, somebody was invited to have an account.

An announcement is a Communication, so that those whom it is addressed to keep it, and nobody else reads it: to the
person, to the référent and to the médecin traitant, but for whoever did it. These are no sender of it: to whom it went
tells who is in a circle that they may not see.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from fhir_server.access.caller import Caller
from fhir_server.access.cells import Cells
from fhir_server.access.emergency import reason_in
from fhir_server.access.facts import ROOT, Facts, key_of
from fhir_server.access.links import links_of
from fhir_server.access.raising import kin_raised
from fhir_server.access.standing import Write
from fhir_server.access.teams import managers_of, participations_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.wire import Tree

EVENTS: Final = f"{ROOT}/CodeSystem/evenement-coordination"
CIRCLE_CHANGED: Final = "CER"
EMERGENCY: Final = "ACC"
_KINDS: Final = "http://terminology.hl7.org/CodeSystem/communication-category"
_ANNOTATING: Final = frozenset({"Practitioner", "Patient", "RelatedPerson", "Organization"})
_SENTENCES: Final = {
    CIRCLE_CHANGED: "Le cercle de soins, les proches ou les consentements de cette personne ont changé",
    EMERGENCY: "Un professionnel a pris un accès en urgence au dossier de cette personne",
}


def announcement_of(
    writes: Collection[Write], before: Facts, later: Facts, caller: Caller, cells: Cells, id: str, now: int
) -> Tree | None:
    """What these writes about one person announce, to be written as `Communication/id`; None: nothing, or to nobody."""
    grants = [write.new for write in writes if write.warrant == "emergency" and write.new is not None]
    if later.patient is None or not (grants or announced(writes, before, later, cells, now)):
        return None
    recipients = [key for key in audience_of(later, now) if key not in caller.actors]
    if not recipients:
        return None
    event = EMERGENCY if grants else CIRCLE_CHANGED
    said = "\n".join(map(reason_in, grants)) or _SENTENCES[event]
    about = {key_of(write.tree) for write in writes}
    return _told(event, _SENTENCES[event], said, about, recipients, later, caller, id, now)


def announced(writes: Collection[Write], before: Facts, later: Facts, cells: Cells, now: int) -> bool:
    """Whether the person and the référent are to be told: somebody joined, a consent was recorded, a relative has more
    rights than before.
    """
    for write in writes:
        kind = write.tree["resourceType"]
        if kind == "Consent" and write.new is not None:
            return True
        if kind == "CareTeam":
            old = [] if write.old is None else list(participations_of(write.old, before))
            new = [] if write.new is None else list(participations_of(write.new, before))
            if {one.member for one in new} - {one.member for one in old}:
                return True
    if not later.of("RelatedPerson") or before.patient is None:
        return False
    kinds = {write.tree["resourceType"] for write in writes}
    return not kinds.isdisjoint({"Patient", "RelatedPerson"}) and kin_raised(
        links_of(before, cells, now), links_of(later, cells, now), now
    )


def invitation_announced(
    sentence: str, invited: Key, facts: Facts, caller: Caller, id: str, now: int
) -> Tree | None:
    """That somebody was invited to have an account here, or has one, to be written as `Communication/id`.

    None: there is nobody to tell but whoever did it.
    """
    recipients = [key for key in audience_of(facts, now) if key not in caller.actors]
    if not recipients:
        return None
    return _told(CIRCLE_CHANGED, sentence, sentence, {invited}, recipients, facts, caller, id, now)


def _told(
    event: str,
    sentence: str,
    said: str,
    about: Collection[Key],
    recipients: Collection[Key],
    facts: Facts,
    caller: Caller,
    id: str,
    now: int,
) -> Tree:
    tree: Tree = {
        "resourceType": "Communication",
        "id": id,
        "status": "completed",
        "category": [
            {"coding": [{"system": _KINDS, "code": "notification"}]},
            {"coding": [{"system": EVENTS, "code": event}]},
        ],
        "subject": {"reference": str(facts.person)},
        "about": [{"reference": str(key)} for key in sorted(about)],
        "sent": instant_text(now),
        "recipient": [{"reference": str(key)} for key in recipients],
    }
    tree["payload"] = [{"contentString": sentence}]
    who = next((actor for actor in caller.actors if actor.type in _ANNOTATING), None)
    author = {} if who is None else {"authorReference": {"reference": str(who)}}
    tree["note"] = [{**author, "time": instant_text(now), "text": said}]
    return tree


def audience_of(facts: Facts, now: int) -> tuple[Key, ...]:
    """Whom changes of a circle are announced to: the person, then the référents and the médecin traitant."""
    found = dict.fromkeys([facts.person])
    found |= dict.fromkeys(key for key in sorted(managers_of(facts, now)) if key in facts.trees)
    for team in facts.of("CareTeam"):
        for one in participations_of(team, facts):
            open_now = one.spell[0] <= now < one.spell[1]
            if open_now and one.member in facts.trees and (one.pcp or one.coordinates):
                found[one.member] = None
    return tuple(found)
