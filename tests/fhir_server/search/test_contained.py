"""https://hl7.org/fhir/R4/search.html#contained"""

from __future__ import annotations

import pytest

from fhir_server.definitions.parameters import CORE
from fhir_server.kernel.keys import Key
from fhir_server.search.contained import groups_of, held, moved
from fhir_server.search.query import (
    AllOf,
    AnyOf,
    Chain,
    Has,
    Ids,
    Listed,
    Missing,
    Name,
    Not,
    Nothing,
    OfTypes,
    Predicate,
    References,
    Strings,
    StringValue,
    Tokens,
    Updated,
    Words,
)
from tests.fhir_server.search.asking import either, name, only, parsed, refused

GROUP = "CarePlan.care-team#CareTeam"
THERE = Missing(Name(GROUP, ""), False)
NAME = Strings(name("name", "CareTeam"), (StringValue("x"),))
INSIDE = Strings(name("name", GROUP), (StringValue("x"),))
MEMBERS = References(name("participant", "CareTeam"), (Key("Practitioner", "1"),))


@pytest.mark.parametrize(
    ("predicate", "inside"),
    [
        (NAME, INSIDE),
        (MEMBERS, References(name("participant", GROUP), (Key("Practitioner", "1"),))),
        (Missing(name("name", "CareTeam"), False), Missing(name("name", GROUP), False)),
        (Missing(name("name", "CareTeam"), True), AllOf((THERE, Missing(name("name", GROUP), True)))),
        (Not(NAME), AllOf((THERE, Not(INSIDE)))),
        (Not(Ids(("1",))), THERE),
        (AnyOf((NAME, Ids(("1",)))), INSIDE),
        (AllOf((NAME, Ids(("1",)))), Nothing()),
        (
            AllOf((NAME, Missing(name("name", "CareTeam"), False))),
            AllOf((INSIDE, Missing(name("name", GROUP), False))),
        ),
        (
            Chain(name("participant", "CareTeam"), "Practitioner", Ids(("1",))),
            Chain(name("participant", GROUP), "Practitioner", Ids(("1",))),
        ),
        (Strings(name("name", "CareTeam.participant#Practitioner"), (StringValue("x"),)), Nothing()),
        (OfTypes(("CareTeam",)), THERE),
        (OfTypes(("Patient",)), Nothing()),
        (Ids(("1",)), Nothing()),
        (Updated(()), Nothing()),
        (Words("content", "x"), Nothing()),
        (Listed(Key("List", "1")), Nothing()),
        (Has(name("team", "CarePlan"), NAME), Nothing()),
    ],
)
def test_a_predicate_is_moved_to_what_a_container_holds(predicate: Predicate, inside: Predicate) -> None:
    assert moved(predicate, "CareTeam", GROUP) == inside


def test_every_container_and_every_link_may_hold_a_resource() -> None:
    groups = groups_of("Medication", CORE)

    assert {"MedicationRequest.medication#Medication", "MedicationRequest.#Medication"} <= set(groups)
    assert "List.item#Medication" in groups
    assert not any(group.startswith(("Bundle.", "Binary.")) for group in groups)
    assert not any("MedicationRequest.subject#" in group for group in groups)


def test_criteria_are_about_one_contained_resource() -> None:
    found = held((NAME, MEMBERS), "CareTeam", CORE)

    assert isinstance(found, AnyOf)
    assert AllOf((INSIDE, References(name("participant", GROUP), (Key("Practitioner", "1"),)))) in found.of
    assert Missing(Name(GROUP, ""), False) in held((), "CareTeam", CORE).of  # type: ignore[union-attr]  # AnyOf


def test_a_search_may_be_for_contained_resources_alone_or_too() -> None:
    code = Tokens(name("code", "Medication"), either("x"))
    alone = parsed("Medication", "code=x&_contained=true")
    both = parsed("Medication", "code=x&_contained=both&_containedType=contained")

    assert alone.query.types == both.query.types == ()
    (predicate,) = alone.query.where
    assert isinstance(predicate, AnyOf)
    assert Tokens(name("code", "MedicationRequest.medication#Medication"), either("x")) in predicate.of
    assert alone.inside is not None
    assert (alone.inside.mode, alone.inside.shown) == ("true", "container")
    (predicate,) = both.query.where
    assert isinstance(predicate, AnyOf)
    assert AllOf((OfTypes(("Medication",)), code)) in predicate.of
    assert both.inside is not None
    assert (both.inside.mode, both.inside.shown) == ("both", "contained")
    assert both.inside.where == (code,)
    assert both.understood == "code=x&_contained=both&_containedType=contained"


def test_contained_resources_are_none_of_an_ordinary_search() -> None:
    assert (
        parsed("Medication", "code=x&_contained=false").query.where
        == parsed("Medication", "code=x").query.where
    )
    assert parsed("Medication", "code=x&_contained=false").inside is None


@pytest.mark.parametrize(
    ("type", "text", "part"),
    [
        ("Medication", "_contained=yes", "'_contained' is one of false, true, both"),
        ("Medication", "_contained=true&_containedType=x", "'_containedType' is one of"),
        (None, "_contained=true&_id=x", "at most 8 types"),
        ("Medication", "_contained=true&code=" + ",".join(map(str, range(900))), "too many values"),
    ],
)
def test_what_contained_resources_cannot_be_asked_is_refused(type: str | None, text: str, part: str) -> None:
    assert part in refused(type, text, lenient=True)[0]


def test_with_contained_resources_other_sorts_are_passed_over() -> None:
    query = "code=x&_contained=both&_sort=status,_id"

    found = parsed("Medication", query, lenient=True)

    assert (found.query.sort, found.understood) == ((), "code=x&_contained=both")
    (warning,) = found.issues
    assert "sorted by '_id' and '_lastUpdated' only" in warning.text
    assert refused("Medication", query) == [warning.text]
    assert parsed("Medication", "code=x&_contained=both&_sort=-_id").query.sort


def test_an_id_is_that_of_no_contained_resource() -> None:
    assert only("Medication", "_id=1&_contained=true") == Nothing()
