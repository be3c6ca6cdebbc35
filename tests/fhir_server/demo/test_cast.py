"""The cast of the demonstration is that of its dossier."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_server.access.grants import grants_of
from fhir_server.access.roles import known_roles, roles_of
from fhir_server.demo import dossier
from fhir_server.demo.cast import CAST, Player, player

RESOURCES: dict[str, Any] = {
    "{resourceType}/{id}".format(**entry["resource"]): entry["resource"]
    for entry in json.loads(dossier())["entry"]
}
PROFESSIONALS = [one for one in CAST if one.kind == "professional" and one.actors]


def test_each_is_found_by_a_name_of_their_own() -> None:
    assert [player(one.name) for one in CAST] == list(CAST)
    assert player("directeur") is None


@pytest.mark.parametrize("one", CAST, ids=lambda one: one.name)
def test_roles_and_scopes_are_such_as_the_server_knows(one: Player) -> None:
    assert set(one.roles) <= known_roles()
    assert not grants_of(one.scope).ignored


@pytest.mark.parametrize("one", CAST, ids=lambda one: one.name)
def test_actors_are_resources_of_the_dossier(one: Player) -> None:
    assert {*one.actors, *filter(None, [one.organisation])} <= RESOURCES.keys()


@pytest.mark.parametrize("one", PROFESSIONALS, ids=lambda one: one.name)
def test_a_professional_has_the_roles_and_the_place_that_the_dossier_says(one: Player) -> None:
    role = RESOURCES[one.actors[0]]
    codings = [coding for concept in role["code"] for coding in concept["coding"]]

    told = {
        name
        for coding in codings
        for source in ("cda:author", "role")
        for name in roles_of(source, coding["system"], coding["code"])
    }

    assert set(one.roles) == told
    assert role["practitioner"]["reference"] == one.actors[1]
    assert role["organization"]["reference"] == one.actors[2] == one.organisation
