"""Emergency access (*bris de glace*): who may take it, the grant that it leaves, and how long that lasts.

A grant is a `Basic` of the person: the one R4 resource for what has no other, with an extension for the rest. A
Consent would say that the person decided, a Task that somebody is to do something, and an AuditEvent is sealed and
has no end. Being a resource, a grant has a history, the person reads it, and links follow from it again after a
restore. Only `Patient/$emergency-access` makes one.

https://hl7.org/fhir/R4/basic.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fhir_server.access.caller import Caller
from fhir_server.access.consents import EXCLUSION, NO_EMERGENCY, Consents
from fhir_server.access.decisions import CONSENT, WHO, WRITING, Decision, allowed, refused
from fhir_server.access.facts import GRANT, GRANT_TYPES, ROOT, Facts
from fhir_server.access.levels import SUBSTANTIAL, reaches
from fhir_server.access.reading import extensions
from fhir_server.access.roles import REGULATOR
from fhir_server.access.spells import Spell, cut, spell_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.wire import Tree

DETAIL: Final = f"{ROOT}/StructureDefinition/acces-urgence"
DURATION: Final = 4 * 60 * 60 * 1_000_000  # µs
SHORTEST_REASON: Final = 15  # characters
_ROLES: Final = frozenset({"medecin", "infirmier", "maieutique-dentaire", REGULATOR})


def may_break_glass(caller: Caller, facts: Facts, consents: Consents, reason: str, now: int) -> Decision:
    """Whether a caller may take emergency access to a person now, and for this reason."""
    if caller.kind != "professional" or caller.acting is None or caller.delegator is not None:
        return refused(WRITING, "emergency: for a professional in person")
    if _ROLES.isdisjoint(caller.roles):
        return refused(WRITING, "emergency: not for this role")
    if not reaches(caller.level, SUBSTANTIAL):
        return refused(WHO, "emergency: authentication below substantial", level=SUBSTANTIAL)
    if len(" ".join(reason.split())) < SHORTEST_REASON:
        return refused(WRITING, f"emergency: a reason of at least {SHORTEST_REASON} characters is needed")
    if consents.at(now, NO_EMERGENCY)[1]:
        return refused(CONSENT, f"consent: {NO_EMERGENCY}")
    if any(consents.at(now, EXCLUSION, actor)[1] for actor in caller.actors):
        return refused(CONSENT, f"consent: {EXCLUSION}")
    if _plain(reason) in {_plain(said) for actor, said in _reasons(facts) if actor in caller.actors}:
        return refused(WRITING, "emergency: a new reason is needed")
    return allowed(WRITING, "emergency")


def grant_of(caller: Caller, person: Key, id: str, reason: str, now: int) -> Tree:
    """The grant for the next four hours, to be written as the resource `Basic/id`."""
    since, until = instant_text(now), instant_text(now + DURATION)
    return {
        "resourceType": "Basic",
        "id": id,
        "extension": [
            {
                "url": DETAIL,
                "extension": [
                    {"url": "periode", "valuePeriod": {"start": since, "end": until}},
                    {"url": "motif", "valueString": " ".join(reason.split())},
                ],
            }
        ],
        "code": {"coding": [{"system": GRANT_TYPES, "code": GRANT}]},
        "subject": {"reference": str(person)},
        "created": since[:10],
        "author": {"reference": str(caller.acting)},
    }


def spells_of(facts: Facts, consents: Consents) -> Iterator[tuple[Key, Spell]]:
    """Who has emergency access, and when: an opposition recorded later ends it at once."""
    for grant in facts.of("Basic"):
        actor = facts.target(grant.get("author"))
        period = _detail(grant, "periode", "valuePeriod") or {}
        spell = spell_of(period)
        if actor is None or spell is None or not {"start", "end"} <= period.keys():
            continue
        for since, until in cut((spell[0], min(spell[1], spell[0] + DURATION)), consents.moments()):
            if not consents.at(since, NO_EMERGENCY)[1]:
                yield actor, (since, until)


def _reasons(facts: Facts) -> Iterator[tuple[Key | None, str]]:
    for grant in facts.of("Basic"):
        yield facts.target(grant.get("author")), reason_in(grant)


def reason_in(grant: Tree) -> str:
    """Why emergency access was taken, as whoever took it said."""
    return _detail(grant, "motif", "valueString") or ""


def _plain(reason: str) -> str:
    return " ".join(reason.split()).casefold()


def _detail(grant: Tree, name: str, value: str) -> Any:
    details = (inner for outer in extensions(grant, DETAIL) for inner in extensions(outer, name))
    return next((inner[value] for inner in details if value in inner), None)
