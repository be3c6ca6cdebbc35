"""What a search would find among the resources that a transaction is about to write."""

from __future__ import annotations

import pytest

from fhir_server.interactions.own import Own
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.wire import Tree
from fhir_server.search.parse import criteria_of
from tests.builders import SYSTEM, observation, patient
from tests.fhir_server.interactions.performing import BASE, Performer, refused

TREES: dict[str, Tree] = {
    "a": patient("1", family="Payet", active=True),
    "b": patient("2", family="Hoarau"),
    "c": patient(family="Payet-Hoarau", birthDate="1950-01-01"),
}


@pytest.fixture
def own(perform: Performer) -> Own:
    own = Own(perform.server, now())
    for name, tree in TREES.items():
        own.add(Key("Patient", name), tree, BASE)
    own.add(Key("Observation", "o"), observation(f"{BASE}/Patient/a"), BASE)
    return own


@pytest.mark.parametrize(
    ("type", "criteria", "expected"),
    [
        ("Patient", "identifier=1", "a"),
        ("Patient", f"identifier={SYSTEM}|1", "a"),
        ("Patient", "identifier=urn:other|1", ""),
        ("Patient", "identifier=1,2", "ab"),
        ("Patient", f"identifier={SYSTEM}|", "ab"),
        ("Patient", "identifier=1&family=hoarau", ""),
        ("Patient", "family=payet&identifier=1", "a"),
        ("Patient", "family=payet", "ac"),
        ("Patient", "family:exact=Payet", "a"),
        ("Patient", "family:exact=payet", ""),
        ("Patient", "birthdate=1950", "c"),
        ("Patient", "_id=b", "b"),
        ("Patient", "_lastUpdated=gt2000", "abc"),
        ("Patient", "identifier:not=1", "bc"),
        ("Patient", "identifier:missing=true", "c"),
        ("Observation", "subject=Patient/a", "o"),
        ("Observation", "subject=Patient/b", ""),
        ("Person", "identifier=1", ""),
    ],
)
def test_criteria_find_what_a_search_would_find(own: Own, type: str, criteria: str, expected: str) -> None:
    found = own.matching(criteria_of(type, criteria, BASE))

    assert found == {Key(type, name) for name in expected}


def test_an_unsound_resource_has_no_place_in_an_index(own: Own) -> None:
    with refused(422, "code-invalid", "Patient.gender"):
        own.add(Key("Patient", "d"), patient("1", gender="blue"), BASE)

    assert own.matching(criteria_of("Patient", "identifier=1")) == {Key("Patient", "a")}
