"""patch by JSON Patch and FHIRPath Patch: what applies, what does not, and what else stays as it was.

https://hl7.org/fhir/R4/http.html#patch · https://hl7.org/fhir/R4/fhirpatch.html
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fhir_server.web.xml import xml_of
from tests.flows.asking import (
    FHIR_JSON,
    FHIR_XML,
    JSON_PATCH,
    Tree,
    created,
    fhirpath_patch,
    fresh,
    issue_of,
    observation,
    operation,
    patient,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">A man</div>'


async def json_patch(
    client: httpx.AsyncClient, kept: Tree, *operations: Tree, **headers: str
) -> httpx.Response:
    sent = {**JSON_PATCH, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await client.patch(f"{kept['resourceType']}/{kept['id']}", json=list(operations), headers=sent)


@pytest.mark.parametrize("kind", ["json-patch", "fhirpath-json", "fhirpath-xml"])
async def test_each_form_of_patch_changes_what_it_names_and_nothing_else(
    shared: httpx.AsyncClient, kind: str
) -> None:
    kept = await created(shared, patient(gender="male", birthDate="1950", name=[{"family": "Payet"}]))
    parameters = fhirpath_patch(operation("replace", "Patient.gender", value={"valueCode": "female"}))
    forms: dict[str, dict[str, Any]] = {
        "json-patch": {
            "content": b'[{"op":"replace","path":"/gender","value":"female"}]',
            "headers": JSON_PATCH,
        },
        "fhirpath-json": {"json": parameters, "headers": FHIR_JSON},
        "fhirpath-xml": {"content": xml_of(parameters), "headers": FHIR_XML},
    }

    response = await shared.patch(f"Patient/{kept['id']}", **forms[kind])

    assert response.status_code == 200
    assert response.headers["etag"] == 'W/"2"'
    assert response.headers["last-modified"]
    now = (await shared.get(f"Patient/{kept['id']}")).json()
    assert {**now, "meta": 0, "gender": 0} == {**kept, "meta": 0, "gender": 0}
    assert list(now) == list(kept)
    assert now["gender"] == "female"


async def test_numbers_that_a_patch_does_not_touch_keep_their_digits(shared: httpx.AsyncClient) -> None:
    body = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.500}}'
    )
    sent = await shared.post("Observation", content=body, headers=FHIR_JSON)
    address = sent.headers["location"].partition("/_history")[0]

    await shared.patch(
        address,
        content=b'[{"op":"add","path":"/component","value":[{"code":{"text":"a"},"valueQuantity":{"value":2.00}}]}]',
        headers=JSON_PATCH,
    )

    now = (await shared.get(address)).content
    assert b'"value":1.500' in now
    assert b'"value":2.00' in now


async def test_all_six_operations_of_json_patch_work_in_order(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(name=[{"family": "A", "given": ["x", "y"]}], gender="male"))

    response = await json_patch(
        shared,
        kept,
        {"op": "test", "path": "/name/0/family", "value": "A"},
        {"op": "add", "path": "/name/0/given/-", "value": "z"},
        {"op": "remove", "path": "/name/0/given/0"},
        {"op": "replace", "path": "/gender", "value": "other"},
        {"op": "copy", "from": "/name/0", "path": "/name/-"},
        {"op": "move", "from": "/name/0/family", "path": "/name/0/text"},
    )

    assert response.json()["name"] == [
        {"given": ["y", "z"], "text": "A"},
        {"family": "A", "given": ["y", "z"]},
    ]
    assert response.json()["gender"] == "other"


async def test_the_operations_of_fhirpath_patch_work_in_order(shared: httpx.AsyncClient) -> None:
    kept = await created(
        shared,
        patient(name=[{"family": "A", "given": ["x", "y"]}], gender="male", address=[{"city": "Cilaos"}]),
    )
    body = fhirpath_patch(
        operation("add", "Patient", name="birthDate", value={"valueDate": "1950-01-01"}),
        operation("insert", "Patient.name[0].given", index={"valueInteger": 1}, value={"valueString": "z"}),
        operation("delete", "Patient.address[0]"),
        operation("replace", "Patient.gender", value={"valueCode": "female"}),
        operation(
            "move",
            "Patient.name[0].given",
            source={"valueInteger": 0},
            destination={"valueInteger": 2},
        ),
    )

    now = (await shared.patch(f"Patient/{kept['id']}", json=body, headers=FHIR_JSON)).json()

    assert now["birthDate"] == "1950-01-01"
    assert now["name"][0]["given"] == ["z", "y", "x"]
    assert now["gender"] == "female"
    assert "address" not in now


@pytest.mark.parametrize(
    "broken",
    [
        {"op": "test", "path": "/gender", "value": "female"},
        {"op": "remove", "path": "/birthDate"},
        {"op": "replace", "path": "/name/3/family", "value": "B"},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "add", "path": "/shoe", "value": 1},
        {"op": "replace", "path": "/gender", "value": "blue"},
        {"op": "replace", "path": "/id", "value": "another"},
        {"op": "replace", "path": "/resourceType", "value": "Person"},
        {"op": "replace", "path": "", "value": []},
    ],
)
async def test_a_patch_that_does_not_apply_is_422_and_changes_nothing(
    shared: httpx.AsyncClient, broken: Tree
) -> None:
    kept = await created(shared, patient(gender="male"))

    response = await json_patch(shared, kept, {"op": "add", "path": "/active", "value": True}, broken)

    issue_of(response, 422)
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@pytest.mark.parametrize(
    "broken",
    [
        operation("delete", "Patient.name"),
        operation("replace", "Patient.birthDate", value={"valueDate": "1950"}),
        operation("replace", "Patient.gender", value={"valueCode": "blue"}),
        operation("add", "Patient", name="shoe", value={"valueString": "x"}),
        operation("move", "Patient.name", source={"valueInteger": 9}, destination={"valueInteger": 0}),
    ],
)
async def test_a_fhirpath_patch_that_does_not_apply_is_422_and_changes_nothing(
    shared: httpx.AsyncClient, broken: Tree
) -> None:
    kept = await created(shared, patient(gender="male", name=[{"text": "a"}, {"text": "b"}]))

    response = await shared.patch(
        f"Patient/{kept['id']}",
        json=fhirpath_patch(operation("add", "Patient", name="active", value={"valueBoolean": True}), broken),
        headers=FHIR_JSON,
    )

    issue_of(response, 422)
    assert (await shared.get(f"Patient/{kept['id']}")).json() == kept


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[",
        b"[1]",
        b'[{"op":"shake","path":"/a"}]',
        b'[{"op":"add","path":"/a"}]',
        b'[{"op":"remove"}]',
        b'[{"op":"remove","path":"a"}]',
    ],
)
async def test_what_is_no_patch_document_is_400(shared: httpx.AsyncClient, content: bytes) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.patch(f"Patient/{kept['id']}", content=content, headers=JSON_PATCH), 400)


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/xml-patch+xml", 415),
        ("application/merge-patch+json", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
    ],
)
async def test_a_patch_of_another_kind_is_415(
    shared: httpx.AsyncClient, media_type: str, status: int
) -> None:
    kept = await created(shared, patient())

    response = await shared.patch(f"Patient/{kept['id']}", content=b"x", headers={"Content-Type": media_type})

    assert "json-patch+json" in issue_of(response, status)["diagnostics"]


async def test_a_resource_that_is_no_parameters_is_no_patch(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.patch(f"Patient/{kept['id']}", json=kept, headers=FHIR_JSON), 400)


async def test_a_patch_of_an_unknown_resource_is_404_and_of_a_deleted_one_410(
    shared: httpx.AsyncClient,
) -> None:
    kept = await created(shared, patient())
    await shared.delete(f"Patient/{kept['id']}")
    add = {"op": "add", "path": "/active", "value": True}

    issue_of(await json_patch(shared, patient(id=fresh()), add), 404, "not-found")
    issue_of(await json_patch(shared, kept, add), 410, "deleted")


async def test_a_patch_obeys_if_match(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    add = {"op": "add", "path": "/active", "value": True}

    old = await json_patch(shared, kept, add, If_Match='W/"5"')
    now = await json_patch(shared, kept, add, If_Match='W/"1"')

    issue_of(old, 412, "conflict")
    assert (now.status_code, now.headers["etag"]) == (200, 'W/"2"')


async def test_a_patch_that_changes_nothing_keeps_the_version(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(gender="male"))

    response = await json_patch(shared, kept, {"op": "replace", "path": "/gender", "value": "male"})

    assert (response.status_code, response.headers["etag"]) == (200, 'W/"1"')


async def test_a_patch_cannot_write_version_and_time(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    response = await json_patch(
        shared,
        kept,
        {"op": "replace", "path": "/meta/versionId", "value": "99"},
        {"op": "add", "path": "/meta/tag", "value": [{"code": "t"}]},
    )

    assert response.json()["meta"]["versionId"] == "2"
    assert response.json()["meta"]["tag"] == [{"code": "t"}]


async def test_prefer_shapes_the_answer_of_a_patch(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    answers = [
        await json_patch(
            shared,
            kept,
            {"op": "add", "path": "/multipleBirthInteger", "value": n},
            Prefer=f"return={what}",
        )
        for n, what in enumerate(["minimal", "representation", "OperationOutcome"])
    ]

    assert [a.status_code for a in answers] == [200, 200, 200]
    assert answers[0].content == b""
    assert answers[1].json()["multipleBirthInteger"] == 1
    assert answers[2].json()["resourceType"] == "OperationOutcome"


async def test_a_patch_may_not_point_to_nothing(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, observation())

    response = await json_patch(
        shared, kept, {"op": "add", "path": "/subject", "value": {"reference": f"Patient/{fresh()}"}}
    )

    issue_of(response, 422, "not-found")


async def test_a_patch_shows_in_history_with_what_it_left(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())

    await json_patch(shared, kept, {"op": "add", "path": "/active", "value": True})

    page = (await shared.get(f"Patient/{kept['id']}/_history")).json()
    assert page["entry"][0]["request"] == {"method": "PATCH", "url": f"Patient/{kept['id']}"}
    assert page["entry"][0]["resource"]["active"] is True


@pytest.mark.parametrize("status", ["generated", "extensions"])
async def test_a_narrative_made_from_the_data_goes_when_a_patch_changes_the_data(
    shared: httpx.AsyncClient, status: str
) -> None:
    kept = await created(shared, patient(text={"status": status, "div": DIV}, gender="male"))

    now = (await json_patch(shared, kept, {"op": "replace", "path": "/gender", "value": "female"})).json()

    assert now["gender"] == "female"
    assert "text" not in now


async def test_a_narrative_that_says_more_than_the_data_must_be_patched_along(
    shared: httpx.AsyncClient,
) -> None:
    kept = await created(shared, patient(text={"status": "additional", "div": DIV}, gender="male"))
    change = {"op": "replace", "path": "/gender", "value": "female"}

    alone = await json_patch(shared, kept, change)
    along = await json_patch(
        shared, kept, change, {"op": "replace", "path": "/text/div", "value": DIV.replace("man", "woman")}
    )

    issue_of(alone, 422, "business-rule", "Patient.text")
    assert "woman" in along.json()["text"]["div"]


async def test_a_patch_of_tags_leaves_the_narrative(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(text={"status": "generated", "div": DIV}))

    now = (
        await json_patch(shared, kept, {"op": "add", "path": "/meta/tag", "value": [{"code": "t"}]})
    ).json()

    assert now["text"] == kept["text"]
