"""metadata: one statement of what the server does, true to what it does, in every form.

https://hl7.org/fhir/R4/http.html#capabilities
"""

from __future__ import annotations

import httpx
import pytest

from fhir_server.web.xml import tree_of
from tests.flows.asking import created, fresh, issue_of, patient
from tests.flows.serving import Serve

session = pytest.mark.asyncio(loop_scope="session")


@session
@pytest.mark.parametrize("form", ["json", "xml"])
async def test_metadata_is_a_capability_statement_of_r4(shared: httpx.AsyncClient, form: str) -> None:
    response = await shared.get(f"metadata?_format={form}")

    tree = response.json() if form == "json" else tree_of(response.content)
    assert response.status_code == 200
    assert (tree["resourceType"], tree["fhirVersion"], tree["kind"]) == (
        "CapabilityStatement",
        "4.0.1",
        "instance",
    )
    assert {"application/fhir+json", "application/fhir+xml"} <= set(tree["format"])
    assert tree["implementation"]["url"] == "http://test.example/fhir"
    assert tree["rest"][0]["mode"] == "server"


@session
async def test_the_statement_is_a_resource_that_this_server_would_store(shared: httpx.AsyncClient) -> None:
    statement = (await shared.get("metadata")).json()

    response = await shared.put(
        f"CapabilityStatement/{statement['id']}", json=statement, headers={"Prefer": "return=minimal"}
    )

    assert response.status_code in {200, 201}


@session
async def test_the_interactions_that_are_declared_work(shared: httpx.AsyncClient) -> None:
    rest = (await shared.get("metadata")).json()["rest"][0]

    types = {resource["type"]: resource for resource in rest["resource"]}
    assert len(types) > 140
    assert {item["code"] for item in rest["interaction"]} >= {"transaction", "batch", "history-system"}
    declared = {item["code"] for item in types["Patient"]["interaction"]}
    assert declared >= {"read", "vread", "update", "patch", "delete", "create", "search-type"}
    assert types["Patient"]["versioning"] == "versioned-update"
    assert types["Patient"]["conditionalCreate"] is types["Patient"]["conditionalUpdate"] is True
    assert types["Patient"]["updateCreate"] is True


@session
async def test_every_search_parameter_that_is_declared_is_answered(shared: httpx.AsyncClient) -> None:
    rest = (await shared.get("metadata")).json()["rest"][0]
    values = {"date": "2024", "number": "1", "quantity": "1", "reference": "Patient/1", "uri": "urn:x"}

    for resource in rest["resource"]:
        if resource["type"] not in {"Patient", "Observation", "ValueSet", "RiskAssessment"}:
            continue
        for parameter in resource["searchParam"]:
            if parameter["type"] in {"composite", "special"}:  # whose values depend on the parameter
                continue
            value = values.get(parameter["type"], "x")
            response = await shared.get(
                resource["type"],
                params={parameter["name"]: value, "_count": "1"},
                headers={"Prefer": "handling=strict"},
            )
            assert response.status_code == 200, (resource["type"], parameter, response.text)


@session
async def test_the_terminology_mode_has_a_resource_of_its_own(shared: httpx.AsyncClient) -> None:
    full = await shared.get("metadata?mode=full")
    normative = await shared.get("metadata?mode=normative")
    terminology = await shared.get("metadata?mode=terminology")

    assert full.json()["resourceType"] == normative.json()["resourceType"] == "CapabilityStatement"
    assert terminology.json()["resourceType"] == "TerminologyCapabilities"
    issue_of(await shared.get("metadata?mode=none"), 400)


@session
async def test_the_etag_is_that_of_the_content(shared: httpx.AsyncClient) -> None:
    one, two = await shared.get("metadata"), await shared.get("metadata")
    other = await shared.get("metadata?mode=terminology")

    assert one.headers["etag"] == two.headers["etag"] != other.headers["etag"]
    same = await shared.get("metadata", headers={"If-None-Match": one.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


async def test_the_etag_changes_with_what_the_server_does(serve: Serve) -> None:
    one, two = await serve(), await serve(client_ids=False)

    assert (await one.get("metadata")).headers["etag"] != (await two.get("metadata")).headers["etag"]


@session
async def test_a_summary_of_the_statement_is_a_part(shared: httpx.AsyncClient) -> None:
    part = (await shared.get("metadata?_elements=fhirVersion")).json()

    assert part["fhirVersion"] == "4.0.1"
    assert "rest" not in part


@session
async def test_versions_are_kept_as_declared(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(fresh()))
    again = await shared.put(f"Patient/{kept['id']}", json={**kept, "active": True})

    assert kept["meta"]["versionId"] == "1"
    assert again.json()["meta"]["versionId"] == "2"
    assert again.json()["meta"]["lastUpdated"] > kept["meta"]["lastUpdated"]
    assert (await shared.get(f"Patient/{kept['id']}/_history/1")).json() == kept


async def test_the_profiles_of_a_type_are_listed(client: httpx.AsyncClient) -> None:
    statement = (await client.get("metadata")).json()

    (patient,) = [one for one in statement["rest"][0]["resource"] if one["type"] == "Patient"]
    assert (
        "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-ins" in patient["supportedProfile"]
    )
