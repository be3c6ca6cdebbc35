"""https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fhir_server.interactions.call import Action, Call, Conditions, Reply
from fhir_server.interactions.entries import Entry, entries_of, entry_of, listed_in, placed, response_of
from fhir_server.kernel.errors import Invalid, Malformed
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from tests.builders import bundle, entry, extension, fhirpath_patch, observation, patient, urn
from tests.fhir_server.interactions.performing import BASE, FHIR_JSON, JSON_PATCH, Performer, refused

OUTER = Call(
    Action.BUNDLE, base=BASE, conditions=Conditions(prefer_return="minimal", prefer_handling="strict")
)


def read(tree: Tree) -> Entry:
    return entry_of(3, tree, OUTER)


@pytest.mark.parametrize(
    ("tree", "action", "type", "id", "rank"),
    [
        (entry("DELETE", "Patient/1"), Action.DELETE, "Patient", "1", 0),
        (entry("DELETE", "Patient?identifier=1"), Action.DELETE, "Patient", None, 0),
        (entry("POST", "Patient", patient()), Action.CREATE, "Patient", None, 1),
        (entry("POST", "$validate", patient()), Action.OPERATION, None, None, 1),
        (entry("POST", "Patient/1/$meta-add", fhirpath_patch()), Action.OPERATION, "Patient", "1", 1),
        (entry("GET", "Patient/1/$everything"), Action.OPERATION, "Patient", "1", 3),
        (entry("PUT", "Patient/1", patient()), Action.UPDATE, "Patient", "1", 2),
        (entry("PATCH", "Patient/1", fhirpath_patch()), Action.PATCH, "Patient", "1", 2),
        (entry("GET", "Patient/1"), Action.READ, "Patient", "1", 3),
        (entry("HEAD", f"{BASE}/Patient/1"), Action.READ, "Patient", "1", 3),
        (entry("GET", "/Patient/1/_history/2"), Action.VREAD, "Patient", "1", 3),
        (entry("GET", "Patient?name=a"), Action.SEARCH, "Patient", None, 3),
        (entry("GET", "_history"), Action.HISTORY, None, None, 3),
        (entry("GET", "metadata"), Action.CAPABILITIES, None, None, 3),
    ],
)
def test_an_entry_is_a_call(tree: Tree, action: Action, type: str | None, id: str | None, rank: int) -> None:
    found = read(tree)

    assert (found.call.action, found.call.type, found.call.id, found.rank) == (action, type, id, rank)
    assert (found.index, found.place, found.method) == (3, "Bundle.entry[3]", tree["request"]["method"])
    assert found.writes == (rank < 3)
    assert found.call.base == BASE
    assert found.identities == ((Key(type, id),) if type and id else ())


def test_conditions_of_the_request_are_those_of_the_call() -> None:
    found = read(
        entry(
            "PUT",
            "Patient/1",
            patient(),
            urn(1),
            ifMatch='W/"1"',
            ifNoneMatch="*",
            ifNoneExist="identifier=1",
            ifModifiedSince="2024-03-09T11:00:00.123+01:00",
        )
    )

    assert found.full_url == urn(1)
    assert found.call.conditions == Conditions(
        'W/"1"', "*", "Sat, 09 Mar 2024 10:00:00 GMT", "identifier=1", "minimal", "strict"
    )


@pytest.mark.parametrize(
    ("since", "date"),
    [
        ("0001-01-01T00:00:00+14:00", "Wed, 01 Jan 1000 00:00:00 GMT"),
        ("9999-12-31T23:59:60Z", "Fri, 31 Dec 9999 23:59:59 GMT"),
        ("9999-12-31T23:59:59-14:00", "Fri, 31 Dec 9999 23:59:59 GMT"),
    ],
)
def test_a_moment_at_the_end_of_the_calendar_is_a_condition(since: str, date: str) -> None:
    found = read({"request": {"method": "GET", "url": "Patient/a", "ifModifiedSince": since}})

    assert found.call.conditions.if_modified_since == date


def test_a_patch_is_parameters_or_a_binary() -> None:
    data = base64.b64encode(b"[]").decode()
    binary = {"resourceType": "Binary", "contentType": JSON_PATCH, "data": data}

    by_json = read(entry("PATCH", "Patient/1", binary)).call
    by_fhirpath = read(entry("PATCH", "Patient/1", fhirpath_patch())).call

    assert (by_json.media_type, by_json.body, by_json.tree) == (JSON_PATCH, b"[]", None)
    assert (by_fhirpath.media_type, by_fhirpath.tree) == (FHIR_JSON, fhirpath_patch())


def test_what_a_read_carries_is_not_looked_at() -> None:
    assert read(entry("GET", "Patient/1", {"nonsense": 1})).call.tree is None


@pytest.mark.parametrize(
    ("tree", "status", "place"),
    [
        ({}, 400, "Bundle.entry[3]"),
        ({"resource": patient()}, 400, "Bundle.entry[3]"),
        ({"request": {"_method": {"extension": [extension(valueCode="x")]}, "url": "x"}}, 400,
         "Bundle.entry[3].request.method"),
        ({"request": {"method": "GET", "_url": {"extension": [extension(valueCode="x")]}}}, 400,
         "Bundle.entry[3].request.url"),
        (entry("GET", "Shoe/1"), 404, "Bundle.entry[3].request.url"),
        (entry("GET", "https://elsewhere.example/fhir/Patient/1"), 400, "Bundle.entry[3].request.url"),
        (entry("POST", "Patient/1", patient()), 405, "Bundle.entry[3].request.url"),
        (entry("POST", "Patient/_search"), 400, "Bundle.entry[3].request.method"),
        (entry("POST", "", bundle("batch")), 400, "Bundle.entry[3].request.url"),
        (entry("POST", "Patient"), 400, "Bundle.entry[3]"),
        (entry("PUT", "Patient/1"), 400, "Bundle.entry[3]"),
        (entry("PATCH", "Patient/1"), 400, "Bundle.entry[3]"),
        (entry("POST", "Patient", observation()), 400, "Bundle.entry[3].resource"),
        (entry("POST", "Patient", {"id": "a"}), 400, "Bundle.entry[3]"),
        (entry("POST", "Patient", {"resourceType": {}}), 400, "Bundle.entry[3]"),
        (entry("PATCH", "Patient/1", {"resourceType": "Binary", "data": 7}), 415,
         "Bundle.entry[3].resource.contentType"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_its_place(tree: Tree, status: int, place: str) -> None:
    with refused(status, "", place):
        read(tree)


async def test_entries_are_counted_before_they_are_read(perform: Performer) -> None:
    small = perform.with_settings(max_bundle_entries=2).server

    assert listed_in(bundle("batch"), small) == []
    assert len(await entries_of(bundle("batch", *[entry("GET", "metadata")] * 2), OUTER, small)) == 2
    with refused(413, "too-long"):
        await entries_of(bundle("batch", {}, {}, {}), OUTER, small)


def test_an_error_is_seen_from_outside_its_entry() -> None:
    error = placed(
        Invalid(
            [Issue("value", "a", "Patient.name[0].use"), Issue("value", "b"), Issue("value", "c", "Patient")]
        ),
        "Bundle.entry[3].request.url",
    )

    assert [issue.expression for issue in error.issues] == [
        "Bundle.entry[3].resource.name[0].use",
        "Bundle.entry[3].request.url",
        "Bundle.entry[3].resource",
    ]


def test_what_an_entry_is_about_is_settled_step_by_step() -> None:
    found = read(entry("DELETE", "Patient?identifier=1"))
    assert not found.answered

    found.matched = (Key("Patient", "1"), Key("Patient", "2"))
    assert found.identities == found.matched

    found.made_by = 1
    assert found.answered
    found.made_by, found.answer = None, Reply(200)
    assert found.answered


@pytest.mark.parametrize(
    ("tree", "reply", "expected"),
    [
        (
            entry("GET", "Patient?name=a"),
            Reply(200, b"{}"),
            {"resource": {}, "response": {"status": "200 OK"}},
        ),
        (entry("HEAD", "Patient?name=a"), Reply(200, b"{}"), {"response": {"status": "200 OK"}}),
        (entry("PUT", "Patient/1", patient()), Reply(200, b"{}"), {"response": {"status": "200 OK"}}),
        (
            entry("DELETE", "Patient/1"),
            Reply(204, b"", Key("Patient", "1"), 2, 1_710_000_000_000_000),
            {
                "fullUrl": f"{BASE}/Patient/1",
                "response": {
                    "status": "204 No Content",
                    "etag": 'W/"2"',
                    "lastModified": "2024-03-09T16:00:00.000Z",
                },
            },
        ),
        (
            entry("POST", "Patient", patient()),
            Reply(201, b"{}", Key("Patient", "1"), 1),
            {
                "fullUrl": f"{BASE}/Patient/1",
                "response": {"status": "201 Created", "location": "Patient/1/_history/1", "etag": 'W/"1"'},
            },
        ),
        (
            entry("GET", "Patient/1"),
            Reply(404, b'{"a":1}'),
            {"response": {"status": "404 Not Found", "outcome": {"a": 1}}},
        ),
    ],
)
def test_an_answer_has_what_belongs_to_it(tree: Tree, reply: Reply, expected: Tree) -> None:
    body = response_of("batch-response", [read(tree)], [reply], BASE)

    assert decode(body) == {"resourceType": "Bundle", "type": "batch-response", "entry": [expected]}


def test_an_entry_that_could_not_be_read_is_answered_too() -> None:
    body = response_of("batch-response", [None], [Reply(400, b'{"a":1}')], BASE)

    assert decode(body)["entry"] == [{"response": {"status": "400 Bad Request", "outcome": {"a": 1}}}]


@pytest.mark.parametrize("prefer", ["representation", "OperationOutcome"])
def test_prefer_shapes_an_answer(prefer: Any) -> None:
    outer = Call(Action.BUNDLE, base=BASE, conditions=Conditions(prefer_return=prefer))
    found = entry_of(0, entry("POST", "Patient", patient()), outer)
    remark = Issue("informational", "mind this", severity="information")

    (answer,) = decode(response_of("x", [found], [Reply(201, b"{}", issues=(remark,))], BASE))["entry"]

    if prefer == "representation":
        assert answer == {"resource": {}, "response": {"status": "201 Created"}}
    else:
        assert answer["response"]["outcome"]["issue"][0]["diagnostics"] == "mind this"


def test_a_nested_system_call_is_refused() -> None:
    with pytest.raises(Malformed, match="cannot be an entry"):
        read(entry("POST", "/", bundle("transaction")))


@pytest.mark.parametrize(("method", "sent"), [("POST", True), ("GET", False)])
def test_an_operation_has_its_inputs_in_the_resource_of_a_post(method: str, sent: bool) -> None:
    inputs = fhirpath_patch()

    found = read(entry(method, "Patient/1/$x?a=b", inputs))

    assert (found.call.operation, found.call.query) == ("$x", "a=b")
    assert found.call.tree == (inputs if sent else None)
    assert found.call.safe is not sent


def test_the_answer_of_an_operation_always_comes_along() -> None:
    found = read(entry("POST", "Patient/1/$x"))

    answer = decode(
        response_of("batch-response", [found], [Reply(200, b'{"resourceType":"Parameters"}')], BASE)
    )

    assert answer["entry"][0]["resource"] == {"resourceType": "Parameters"}
