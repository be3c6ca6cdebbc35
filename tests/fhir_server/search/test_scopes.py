"""https://hl7.org/fhir/R4/compartmentdefinition.html"""

from __future__ import annotations

import pytest

from fhir_server.definitions.catalogue import compartments, resource_types
from fhir_server.kernel.keys import Key
from fhir_server.search.query import AllOf, AnyOf, Ids, Nothing, OfTypes, Predicate, References
from tests.fhir_server.search.asking import name, only, parsed

ONE = Key("Patient", "1")


@pytest.mark.parametrize(
    ("compartment", "type", "within"),
    [
        (
            ONE,
            "Observation",
            AnyOf(
                (
                    References(name("subject", "Observation"), (ONE,)),
                    References(name("performer", "Observation"), (ONE,)),
                )
            ),
        ),
        (
            ONE,
            "Condition",
            AnyOf(tuple(References(name(c, "Condition"), (ONE,)) for c in ("subject", "asserter"))),
        ),
        (ONE, "Patient", AnyOf((Ids(("1",)), References(name("link"), (ONE,))))),
        (ONE, "Organization", Nothing()),
        (Key("Encounter", "1"), "Encounter", Ids(("1",))),
        (
            Key("Encounter", "1"),
            "Observation",
            References(name("encounter", "Observation"), (Key("Encounter", "1"),)),
        ),
        (
            Key("Practitioner", "1"),
            "Practitioner",
            Ids(("1",)),
        ),
    ],
)
def test_a_compartment_holds_what_points_to_its_subject(
    compartment: Key, type: str, within: Predicate
) -> None:
    assert only(type, "", compartment=compartment) == within
    assert parsed(type, "", compartment=compartment).query.types == (type,)


def test_criteria_come_on_top() -> None:
    found = parsed("Observation", "_id=5", compartment=ONE)

    assert len(found.query.where) == 2
    assert found.query.where[1] == Ids(("5",))
    assert found.understood == "_id=5"


def test_a_whole_compartment_has_all_its_types_and_its_subject() -> None:
    query = parsed(None, "", compartment=ONE).query
    (within,) = query.where

    assert {"Patient", "Observation", "Encounter"} <= set(query.types) < resource_types()
    assert "Organization" not in query.types
    assert isinstance(within, AnyOf)
    assert AllOf((OfTypes(("Patient",)), Ids(("1",)))) in within.of
    assert References(name("performer", "Observation"), (ONE,)) in within.of


def test_a_whole_compartment_may_be_narrowed_to_types() -> None:
    query = parsed(None, "_type=Observation,Condition", compartment=ONE).query
    nothing = parsed(None, "_type=Organization", compartment=ONE).query

    assert query.types == ("Condition", "Observation")
    assert nothing.where == (Nothing(),)


@pytest.mark.parametrize("type", sorted(compartments()))
def test_every_compartment_of_r4_can_be_searched(type: str) -> None:
    query = parsed(None, "_lastUpdated=gt2024", compartment=Key(type, "1")).query

    assert type in query.types
    assert all(isinstance(one, References | AllOf | AnyOf | Ids) for one in query.where[0].of)  # type: ignore[union-attr]  # it is AnyOf
