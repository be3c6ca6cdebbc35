"""What everybody of the demonstration sees of its dossier: their part of the access matrix, by search and by read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import chain
from typing import Any, Final

import pytest
import pytest_asyncio

from fhir_server.demo import dossier
from fhir_server.demo.cast import CAST, Player, player
from tests.flows.callers import Door, door, found, played

pytestmark = pytest.mark.asyncio(loop_scope="session")

DIRECTORY: Final = {"Organization", "Practitioner", "PractitionerRole"}
# The dossier by category of the matrix. The ids are without `payet-`.
PARTS: Final = {
    "identite": "Patient/payet RelatedPerson/isabelle",
    "sante": (
        "AllergyIntolerance/penicilline Condition/gonarthrose Condition/hypertension "
        "Condition/insuffisance-cardiaque Condition/medicaments Condition/mobilite Encounter/hospitalisation "
        "Observation/tension-1 Observation/tension-2 Observation/tension-3 Observation/tension-4 Observation/tension-5 "
        "DocumentReference/bilan-medication DocumentReference/lettre-liaison DocumentReference/synthese "
        "Binary/bilan-medication Binary/lettre-liaison Binary/synthese"
    ),
    "social": "Condition/isolement",
    "autonomie": "Observation/gir-1 Observation/gir-2 QuestionnaireResponse/aggir-1 QuestionnaireResponse/aggir-2",
    "coordination": (
        "Appointment/bilan CareTeam/payet Encounter/visite-1 Encounter/visite-2 EpisodeOfCare/payet "
        "Task/retour-domicile"
    ),
    "plan": (
        "CarePlan/ppcs Goal/objectif-accueil-jour Goal/objectif-domicile Goal/objectif-lien Goal/objectif-marche "
        "Goal/objectif-medicaments Task/action-apa Task/action-logement Task/action-pilulier Task/action-sorties "
        "Task/action-tension Task/action-traitement"
    ),
    "liaison": (
        "DocumentReference/note-chute DocumentReference/note-consigne DocumentReference/note-fille "
        "DocumentReference/note-tension DocumentReference/note-visite-dac"
    ),
    "message": "Communication/avis-demande Communication/avis-reponse Communication/conversation",
    "consentement": (
        "Consent/acces-aidante Consent/information Consent/non-opposition Consent/reconnaissance "
        "Consent/reconnaissance-cardiologue Consent/reconnaissance-coordonnatrice Consent/reconnaissance-ssiad"
    ),
    "sollicitation": "Task/sollicitation",
}
# By the name of a player: whole categories, then what else: their own, or in the minimal view.
SEEN: Final = {
    "medecin-traitant": " ".join(PARTS),
    "infirmier": "identite sante autonomie coordination plan liaison message consentement",
    "cardiologue": "identite sante autonomie coordination plan liaison message consentement",
    "pharmacien": "identite sante plan liaison consentement Appointment/bilan CareTeam/payet",
    "coordonnateur": "identite sante social autonomie coordination plan liaison consentement sollicitation",
    "aide-domicile": "identite AllergyIntolerance/penicilline Appointment/bilan CareTeam/payet plan liaison",
    "personne": "identite sante social autonomie coordination plan liaison consentement",
    # The plan and those of the notes that are open to carers; the note of the nurse is not.
    "aidant": (
        "plan DocumentReference/note-chute DocumentReference/note-consigne DocumentReference/note-fille "
        "DocumentReference/note-visite-dac"
    ),
    "logiciel-ssiad": "identite sante autonomie coordination plan liaison consentement",
    "dpo": "consentement",
    # The stay is over; of no circle; not about persons.
    "geriatre": "",
    "medecin-inconnu": "",
    "annuaire": "",
    "operateur": "",
}


def named(text: str) -> set[str]:
    """The resources that categories and short names stand for."""
    shorts = chain.from_iterable(PARTS.get(word, word).split() for word in text.split())
    pairs = (short.split("/") for short in shorts)
    return {f"{type_}/{id_}" if id_ == "payet" else f"{type_}/payet-{id_}" for type_, id_ in pairs}


def listed() -> dict[str, dict[str, Any]]:
    return {entry["request"]["url"]: entry["resource"] for entry in json.loads(dossier())["entry"]}


ALL: Final = {key for key, tree in listed().items() if tree["resourceType"] not in DIRECTORY}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shown(databases: Any, migrated: str) -> AsyncIterator[Door]:
    url = databases.create(migrated)
    async with door(url, demo=True) as opened:
        await opened.load(dossier())
        yield opened
    databases.drop(url)


async def test_the_parts_are_the_whole_dossier_and_the_cast_is_told_of() -> None:
    assert named(" ".join(PARTS)) == ALL
    assert set(SEEN) == {one.name for one in CAST}


@pytest.mark.parametrize("one", CAST, ids=lambda one: one.name)
async def test_each_finds_and_reads_their_part_and_no_more(shown: Door, one: Player) -> None:
    client = await shown.by(played(one), one.scope)
    expected = named(SEEN[one.name])

    searched: set[str] = set()
    for type_ in sorted({key.partition("/")[0] for key in ALL}):
        searched |= await found(client, f"{type_}?_count=50")
    statuses = {key: (await client.get(key)).status_code for key in sorted(ALL)}

    assert searched == expected
    assert statuses == {key: 200 if key in expected else 404 for key in ALL}


@pytest.mark.parametrize("one", CAST, ids=lambda one: one.name)
async def test_everybody_reads_the_directory(shown: Door, one: Player) -> None:
    client = await shown.by(played(one), one.scope)

    seen = {type_: len(await found(client, f"{type_}?_count=50")) for type_ in sorted(DIRECTORY)}

    assert seen == {"Organization": 7, "Practitioner": 7, "PractitionerRole": 7}


async def test_the_search_that_the_token_command_suggests_finds_the_blood_pressures(shown: Door) -> None:
    nurse, helper = player("infirmier"), player("aide-domicile")
    assert nurse is not None
    assert helper is not None

    pressures = await found(await shown.by(played(nurse)), "Observation?patient=Patient/payet")
    none = await found(await shown.by(played(helper)), "Observation?patient=Patient/payet")

    assert {f"Observation/payet-tension-{number}" for number in range(1, 6)} <= pressures
    assert none == set()
