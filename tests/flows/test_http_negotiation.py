"""Which form an answer has: Accept, _format, fhirVersion and character sets, for answers and for bodies.

https://hl7.org/fhir/R4/http.html#mime-type · https://hl7.org/fhir/R4/http.html#parameters
"""

from __future__ import annotations

import httpx
import pytest

from fhir_server.web.xml import tree_of, xml_of
from tests.flows.asking import FHIR_JSON, created, fresh, issue_of, patient

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAME = "Hélène 林"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("application/fhir+json", "application/fhir+json"),
        ("application/fhir+xml", "application/fhir+xml"),
        ("application/json", "application/json"),
        ("text/json", "text/json"),
        ("application/xml", "application/xml"),
        ("text/xml", "text/xml"),
        ("*/*", "application/fhir+json"),
        ("application/*", "application/fhir+json"),
        ("", "application/fhir+json"),
        ("application/fhir+xml, application/fhir+json;q=0.9", "application/fhir+xml"),
        ("application/fhir+json;q=0.5, application/fhir+xml;q=0.8", "application/fhir+xml"),
        ("application/fhir+xml;q=0, */*", "application/fhir+json"),
        ("text/turtle, application/fhir+xml;q=0.1", "application/fhir+xml"),
        ("Application/FHIR+XML", "application/fhir+xml"),
        ("application/json+fhir", "application/fhir+json"),
        ("application/xml+fhir", "application/fhir+xml"),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json"),
        ("application/fhir+xml; charset=utf-8", "application/fhir+xml"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/fhir+json"),
    ],
)
async def test_the_best_form_that_the_client_accepts(
    shared: httpx.AsyncClient, accept: str, form: str
) -> None:
    kept = await created(shared, patient(name=[{"text": NAME}]))

    response = await shared.get(f"Patient/{kept['id']}", headers={"Accept": accept})

    assert response.status_code == 200
    assert response.headers["content-type"].partition(";")[0] == form
    assert "charset=utf-8" in response.headers["content-type"]
    assert "Accept" in response.headers["vary"]
    tree = response.json() if "json" in form else tree_of(response.content)
    assert tree == kept


@pytest.mark.parametrize(
    "accept",
    [
        "text/turtle",
        "application/fhir+turtle",
        "image/png",
        "application/fhir+json; fhirVersion=3.0",
        "application/fhir+xml; fhirVersion=5.0",
        "application/fhir+json; charset=iso-8859-1",
    ],
)
@pytest.mark.parametrize("path", ["Patient/{}", "Patient", "metadata", "Patient/_history"])
async def test_a_form_that_nobody_writes_is_406(shared: httpx.AsyncClient, accept: str, path: str) -> None:
    kept = await created(shared, patient())

    response = await shared.get(path.format(kept["id"]), headers={"Accept": accept})

    issue_of(response, 406, "not-supported")


async def test_a_write_whose_answer_nobody_can_write_does_not_happen(shared: httpx.AsyncClient) -> None:
    chosen = fresh()

    response = await shared.put(f"Patient/{chosen}", json=patient(id=chosen), headers={"Accept": "image/png"})

    issue_of(response, 406)
    issue_of(await shared.get(f"Patient/{chosen}"), 404)


XML = ["xml", "text/xml", "application/xml", "application/fhir+xml", "application/fhir%2Bxml"]
JSON = ["json", "application/json", "application/fhir+json", "application/fhir%2Bjson"]


@pytest.mark.parametrize("accept", ["application/fhir+json", "application/fhir+xml", "image/png"])
@pytest.mark.parametrize("format", [*XML, *JSON])
async def test_format_wins_over_accept(shared: httpx.AsyncClient, format: str, accept: str) -> None:
    kept = await created(shared, patient(active=True))

    response = await shared.get(f"Patient/{kept['id']}?_format={format}", headers={"Accept": accept})

    assert response.status_code == 200
    tree = tree_of(response.content) if format in XML else response.json()
    assert tree == kept


@pytest.mark.parametrize("format", ["ttl", "text/turtle", "application/fhir%2Bturtle", "csv"])
async def test_a_format_that_nobody_writes_is_406(shared: httpx.AsyncClient, format: str) -> None:
    kept = await created(shared, patient())

    issue_of(await shared.get(f"Patient/{kept['id']}?_format={format}"), 406)


@pytest.mark.parametrize(
    "path",
    ["Patient?_format=xml", "Patient/_history?_format=xml", "metadata?_format=xml", "Patient/no?_format=xml"],
)
async def test_every_answer_comes_in_the_form_that_was_asked_for(
    shared: httpx.AsyncClient, path: str
) -> None:
    response = await shared.get(path)

    assert response.headers["content-type"].startswith("application/fhir+xml")
    assert tree_of(response.content)["resourceType"] in {"Bundle", "CapabilityStatement", "OperationOutcome"}


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH"])
async def test_a_refusal_comes_in_the_form_that_was_asked_for(shared: httpx.AsyncClient, method: str) -> None:
    response = await shared.request(
        method, "Shoe/1", content=b"{", headers={"Accept": "application/fhir+xml", **FHIR_JSON}
    )

    assert response.status_code == 404
    assert response.headers["content-type"].startswith("application/fhir+xml")
    assert tree_of(response.content)["issue"][0]["severity"] == "error"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/fhir+json",
        "application/json",
        "text/json",
        "application/json+fhir",
        "application/fhir+json; charset=utf-8",
        "application/fhir+json; charset=UTF-8; fhirVersion=4.0",
        'application/fhir+json; charset="utf-8"',
        "",
    ],
)
async def test_a_json_body_by_any_of_its_names(shared: httpx.AsyncClient, content_type: str) -> None:
    body = f'{{"resourceType":"Patient","name":[{{"text":"{NAME}"}}]}}'.encode()
    headers = {"Content-Type": content_type} if content_type else {}

    response = await shared.post("Patient", content=body, headers=headers)

    assert response.status_code == 201
    assert response.json()["name"][0]["text"] == NAME


@pytest.mark.parametrize(
    "content_type", ["application/fhir+xml", "application/xml", "text/xml; charset=utf-8", ""]
)
async def test_an_xml_body_by_any_of_its_names(shared: httpx.AsyncClient, content_type: str) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    response = await shared.post("Patient", content=xml_of(patient(name=[{"text": NAME}])), headers=headers)

    assert response.status_code == 201
    assert response.json()["name"][0]["text"] == NAME


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/pdf",
        "text/turtle",
        "application/x-www-form-urlencoded",
        "application/json-patch+json",
        "application/fhir+json; charset=iso-8859-1",
        "application/fhir+json; fhirVersion=3.0",
        "nonsense",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("POST", "Patient"), ("PUT", "Patient/x1"), ("POST", "")])
async def test_a_body_of_another_kind_is_415(
    shared: httpx.AsyncClient, method: str, path: str, content_type: str
) -> None:
    response = await shared.request(
        method, path, content=b'{"resourceType":"Patient"}', headers={"Content-Type": content_type}
    )

    issue_of(response, 415, "not-supported")


async def test_format_says_nothing_about_the_body(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Patient?_format=xml", json=patient(active=True), headers=FHIR_JSON)

    assert response.status_code == 201
    assert tree_of(response.content)["active"] is True


async def test_a_format_in_a_posted_search_counts(shared: httpx.AsyncClient) -> None:
    response = await shared.post("Patient/_search", data={"_format": "xml", "_count": "1"})

    assert response.headers["content-type"].startswith("application/fhir+xml")


async def test_the_version_that_was_asked_for_is_named_in_the_answer(shared: httpx.AsyncClient) -> None:
    response = await shared.get("metadata", headers={"Accept": "application/fhir+json; fhirVersion=4.0"})

    assert "fhirVersion=4.0" in response.headers["content-type"]


async def test_json_and_xml_are_the_same_resource(shared: httpx.AsyncClient) -> None:
    tree = patient(
        text={
            "status": "generated",
            "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>A &amp; B</p></div>',
        },
        name=[
            {"given": ["A", "B"], "_given": [None, {"extension": [{"url": "urn:x", "valueBoolean": True}]}]}
        ],
        _birthDate={"extension": [{"url": "urn:example:t", "valueDateTime": "1950-01-01T10:00:00+04:00"}]},
        contained=[{"resourceType": "Organization", "id": "o", "name": NAME}],
        managingOrganization={"reference": "#o"},
    )

    by_json = await created(shared, tree)
    as_xml = await shared.get(f"Patient/{by_json['id']}?_format=xml")
    by_xml = await shared.post(
        "Patient", content=as_xml.content, headers={"Content-Type": "application/fhir+xml"}
    )

    assert {**by_xml.json(), "id": 0, "meta": 0} == {**by_json, "id": 0, "meta": 0}
