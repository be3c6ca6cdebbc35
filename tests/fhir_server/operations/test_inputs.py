"""https://hl7.org/fhir/R4/operations.html#executing"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.wire import Tree, encode
from fhir_server.operations.inputs import Inputs, inputs_of
from fhir_server.operations.operation import taken
from fhir_server.store.memory import MemoryStore
from tests.fhir_server.interactions.performing import Performer, refused
from tests.fhir_server.operations.asking import parameters

NOON = "2024-02-29T12:00:00+01:00"
WANTED = {
    parameter["name"]: parameter
    for parameter in (
        taken("start", "date", ""),
        taken("since", "instant", ""),
        taken("many", "code", "", max="*"),
        taken("count", "integer", ""),
        taken("flag", "boolean", ""),
        taken("where", "uri", ""),
        taken("meta", "Meta", ""),
    )
}


def read(
    query: str = "", body: Tree | None = None, wanted: dict[str, Tree] = WANTED, *, searching: bool = False
) -> Inputs:
    server = Performer(MemoryStore()).server
    call = Call(Action.OPERATION, "Patient", query=query, body=encode(body) if body else b"")
    return inputs_of(call, wanted, server, searching=searching)


@pytest.mark.parametrize(
    ("query", "parameter", "name", "value"),
    [
        ("start=2024-02", {"valueDate": "2024-02"}, "start", "2024-02"),
        ("start=2024-02-29", {"valueString": "2024-02-29"}, "start", "2024-02-29"),
        ("since=2024-02-29T12:00:00%2B01:00", {"valueInstant": NOON}, "since", NOON),
        ("since=2024-02-29T12:00:00+01:00", {"valueDateTime": NOON}, "since", NOON),
        ("count=12", {"valueInteger": 12}, "count", 12),
        ("count=-1", {"valueString": "-1"}, "count", -1),
        ("flag=true", {"valueBoolean": True}, "flag", True),
        ("flag=false", {"valueString": "false"}, "flag", False),
        ("where=urn:x", {"valueUri": "urn:x"}, "where", "urn:x"),
    ],
)  # fmt: skip
def test_an_input_means_the_same_in_the_address_and_in_parameters(
    query: str, parameter: Tree, name: str, value: Any
) -> None:
    assert read(query).one(name) == value
    assert read(body=parameters({"name": name, **parameter})).one(name) == value


def test_inputs_of_the_address_and_of_the_body_come_together() -> None:
    inputs = read("many=a&_format=json&_pretty=true", parameters({"name": "many", "valueCode": "b"}))

    assert inputs.all("many") == ("a", "b")
    assert inputs.given == (("many", "a"), ("many", "b"))


def test_what_did_not_come_is_not_there() -> None:
    inputs = read()

    assert inputs.one("start") is None
    assert inputs.all("many") == ()


def test_a_complex_input_comes_as_it_is() -> None:
    meta = {"tag": [{"code": "x"}]}

    assert read(body=parameters({"name": "meta", "valueMeta": meta})).one("meta") == meta


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("start=2024-13", "YYYY-MM-DD"),
        ("start=2023-02-29", "no such day"),
        ("start=", "YYYY-MM-DD"),
        ("start=2024&start=2025", "more than once"),
        ("since=2024-01-01", "with seconds and a time zone"),
        ("count=1.0", "whole number"),
        ("count=99999999999", "whole number"),
        ("flag=yes", "true or false"),
        ("meta=x", "Parameters"),
        ("strat=2024", "did you mean 'start'"),
        ("xyzzyx=2024", "would be right"),
        ("start=%00", "NUL"),
        ("start=%ff", "UTF-8"),
    ],
)
def test_an_address_that_cannot_be_read_is_refused_without_its_values(query: str, text: str) -> None:
    with refused(400) as texts:
        read(query)

    assert text in texts[0]
    assert "2024" not in texts[0]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (parameters({"name": "start", "valueDate": "2024-13"}), 422),
        (parameters({"name": "start", "valueQuantity": {"value": 1}}), 400),
        (parameters({"name": "start", "valueString": "yesterday"}), 400),
        (parameters({"name": "meta", "valueString": "x"}), 400),
        (parameters({"name": "meta", "part": [{"name": "a", "valueString": "x"}]}), 400),
        (parameters({"name": "other", "valueString": "x"}), 400),
        (parameters({"valueString": "x"}), 422),
        ({"resourceType": "Patient"}, 400),
        ({"resourceType": "Parameters", "parameter": {}}, 422),
    ],
)
def test_parameters_that_cannot_be_read_are_refused(body: Tree, status: int) -> None:
    with refused(status):
        read(body=body)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (parameters({"name": "meta", "valueString": "x", "resource": {"resourceType": "Patient"}}), "[0]"),
        (parameters({"name": "a", "valueCode": "x", "part": [{"name": "b", "valueCode": "y"}]}), "[0]"),
        (
            parameters(
                {"name": "many", "valueCode": "x"},
                {
                    "name": "meta",
                    "part": [
                        {"name": "a", "valueCode": "x"},
                        {"name": "b", "valueCode": "x", "resource": {"resourceType": "Patient"}},
                    ],
                },
            ),
            "[1].part[1]",
        ),
    ],
)
def test_a_parameter_that_holds_several_things_is_refused(body: Tree, place: str) -> None:
    with refused(400, "invariant", f"Parameters.parameter{place}"):
        read(body=body)


def test_a_value_and_its_extensions_are_one_thing() -> None:
    extended = {"extension": [{"url": "https://x.example", "valueCode": "x"}]}

    assert read(body=parameters({"name": "many", "valueCode": "a", "_valueCode": extended})).all("many") == (
        "a",
    )


@pytest.mark.parametrize("type", [[], {}, 7, None, "Nonsense"])
def test_what_an_operation_is_about_says_its_type(type: Any) -> None:
    wanted = {"resource": taken("resource", "Resource", "")}

    with refused(422):
        read(body=parameters({"name": "resource", "resource": {"resourceType": type}}), wanted=wanted)


def test_a_required_input_is_required() -> None:
    with refused(400, "required") as texts:
        read(wanted={"meta": taken("meta", "Meta", "", min=1)})

    assert texts == ["The input 'meta' is required and is missing"]


def test_an_operation_without_inputs_says_so() -> None:
    with refused(400, "not-supported") as texts:
        read("a=1", wanted={})

    assert "takes none" in texts[0]


@pytest.mark.parametrize("kind", ["Resource", "Patient"])
def test_a_resource_that_is_the_only_one_needs_no_parameters_around_it(kind: str) -> None:
    wanted = {"resource": taken("resource", kind, ""), "mode": taken("mode", "code", "")}
    patient = {"resourceType": "Patient"}

    alone = read("mode=x", patient, wanted)
    wrapped = read("mode=x", parameters({"name": "resource", "resource": patient}), wanted)

    assert alone == wrapped
    assert alone.one("resource") == patient


def test_parts_come_as_a_list() -> None:
    wanted = {"match": {"name": "match", "use": "in", "min": 0, "max": "*"}}
    part = [{"name": "a", "valueString": "x"}]

    assert read(body=parameters({"name": "match", "part": part}), wanted=wanted).one("match") == part


def test_what_an_operation_searches_by_comes_as_criteria() -> None:
    sent = parameters(
        {"name": "subject", "valueReference": {"reference": "Patient/1"}},
        {"name": "code", "valueCoding": {"system": "urn:s", "code": "c"}},
        {"name": "identifier", "valueIdentifier": {"value": "v"}},
        {"name": "count", "valueInteger": 3},
    )

    inputs = read("category=vital&code:text=a%20b", sent, searching=True)

    assert inputs.criteria == (
        ("category", "vital"),
        ("code:text", "a b"),
        ("subject", "Patient/1"),
        ("code", "urn:s|c"),
        ("identifier", "v"),
    )
    assert inputs.one("count") == 3


def test_the_cursor_is_no_input() -> None:
    inputs = read("_cursor=abc&start=2024")

    assert inputs.cursor == "abc"
    assert inputs.given == (("start", "2024"),)
