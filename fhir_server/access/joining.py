"""Joining and leaving a circle: `CareTeam/$join` and `CareTeam/$leave` as new versions of the circle, and the INS.

Somebody whom nobody invited may still join, if they present what only a professional in front of the person has: the
full INS and the five strict traits. That tells them that the person is known here, which is one of the three things
that this server tells about what a caller does not see.

https://esante.gouv.fr/produits-services/identifiant-national-de-sante
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from typing import Any, Final

from fhir_server.access.facts import codings_in, target_of
from fhir_server.access.reading import extensions
from fhir_server.access.spells import spell_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree

# NIR and NIA, then those of tests and demonstrations.
INS_SYSTEMS: Final = frozenset(f"urn:oid:1.2.250.1.213.1.4.{last}" for last in (8, 9, 10, 11))
CIRCLE: Final = "https://interop.esante.gouv.fr/ig/fhir/cds/StructureDefinition/cds-ihe-careteam"
_BIRTH_NAMES: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-birth-list-given-name"
_BIRTH_PLACE: Final = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
_COMMUNE: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code"
_MILLISECOND: Final = 1000  # µs


@immutable
class Traits:
    """The INS and the five traits. Names are folded: capitals, without accents, one space between words."""

    system: str
    ins: str
    family: str
    given: str
    birth_date: str
    gender: str
    birth_place: str  # COG code


def traits_of(patient: Tree) -> Traits | None:
    """The INS and traits of a Patient. None when anything of it is missing."""
    numbers = [
        (each["system"], each["value"])
        for each in patient.get("identifier", ())
        if each.get("system") in INS_SYSTEMS and each.get("value") and each.get("use") != "old"
    ]
    names = [name for name in patient.get("name", ()) if name.get("use") == "official"]
    if len(set(numbers)) != 1 or len(names) != 1:
        return None
    [name] = names
    given = _extended(name, _BIRTH_NAMES, "valueString") or " ".join(filter(None, name.get("given", ())))
    found = Traits(
        *numbers[0],
        folded(name.get("family", "")),
        folded(given),
        patient.get("birthDate", ""),
        patient.get("gender", ""),
        _place(patient),
    )
    complete = (found.ins, found.family, found.given, found.birth_date, found.gender, found.birth_place)
    return found if all(complete) else None


def presents(shown: Tree, patient: Tree) -> bool:
    """Whether a Patient that somebody shows has the INS and the five traits of the one that is here."""
    identity = traits_of(shown)
    return identity is not None and identity == traits_of(patient)


def folded(name: str) -> str:
    """A name as identities are compared: `Jean-Noël` and `JEAN NOEL` are one."""
    plain = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae"))
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^0-9A-Z]+", " ", letters.upper()).split())


def joined(circle: Tree, member: Key, now: int, role: Tree | None = None) -> Tree:
    """The circle with a member from now on; as it is when they are in it already."""
    if takes_part(circle, member, now):
        return circle
    entry: Tree = {} if role is None else {"role": [role]}
    entry |= {"member": {"reference": str(member)}, "period": {"start": instant_text(now)}}
    return {**circle, "participant": [*circle.get("participant", ()), entry]}


def takes_part(circle: Tree, member: Key, now: int) -> bool:
    """Whether somebody is in a circle at a moment."""
    return any(_is_open(participant, (member,), now) for participant in circle.get("participant", ()))


def left(circle: Tree, members: Collection[Key], now: int) -> Tree:
    """The circle without these members from now on: what they took part in before stays told."""
    kept = []
    for participant in circle.get("participant", ()):
        spell = spell_of(participant.get("period"))
        if target_of(participant.get("member")) not in members or (spell is not None and spell[1] <= now):
            kept.append(participant)
        elif spell is not None and spell[0] < now - _MILLISECOND:
            # An end is of its whole millisecond: the last one that they took part in.
            end = instant_text(now - _MILLISECOND)
            kept.append({**participant, "period": {**participant.get("period", {}), "end": end}})
    if kept:
        return {**circle, "participant": kept}
    return {name: value for name, value in circle.items() if name != "participant"}


def circle_of(person: Key, id: str, identifier: Tree, name: str, now: int) -> Tree:
    """A first circle, with nobody in it yet. https://interop.esante.gouv.fr/ig/fhir/cds"""
    return {
        "resourceType": "CareTeam",
        "id": id,
        "meta": {"profile": [CIRCLE]},
        "identifier": [identifier],
        "status": "active",
        "name": name,
        "subject": {"reference": str(person)},
        "period": {"start": instant_text(now)},
    }


def _is_open(participant: Tree, members: Collection[Key], now: int) -> bool:
    spell = spell_of(participant.get("period"))
    return (
        target_of(participant.get("member")) in members and spell is not None and spell[0] <= now < spell[1]
    )


def _extended(element: Tree, url: str, value: str) -> Any:
    return next((found[value] for found in extensions(element, url) if value in found), None)


def _place(patient: Tree) -> str:
    address = _extended(patient, _BIRTH_PLACE, "valueAddress") or {}
    return next((code for _, code in codings_in(_extended(address, _COMMUNE, "valueCoding"))), "")
