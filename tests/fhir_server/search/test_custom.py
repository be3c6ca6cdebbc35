"""https://hl7.org/fhir/R4/searchparameter.html"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.catalogue import national_search_parameters, search_parameters
from fhir_server.kernel.errors import Conflict, FhirError, Invalid
from fhir_server.kernel.wire import Tree
from fhir_server.search.custom import change_of, in_force, is_active, require_admissible
from tests.builders import search_parameter

EXTENDED = {"extension": [{"url": "https://example.org/e", "valueCode": "unknown"}]}
R4 = [one for one in search_parameters() if one not in national_search_parameters()]


def admitted(definition: Tree, *others: Tree) -> bool:
    """Whether it comes into force beside the others."""
    known = {str(number): other for number, other in enumerate(others)}
    require_admissible(definition, known)
    return definition in in_force({**known, "z": definition})


def refusal(definition: Tree, *others: Tree) -> FhirError:
    with pytest.raises(FhirError) as caught:
        admitted(definition, *others)
    return caught.value


@pytest.mark.parametrize(
    ("type", "expression"),
    [
        ("token", "Patient.maritalStatus"),
        ("string", "Patient.contact.name.family"),
        ("date", "Patient.contact.period"),
        ("reference", "Patient.contact.organization"),
        ("uri", "Patient.extension.where(url='https://example.org/e').value.as(uri)"),
        ("number", "Patient.multipleBirth as integer"),
        ("quantity", "Patient.extension.where(url='https://example.org/e').value.as(Quantity)"),
        (
            "string",
            "Patient.name.where(use = 'maiden' and family.exists()).family",
        ),  # for the FHIRPath engine
    ],
)
def test_a_readable_definition_comes_into_force(type: str, expression: str) -> None:
    assert admitted(search_parameter("new", type=type, expression=expression))


@pytest.mark.parametrize(
    ("elements", "place"),
    [
        ({"expression": "Patient.("}, "SearchParameter.expression"),
        ({"expression": "Patient.nosuchelement"}, "SearchParameter.expression"),
        ({"expression": "Patient.name"}, "SearchParameter.expression"),  # no token is made of a HumanName
        ({"expression": None}, "SearchParameter.expression"),
        ({"type": "composite"}, "SearchParameter.type"),
        ({"type": "special"}, "SearchParameter.type"),
        ({"code": "a.b"}, "SearchParameter.code"),
        ({"code": "-"}, "SearchParameter.code"),
        ({"code": "--a"}, "SearchParameter.code"),
        ({"code": "_count"}, "SearchParameter.code"),
        ({"code": "of:type"}, "SearchParameter.code"),
        ({"url": None, "_url": EXTENDED}, "SearchParameter.url"),
        ({"code": None, "_code": EXTENDED}, "SearchParameter.code"),
        ({"type": None, "_type": EXTENDED}, "SearchParameter.type"),
        ({"base": ["Patient", None], "_base": [None, EXTENDED]}, "SearchParameter.base[1]"),
        (
            {
                "type": "reference",
                "expression": "Patient.link.other",
                "target": [None, "Patient"],
                "_target": [EXTENDED, None],
            },
            "SearchParameter.target[0]",
        ),
    ],
)
def test_what_cannot_be_searched_by_is_refused_with_its_place(elements: dict[str, Any], place: str) -> None:
    named = {**search_parameter("new"), **elements}
    definition = {name: value for name, value in named.items() if value is not None}
    error = refusal(definition)

    assert is_active(definition)

    assert isinstance(error, Invalid)
    assert [issue.expression for issue in error.issues] == [place]


def test_it_is_told_where_an_expression_cannot_be_read() -> None:
    (unreadable,) = refusal(search_parameter("new", expression="Patient.((")).issues
    (without_values,) = refusal(search_parameter("new", expression="Patient.nosuchelement")).issues

    assert (unreadable.code, unreadable.expression) == ("invalid", "SearchParameter.expression")
    assert "character 9" in unreadable.text  # behind the dot
    assert without_values.code == "not-supported"


@pytest.mark.parametrize("base", ["Patient", "DomainResource", "Resource"])
def test_r4s_own_parameter_is_never_shadowed(base: str) -> None:
    error = refusal(search_parameter("family", base=[base], expression=f"{base}.meta.tag"))

    assert isinstance(error, Invalid)
    assert "R4's own" in str(error)


def test_a_code_that_differs_by_case_alone_is_no_other_code() -> None:
    assert isinstance(refusal(search_parameter("Family")), Invalid)
    assert isinstance(
        refusal(search_parameter("New"), search_parameter("new", expression="Patient.active")), Conflict
    )
    assert not admitted(search_parameter("New", url="https://example.org/2"), search_parameter("new"))


def test_what_says_the_same_as_r4_changes_nothing() -> None:
    definition = search_parameter(
        "source", base=["List"], type="reference", expression="List.source", target=["Patient"]
    )

    assert not admitted(definition)


def test_a_copy_of_r4s_own_need_not_come_into_force() -> None:
    copies = [{**one, "status": "active"} for one in R4]

    assert not any(map(is_active, copies))


def test_a_status_that_is_an_extension_alone_is_not_active() -> None:
    definition = {**search_parameter("new"), "_status": EXTENDED}
    del definition["status"]

    assert not is_active(definition)


def test_a_changed_copy_of_r4s_own_is_refused() -> None:
    (own,) = [one for one in R4 if one["id"] == "Patient-active"]

    with pytest.raises(Invalid):
        is_active({**own, "status": "active", "expression": "Patient.deceased"})


def test_a_second_definition_of_a_code_is_a_conflict() -> None:
    assert isinstance(
        refusal(search_parameter("new"), search_parameter("new", expression="Patient.active")), Conflict
    )


def test_a_second_definition_of_the_same_changes_nothing() -> None:
    assert not admitted(search_parameter("new", url="https://example.org/2"), search_parameter("new"))


def test_a_national_parameter_is_replaced_by_its_url_alone() -> None:
    (national,) = [one for one in national_search_parameters() if one["code"] == "birthplace"]
    other = {**national, "expression": "Patient.address.city"}

    assert admitted(other)
    assert isinstance(refusal({**other, "url": "https://example.org/other"}), Conflict)


def test_nothing_shipped_shadows_r4() -> None:
    own = {(base, one["code"]) for one in R4 for base in one.get("base", ())}

    assert not own & {(base, one["code"]) for one in national_search_parameters() for base in one["base"]}


def test_a_new_parameter_is_to_be_indexed_and_leaves_nothing_behind() -> None:
    change = change_of({}, {"1": search_parameter("new")})

    assert (change.types, change.exact) == ({"Patient": frozenset({"new"})}, False)


def test_a_new_link_leaves_rows_of_contained_resources_behind() -> None:
    definition = search_parameter("new", type="reference", expression="Patient.contact.organization")

    assert change_of({}, {"1": definition}).exact


@pytest.mark.parametrize(
    "elements", [{"expression": "Patient.active"}, {"type": "string", "expression": "Patient.name"}]
)
def test_a_changed_parameter_leaves_rows_behind(elements: dict[str, Any]) -> None:
    change = change_of({"1": search_parameter("new")}, {"1": {**search_parameter("new"), **elements}})

    assert (change.types, change.exact) == ({"Patient": frozenset({"new"})}, True)


def test_a_parameter_that_goes_leaves_rows_behind() -> None:
    change = change_of({"1": search_parameter("new")}, {})

    assert (change.types, change.exact) == ({"Patient": frozenset()}, True)


def test_another_definition_that_says_the_same_takes_over_without_any_work() -> None:
    one, other = search_parameter("new"), search_parameter("new", url="https://example.org/2")

    assert not change_of({"1": one, "2": other}, {"2": other}).types


def test_a_parameter_of_every_resource_is_one_of_every_type() -> None:
    definition = search_parameter("new", base=["Resource"], type="uri", expression="Resource.implicitRules")

    assert len(change_of({}, {"1": definition}).types) == 146


def test_what_this_version_cannot_read_is_left_out() -> None:
    assert in_force({"1": search_parameter("new", expression="Patient.(")}) == ()
