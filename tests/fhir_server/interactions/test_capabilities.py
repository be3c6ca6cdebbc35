"""https://hl7.org/fhir/R4/http.html#capabilities"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.parameters import parameters_of
from fhir_server.interactions.call import Action
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.parse import query_of
from fhir_server.validation.validator import check
from tests.fhir_server.interactions.performing import BASE, Performer, refused

# A value that each kind of parameter reads.
VALUES = {
    "number": "1",
    "date": "2024",
    "string": "a",
    "token": "a",
    "reference": "Patient/1",
    "quantity": "1",
    "uri": "urn:a",
}
# … and one that each special parameter does.
SPECIAL = {"near": "0|0", "_filter": "_id eq a"}


def value_for(resource_type: str, name: str, kind: str) -> str:
    if kind == "composite":
        return "$".join(VALUES[part.kind] for part in parameters_of(resource_type)[name].components)
    return SPECIAL[name] if kind == "special" else VALUES[kind]


async def told(perform: Performer, query: str = "", **rest: Any) -> Tree:
    return decode((await perform(Action.CAPABILITIES, query=query, **rest)).body)


@pytest.mark.parametrize("query", ["", "mode=full", "mode=normative", "_format=json"])
async def test_the_statement_is_valid_and_about_this_server(perform: Performer, query: str) -> None:
    statement = await told(perform, query)

    assert check(statement) == []
    assert (statement["resourceType"], statement["kind"], statement["fhirVersion"]) == (
        "CapabilityStatement",
        "instance",
        "4.0.1",
    )
    assert statement["implementation"]["url"] == BASE
    assert {"application/fhir+json", "application/fhir+xml"} <= set(statement["format"])
    assert {"application/json-patch+json", "application/fhir+json"} <= set(statement["patchFormat"])


async def test_every_type_and_interaction_is_listed(perform: Performer) -> None:
    (rest,) = (await told(perform))["rest"]

    assert rest["mode"] == "server"
    assert [one["type"] for one in rest["resource"]] == sorted(resource_types())
    assert {one["code"] for one in rest["interaction"]} == {
        "transaction",
        "batch",
        "history-system",
        "search-system",
    }
    codes = {
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "create",
        "history-instance",
        "history-type",
        "search-type",
    }
    for resource in rest["resource"]:
        assert {one["code"] for one in resource["interaction"]} == codes


async def test_every_parameter_that_is_listed_is_understood(perform: Performer) -> None:
    (rest,) = (await told(perform))["rest"]
    for resource in rest["resource"]:
        names = [parameter["name"] for parameter in resource["searchParam"]]
        assert len(names) == len(set(names))
        assert {"_id", "_lastUpdated"} <= set(names)
        for parameter in resource["searchParam"]:
            query_of(
                resource["type"],
                f"{parameter['name']}={value_for(resource['type'], parameter['name'], parameter['type'])}",
                lenient=False,
                limits=perform.server.limits,
            )


async def test_every_include_that_is_listed_is_taken(perform: Performer) -> None:
    (rest,) = (await told(perform))["rest"]
    listed = {resource["type"]: resource for resource in rest["resource"]}
    for name, resource in listed.items():
        for code, links in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude")):
            for link in resource.get(links, ()):
                query_of(name, f"{code}={link}", lenient=False, limits=perform.server.limits)

    assert {"*", "Observation:subject", "Provenance:target"} <= {*listed["Patient"]["searchRevInclude"]}
    assert {"*", "Patient:organization"} <= {*listed["Patient"]["searchInclude"]}
    assert "Patient:organization" not in listed["Patient"]["searchRevInclude"]
    # Canonical URLs are compared, and no resource is looked up by one.
    assert "QuestionnaireResponse:questionnaire" not in listed["QuestionnaireResponse"]["searchInclude"]
    assert "QuestionnaireResponse:questionnaire" not in listed["Questionnaire"]["searchRevInclude"]


@pytest.mark.parametrize(
    ("settings", "element", "value"),
    [
        ({}, "updateCreate", True),
        ({"client_ids": False}, "updateCreate", False),
        ({}, "conditionalDelete", "multiple"),
        ({"conditional_delete": "single"}, "conditionalDelete", "single"),
        ({}, "referencePolicy", ["literal", "logical", "local", "enforced"]),
        ({"references": "off"}, "referencePolicy", ["literal", "logical", "local"]),
        ({}, "conditionalRead", "full-support"),
        ({}, "versioning", "versioned-update"),
    ],
)
async def test_the_statement_tells_the_settings(
    perform: Performer, settings: dict[str, Any], element: str, value: object
) -> None:
    statement = await told(perform.with_settings(**settings))

    assert all(resource[element] == value for resource in statement["rest"][0]["resource"])


async def test_terminology_capabilities(perform: Performer) -> None:
    statement = await told(perform, "mode=terminology")

    assert check(statement) == []
    assert statement["resourceType"] == "TerminologyCapabilities"


@pytest.mark.parametrize("query", ["mode=nonsense", "mode="])
async def test_another_mode_is_refused(perform: Performer, query: str) -> None:
    with refused(400, "value"):
        await told(perform, query)


async def test_the_statement_is_of_the_base_that_was_asked(perform: Performer) -> None:
    statement = await told(perform, base="http://other.example/fhir")

    assert statement["url"] == "http://other.example/fhir/metadata"


@pytest.mark.parametrize("mode", ["full", "terminology"])
async def test_a_client_that_has_the_statement_is_told_so(perform: Performer, mode: str) -> None:
    first = await perform(Action.CAPABILITIES, query=f"mode={mode}")

    for known in (f'W/"{first.version}"', "*"):
        reply = await perform(Action.CAPABILITIES, query=f"mode={mode}", if_none_match=known)
        assert (reply.status, reply.body, reply.version) == (304, b"", first.version)
    assert (await perform(Action.CAPABILITIES, query=f"mode={mode}", if_none_match='W/"1"')).status == 200


async def test_the_tag_changes_with_the_statement(perform: Performer) -> None:
    one = await perform(Action.CAPABILITIES)
    other = await perform.with_settings(client_ids=False)(Action.CAPABILITIES)

    assert one.version != other.version
