"""Bad Bundles and patches: each is refused with an OperationOutcome, and nothing of it is stored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, JSON_PATCH, bundle, created, entry, patient
from tests.flows.refusals import PATIENT, check_refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")

POST = {"method": "POST", "url": "Patient"}
NO_BUNDLES: list[Any] = [
    pytest.param({}, id="no type"),
    pytest.param({"type": ["batch"]}, id="type a list"),
    pytest.param({"type": {}}, id="type an object"),
    pytest.param({"type": 1}, id="type a number"),
    pytest.param({"type": "collection"}, id="a collection"),
    pytest.param({"entry": {}}, id="entry an object"),
    pytest.param({"entry": "x"}, id="entry a string"),
    pytest.param({"entry": 1}, id="entry a number"),
    pytest.param({"entry": None}, id="entry null"),
    pytest.param({"entry": []}, id="entry empty"),
    pytest.param({"entry": [1]}, id="an entry a number"),
    pytest.param({"entry": [None]}, id="an entry null"),
    pytest.param({"entry": [[]]}, id="an entry a list"),
    pytest.param({"entry": ["x"]}, id="an entry a string"),
    pytest.param({"entry": [{"request": "GET"}]}, id="request a string"),
    pytest.param({"entry": [{"request": []}]}, id="request a list"),
    pytest.param({"entry": [{"request": {}}]}, id="request empty"),
    pytest.param({"entry": [{"request": {"method": "GET"}}]}, id="no url"),
    pytest.param({"entry": [{"request": {"url": "Patient"}}]}, id="no method"),
    pytest.param({"entry": [{"request": {"method": "GET", "url": 1}}]}, id="url a number"),
    pytest.param({"entry": [{"request": {"method": 1, "url": "Patient"}}]}, id="method a number"),
    pytest.param({"entry": [{"request": {"method": ["GET"], "url": "Patient"}}]}, id="method a list"),
    pytest.param({"entry": [{"request": {"method": "BREW", "url": "Patient"}}]}, id="no such method"),
    pytest.param({"entry": [{"request": {**POST, "ifMatch": 1}}]}, id="ifMatch a number"),
    pytest.param({"entry": [{"request": {**POST, "ifNoneExist": []}}]}, id="ifNoneExist a list"),
    pytest.param({"entry": [{"request": POST, "fullUrl": 1}]}, id="fullUrl a number"),
    pytest.param({"entry": [{"request": POST, "fullUrl": []}]}, id="fullUrl a list"),
    pytest.param({"entry": [{"request": POST, "resource": "x"}]}, id="resource a string"),
    pytest.param({"entry": [{"request": POST, "resource": []}]}, id="resource a list"),
    pytest.param({"entry": [{"request": POST, "resource": [PATIENT.decode()]}]}, id="resources"),
    pytest.param({"meta": "x"}, id="meta a string"),
    pytest.param({"entry": [{"request": POST, "link": 1}]}, id="link a number"),
]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
@pytest.mark.parametrize("parts", NO_BUNDLES)
async def test_a_bundle_that_is_none_is_refused(
    refused: httpx.AsyncClient, kind: str, parts: dict[str, Any]
) -> None:
    tree = {"resourceType": "Bundle", "type": kind, **parts}
    if parts == {}:
        del tree["type"]

    check_refusal(await refused.post("", json=tree, headers=FHIR_JSON))


def put(id: Any) -> dict[str, Any]:
    return entry("PUT", "Patient/x", {"resourceType": "Patient", "id": id})


BINARY = {"resourceType": "Binary", "contentType": "application/json-patch+json"}
BAD_ENTRIES: list[Any] = [
    pytest.param({"resource": {"resourceType": "Patient"}}, id="no request"),
    pytest.param(entry("POST", "Patient"), id="no resource"),
    pytest.param(entry("POST", "Patient", {}), id="an empty resource"),
    pytest.param(entry("POST", "Patient", {"active": True}), id="no resourceType"),
    pytest.param(entry("POST", "Patient", {"resourceType": ["Patient"]}), id="resourceType a list"),
    pytest.param(entry("POST", "Patient", {"resourceType": {}}), id="resourceType an object"),
    pytest.param(entry("POST", "Patient", {"resourceType": 1}), id="resourceType a number"),
    pytest.param(entry("POST", "Patient", {"resourceType": "Patience"}), id="an unknown type"),
    pytest.param(entry("POST", "Patient", {"resourceType": "Observation"}), id="another type"),
    pytest.param(
        entry("POST", "Patient", {"resourceType": "Patient", "contained": [{"resourceType": []}]}),
        id="contained resourceType a list",
    ),
    pytest.param(
        entry("POST", "Patient", {"resourceType": "Patient", "contained": [{"resourceType": "Patience"}]}),
        id="contained of an unknown type",
    ),
    pytest.param(
        entry("POST", "Patient", {"resourceType": "Patient", "contained": [{"active": True}]}),
        id="contained without a type",
    ),
    pytest.param(entry("POST", "Patient", {"resourceType": "Patient", "meta": "x"}), id="meta a string"),
    pytest.param(entry("POST", "Patient", {"resourceType": "Patient", "name": "x"}), id="name a string"),
    pytest.param(
        entry("POST", "Patient", {"resourceType": "Patient", "text": {"div": 1}}), id="narrative a number"
    ),
    pytest.param(entry("POST", "Patient/x", patient()), id="POST to an id"),
    pytest.param(entry("PUT", "Patient", patient()), id="PUT to a type"),
    pytest.param(put("a" * 65), id="another id"),
    pytest.param(put(["x"]), id="id a list"),
    pytest.param(put({"a": 1}), id="id an object"),
    pytest.param(put(1), id="id a number"),
    pytest.param(
        entry("PUT", "Patient?identifier=none|none", {"resourceType": "Patient", "id": ["x"]}),
        id="id a list, conditional",
    ),
    pytest.param(
        entry("PUT", "Patient?identifier=none|none", {"resourceType": "Patient", "id": 1}),
        id="id a number, conditional",
    ),
    pytest.param(
        entry("PUT", "Patient?identifier=none|none", {"resourceType": "Patient", "id": "a" * 65}),
        id="id of 65 characters, conditional",
    ),
    pytest.param(
        entry("PUT", "Patient?identifier=none|none", {"resourceType": "Patient", "id": "a\0b"}),
        id="id with NUL, conditional",
    ),
    pytest.param(entry("PUT", "Patient/" + "a" * 65, patient(id="a" * 65)), id="id of 65 characters"),
    pytest.param(entry("PUT", "Patient/../x", patient(id="x")), id="address with ../"),
    pytest.param(entry("PUT", "Patient/a%00b", patient(id="a\0b")), id="id with NUL"),
    pytest.param(entry("PUT", "Patient/\0", patient(id="\0")), id="NUL"),
    pytest.param(entry("GET", "Patient?identifier=a%00b"), id="query with NUL"),
    pytest.param(entry("GET", "Patient?identifier=%ff"), id="query not UTF-8"),
    pytest.param(entry("GET", "http://other.example/fhir/Patient"), id="another server"),
    pytest.param(entry("GET", "Patience/1"), id="an unknown type in the address"),
    pytest.param(entry("GET", "é"), id="a letter that is no type"),
    pytest.param(entry("GET", "Patient/x/_history/\0"), id="NUL as a version"),
    pytest.param(entry("POST", "", bundle("batch")), id="a bundle in a bundle"),
    pytest.param(entry("POST", "Patient/_search", patient()), id="a posted search"),
    pytest.param(entry("DELETE", "Patient"), id="delete everything"),
    pytest.param(entry("DELETE", "Patient?nothing=1"), id="delete by a typo"),
    pytest.param(entry("POST", "Patient", patient(), ifNoneExist="a=b"), id="ifNoneExist with a typo"),
    pytest.param(
        entry("POST", "Patient", patient(), ifNoneExist="identifier=a%00"), id="ifNoneExist with NUL"
    ),
    pytest.param(entry("PUT", "Patient/x", patient(id="x"), ifMatch="1"), id="ifMatch without quotes"),
    pytest.param(entry("PATCH", "Patient/x"), id="a patch without resource"),
    pytest.param(entry("PATCH", "Patient/x", {}), id="an empty patch"),
    pytest.param(entry("PATCH", "Patient/x", {"active": True}), id="a patch without a type"),
    pytest.param(entry("PATCH", "Patient/x", {"resourceType": ["x"]}), id="a patch's type a list"),
    pytest.param(entry("PATCH", "Patient/x", patient()), id="a patch that is a Patient"),
    pytest.param(
        entry("PATCH", "Patient/x", {"resourceType": "X", "a": {}}), id="a patch of an unknown type"
    ),
    pytest.param(entry("POST", "Patient", patient(birthDate={"a": {"b": {}}})), id="an object as a date"),
    pytest.param(entry("POST", "Patient", patient(text={"div": {"b": {"c": {}}}})), id="an object as a div"),
    pytest.param(entry("PATCH", "Patient/x", {"resourceType": "Parameters"}), id="a patch of nothing"),
    pytest.param(entry("PATCH", "Patient/x", {**BINARY, "data": 1}), id="a patch's data a number"),
    pytest.param(entry("PATCH", "Patient/x", {**BINARY, "data": "é"}), id="a patch's data not base64"),
    pytest.param(entry("PATCH", "Patient/x", {**BINARY, "data": "W10"}), id="a patch's data cut off"),
    pytest.param(
        entry("PATCH", "Patient/x", {"resourceType": "Binary", "contentType": 1}),
        id="a patch's contentType a number",
    ),
    pytest.param(
        entry("POST", "Observation", {"resourceType": "Observation", "subject": {"reference": "Patient?"}}),
        id="a conditional reference to anything",
    ),
    pytest.param(
        entry(
            "POST", "Observation", {"resourceType": "Observation", "subject": {"reference": "Patient?a=b"}}
        ),
        id="a conditional reference with a typo",
    ),
    pytest.param(
        entry(
            "POST", "Observation", {"resourceType": "Observation", "subject": {"reference": "Patience?a=b"}}
        ),
        id="a conditional reference to an unknown type",
    ),
    pytest.param(
        entry(
            "POST",
            "Patient",
            {"resourceType": "Patient", "link": [{"other": {"reference": "Patient?identifier=%00"}}]},
        ),
        id="a conditional reference with NUL",
    ),
]


@pytest.mark.parametrize("bad", BAD_ENTRIES)
async def test_an_entry_that_is_none_rolls_the_transaction_back(
    refused: httpx.AsyncClient, bad: dict[str, Any]
) -> None:
    good = entry("POST", "Patient", patient(), full_url="urn:uuid:11111111-1111-4111-8111-111111111111")

    response = await refused.post("", json=bundle("transaction", good, bad), headers=FHIR_JSON)

    check_refusal(response)
    assert "[1]" in response.json()["issue"][0].get("expression", [""])[0], response.text


@pytest.mark.parametrize("bad", BAD_ENTRIES)
async def test_an_entry_that_is_none_is_refused_in_a_batch_alone(
    shared: httpx.AsyncClient, bad: dict[str, Any]
) -> None:
    response = await shared.post("", json=bundle("batch", entry("GET", "metadata"), bad), headers=FHIR_JSON)

    if response.status_code != 200:  # an entry so wrong that the Bundle is none
        check_refusal(response)
        return
    good, refusal = response.json()["entry"]
    assert good["response"]["status"].startswith("200")
    assert refusal["response"]["status"].startswith("4"), refusal
    assert refusal["response"]["outcome"]["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    "candidate",
    [
        {"resourceType": "Patient", "identifier": "x"},
        {"resourceType": "Patient", "identifier": [{"value": {"a": []}}]},
        {"resourceType": "Patient", "identifier": [1]},
        {"resourceType": "Patient", "name": [{"family": {}}], "birthDate": [], "meta": 7},
        {"resourceType": "Patient", "contained": "x", "extension": {"url": 1}},
    ],
)
async def test_a_conditional_reference_to_nonsense_in_the_same_transaction_is_refused(
    refused: httpx.AsyncClient, candidate: dict[str, Any]
) -> None:
    link = {
        "resourceType": "Patient",
        "link": [{"other": {"reference": "Patient?identifier=x"}, "type": "refer"}],
    }
    tree = bundle("transaction", entry("POST", "Patient", candidate), entry("POST", "Patient", link))

    check_refusal(await refused.post("", json=tree, headers=FHIR_JSON))


NONSENSE = [
    {"name": "operation"},
    {"name": "operation", "part": "x"},
    {"name": "operation", "part": [1]},
    {"name": "operation", "part": [{"name": ["type"]}]},
    {"name": "operation", "part": [{"name": {}}]},
    {"name": ["operation"]},
    {"name": "operation", "part": [{"name": "type", "valueCode": ["add"]}]},
    {"name": "operation", "part": [{"name": "type", "valueCode": "brew"}]},
]


def op(path: str, kind: str = "replace", **value: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [
        {"name": "type", "valueCode": kind},
        {"name": "path", "valueString": path},
        {"name": "name", "valueString": "active"},
        {"name": "value", **value},
    ]
    return {"name": "operation", "part": parts if kind == "add" else [*parts[:2], *parts[3:]]}


NONSENSE += [
    op("Patient.active"),
    op("Patient.active", valueNothing=1),
    op("Patient.active", valueBoolean=[True]),
    op("Patient.active", valueBoolean={"a": 1}),
    op("Patient.active", valueBoolean="true"),
    op("Patient.active", valueBoolean=True, valueString="x"),
    op("Patient.active", resource="x"),
    op("Patient.active", resource={"resourceType": []}),
    op("Patient.active", part={}),
    op("Patient.active", part=[{"name": 1}]),
    op("Patient.active", valueString="x"),
    op("Patient.nothing", valueString="x"),
    op("Patient.id", valueId="other"),
    op("Patient", valueString="x"),
    op("Patient.(", valueString="x"),
    op("(" * 5000, valueString="x"),
    op("Patient" + ".extension" * 5000, valueString="x"),
    op("\0", valueString="x"),
    op("1 + 1", valueInteger=1),
    op("Patient.name.where(family = '", valueString="x"),
    op("Patient.contact[99999999999999999999]", valueString="x"),
    op("Patient.name.family.matches('(a+)+$')", valueString="x"),
    op("Patient", "add", valueBoolean="x"),
    op("Patient", "add", valueInteger=1),
    {
        "name": "operation",
        "part": [{"name": "type", "valueCode": "insert"}, {"name": "index", "valueInteger": -1}],
    },
]
NO_PATCHES = [
    b"",
    b"{}",
    b"null",
    b"1",
    b"[1]",
    b"[[]]",
    b"[{}]",
    b'[{"op":"brew","path":"/a"}]',
    b'[{"op":["add"],"path":"/a","value":1}]',
    b'[{"op":{},"path":"/a","value":1}]',
    b'[{"op":"add","path":1,"value":1}]',
    b'[{"op":"add","path":"active","value":1}]',
    b'[{"op":"add","path":"/active"}]',
    b'[{"op":"add","path":"/~2","value":1}]',
    b'[{"op":"move","path":"/active","from":1}]',
    b'[{"op":"move","path":"/active/x","from":"/active"}]',
    b'[{"op":"replace","path":"","value":[]}]',
    b'[{"op":"replace","path":"","value":1}]',
    b'[{"op":"replace","path":"","value":{}}]',
    b'[{"op":"replace","path":"/resourceType","value":["Patient"]}]',
    b'[{"op":"replace","path":"/id","value":["x"]}]',
    b'[{"op":"replace","path":"/id","value":{}}]',
    b'[{"op":"replace","path":"/meta","value":1}]',
    b'[{"op":"add","path":"/name/99999999999999999999","value":{}}]',
    b'[{"op":"add","path":"/name/-1","value":{}}]',
    b'[{"op":"add","path":"/active","value":"a\\u0000b"}]',
    b'[{"op":"add","path":"/active","value":1e999999}]',
    b'[{"op":"test","path":"/active","value":1e999999}]',
    b'[{"op":"test","path":"/id","value":1e-999999999999}]',
    b'[{"op":"test","path":"/active","value":1e99999999999999999999999999999}]',
    b'[{"op":"remove","path":""}]',
    b'[{"op":"copy","path":"/extension","from":""}]',
    b'[{"op":"add","path":"/contact","value":' + b"[" * 10_000 + b"]" * 10_000 + b"}]",
    b'[{"op":"add","path":"' + b"/a" * 100_000 + b'","value":1}]',
]


@pytest.mark.parametrize("operation", NONSENSE, ids=range(len(NONSENSE)))
async def test_a_fhirpath_patch_of_nonsense_changes_nothing(
    shared: httpx.AsyncClient, operation: dict[str, Any]
) -> None:
    kept = await created(shared, patient(active=True))
    tree = {"resourceType": "Parameters", "parameter": [operation]}

    lone = await shared.patch(f"Patient/{kept['id']}", json=tree, headers=FHIR_JSON)
    inside = await shared.post(
        "", json=bundle("transaction", entry("PATCH", f"Patient/{kept['id']}", tree)), headers=FHIR_JSON
    )

    check_refusal(lone)
    check_refusal(inside)
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@pytest.mark.parametrize("parameter", [1, "x", {}, [1], [[]], [None], [{"name": 1}]])
async def test_parameters_of_wrong_kinds_are_no_patch(shared: httpx.AsyncClient, parameter: Any) -> None:
    kept = await created(shared, patient(active=True))
    tree = {"resourceType": "Parameters", "parameter": parameter}

    check_refusal(await shared.patch(f"Patient/{kept['id']}", json=tree, headers=FHIR_JSON))
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@pytest.mark.parametrize("body", NO_PATCHES, ids=range(len(NO_PATCHES)))
async def test_a_json_patch_of_nonsense_changes_nothing(shared: httpx.AsyncClient, body: bytes) -> None:
    kept = await created(shared, patient(active=True))

    check_refusal(await shared.patch(f"Patient/{kept['id']}", content=body, headers=JSON_PATCH))
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept
