"""The person's family and proxies: who represents them by law, and whom they let read.

A legal representative stands for a minor until their majority, and for a protected adult as far and as long as a
measure of protection says (`mesure-protection`). A carer or a trusted person reads what a consent lists, and nothing
without one: neither being a daughter nor being in the circle opens anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import MAXYEAR, timedelta
from typing import Final

from fhir_server.access.cells import Cells
from fhir_server.access.consents import CARER, OUTSIDE, PROTECTION, TRUSTED, Consents
from fhir_server.access.facts import Facts, coded, key_of
from fhir_server.access.spells import ALWAYS, Spell, cut, meet, moment_in, spell_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import EPOCH, moment_of
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import Tie

MAJORITY: Final = 18  # years
_NOS: Final = "https://mos.esante.gouv.fr/NOS"
# Who acts for a minor by law. A mother is not named by being a mother: holding parental authority is what counts.
_LEGAL: Final = (
    (f"{_NOS}/TRE_R260-HL7RoleClass/FHIR/TRE-R260-HL7RoleClass", ("GUARD",)),
    (f"{_NOS}/TRE_R216-HL7RoleCode/FHIR/TRE-R216-HL7RoleCode", ("RESPRSN",)),
    (f"{_NOS}/TRE_R217-ProtectionJuridique/FHIR/TRE-R217-ProtectionJuridique", ("TUTEUR",)),
    ("http://terminology.hl7.org/CodeSystem/v3-RoleCode", ("GUARD",)),
)
_TIES: Final = ((PROTECTION, Tie.REPRESENTATIVE), (CARER, Tie.CARER), (TRUSTED, Tie.TRUSTED))


@immutable
class Relation:
    """A RelatedPerson's tie during one stretch of time. `named`: the cells that a consent names them for."""

    actor: Key
    tie: Tie
    allow: int
    named: int
    spell: Spell


def relations_of(facts: Facts, consents: Consents, cells: Cells) -> Iterator[Relation]:
    """The ties of the person's relatives."""
    for relative in facts.of("RelatedPerson"):
        spell = spell_of(relative.get("period"))
        if (
            spell is None
            or relative.get("active") is False
            or facts.target(relative.get("patient")) not in facts.records
        ):
            continue
        actor = key_of(relative)
        minor = meet(spell, minority_of(facts.patient)) if _legal(relative) else None
        for piece in cut(spell, (*consents.moments(), *(minor or ()))):
            named = consents.at(piece[0], OUTSIDE, actor)[0]
            ties = {tie: consents.at(piece[0], code, actor)[0] for code, tie in _TIES}
            if meet(piece, minor) is not None:
                ties[Tie.REPRESENTATIVE] = cells.all
            for tie, allow in ties.items():
                if allow:
                    # A grant names its holder: what it lists is consented to.
                    yield Relation(
                        actor, tie, allow, named | (0 if tie is Tie.REPRESENTATIVE else allow), piece
                    )


def minority_of(patient: Tree | None) -> Spell | None:
    """Until when the person is a minor. None when nothing says that they were one: a date of birth is needed."""
    born = moment_in(patient.get("birthDate")) if patient is not None else None
    if born is None:
        return None
    # Of a year or a month alone, the earliest day: representation ends rather too early than too late.
    birth = EPOCH + timedelta(microseconds=born)
    if birth.year > MAXYEAR - MAJORITY:
        return ALWAYS
    try:
        majority = birth.replace(year=birth.year + MAJORITY)
    except ValueError:  # the 29th of February
        majority = birth.replace(year=birth.year + MAJORITY, month=3, day=1)
    return 0, moment_of(majority)


def _legal(relative: Tree) -> bool:
    return any(coded(relative.get("relationship"), system, codes) for system, codes in _LEGAL)
