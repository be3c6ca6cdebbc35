"""Operations over HTTP: addresses, methods, forms and pages, on the real store.

https://hl7.org/fhir/R4/operations.html
"""

from __future__ import annotations

import httpx
import pytest

from fhir_server.web.xml import tree_of, xml_of
from tests.flows.asking import (
    FHIR_JSON,
    FHIR_XML,
    Tree,
    created,
    entry,
    fresh,
    issue_of,
    link_of,
    observation,
    patient,
    resources_of,
    send,
)

session = pytest.mark.asyncio(loop_scope="session")

TAG = {"system": "urn:oid:1.2.4", "code": "a"}


def add_tag(**tag: str) -> Tree:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "meta", "valueMeta": {"tag": [{**TAG, **tag}]}}],
    }


def keys_of(bundle: Tree, mode: str = "") -> list[str]:
    return [
        f"{item['resource']['resourceType']}/{item['resource']['id']}"
        for item in bundle.get("entry", ())
        if mode in {"", item["search"]["mode"]}
    ]


async def record_of(client: httpx.AsyncClient, number: int = 6) -> tuple[str, list[str], list[str]]:
    """A new patient's id, the keys of the record in no order, and those of what it refers to."""
    doctor = await created(client, {"resourceType": "Practitioner"})
    house = await created(client, {"resourceType": "Organization", "name": "A"})
    one = await created(client, patient(managingOrganization={"reference": f"Organization/{house['id']}"}))
    subject = f"Patient/{one['id']}"
    kept = [
        await created(
            client,
            observation(
                subject,
                code={"coding": [{"code": "weight"}]},
                effectiveDateTime=f"2024-01-{day + 10}",
                performer=[{"reference": f"Practitioner/{doctor['id']}"}],
            ),
        )
        for day in range(number)
    ]
    task = {"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": subject}}
    kept.append(await created(client, task))
    await created(client, observation(f"Patient/{(await created(client, patient()))['id']}"))
    return (
        one["id"],
        [subject, *(f"{tree['resourceType']}/{tree['id']}" for tree in kept)],
        [f"Organization/{house['id']}", f"Practitioner/{doctor['id']}"],
    )


@session
async def test_everything_about_a_patient_is_one_searchset(shared: httpx.AsyncClient) -> None:
    who, matches, included = await record_of(shared)

    response = await shared.get(f"Patient/{who}/$everything")

    assert response.status_code == 200
    assert "etag" not in response.headers
    found = response.json()
    assert (found["resourceType"], found["type"], found["total"]) == ("Bundle", "searchset", len(matches))
    assert keys_of(found, "match")[0] == f"Patient/{who}"
    assert sorted(keys_of(found, "match")) == sorted(matches)
    assert sorted(keys_of(found, "include")) == sorted(included)


@session
@pytest.mark.parametrize("count", [1, 3, 8, 9, 10])
async def test_pages_of_everything_lead_through_it_once(shared: httpx.AsyncClient, count: int) -> None:
    who, matches, included = await record_of(shared)
    url, shown = f"Patient/{who}/$everything?_count={count}", list[str]()

    while url:
        response = await shared.get(url)
        assert response.status_code == 200, response.text
        assert 0 < len(response.json()["entry"]) <= count
        shown += keys_of(response.json())
        url = link_of(response.json(), "next")

    assert sorted(shown) == sorted(matches + included)


@session
async def test_everything_can_be_narrowed_by_days_types_and_changes(shared: httpx.AsyncClient) -> None:
    who, *_ = await record_of(shared)

    async def count(query: str) -> int:
        response = await shared.get(f"Patient/{who}/$everything?{query}")
        assert response.status_code == 200, response.text
        return len(response.json().get("entry", ()))

    assert await count("_type=Observation") == 6
    assert await count("_type=Observation&start=2024-01-12&end=2024-01-13") == 2
    assert await count("_type=Task,Patient") == 2
    assert await count("_since=2000-01-01T00:00:00Z") == 10
    assert await count("_since=2999-01-01T00:00:00%2B01:00") == 0


@session
async def test_parameters_can_be_sent_to_everything_in_json_and_xml(shared: httpx.AsyncClient) -> None:
    who, *_ = await record_of(shared)
    body: Tree = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueCode": "Task"}]}

    for content, headers in ((None, {}), (body, FHIR_JSON)):
        found = (await shared.post(f"Patient/{who}/$everything", json=content, headers=headers)).json()
        assert len(keys_of(found)) == (1 if content else 10)
    by_xml = await shared.post(
        f"Patient/{who}/$everything",
        content=xml_of(body),
        headers={**FHIR_XML, "Accept": "application/fhir+xml"},
    )

    assert by_xml.headers["content-type"].startswith("application/fhir+xml")
    assert len(keys_of(tree_of(by_xml.content))) == 1


@session
async def test_parts_can_be_asked_of_what_an_operation_finds(shared: httpx.AsyncClient) -> None:
    who, *_ = await record_of(shared)

    response = await shared.get(f"Patient/{who}/$everything?_type=Observation&_elements=status")

    assert all(
        "effectiveDateTime" not in tree and "SUBSETTED" in str(tree) for tree in resources_of(response.json())
    )
    issue_of(await shared.get(f"Patient/{who}/$everything?_summary=count"), 400)


@session
async def test_the_dossiers_of_an_episode_and_of_a_team(shared: httpx.AsyncClient) -> None:
    one = await created(shared, patient())
    subject = {"reference": f"Patient/{one['id']}"}
    team = await created(shared, {"resourceType": "CareTeam", "subject": subject})
    episode = await created(
        shared,
        {
            "resourceType": "EpisodeOfCare",
            "status": "active",
            "patient": subject,
            "team": [{"reference": f"CareTeam/{team['id']}"}],
            "period": {"start": "2024"},
        },
    )
    during = await created(shared, observation(subject["reference"], effectiveDateTime="2024-05-01"))
    await created(shared, observation(subject["reference"], effectiveDateTime="2019-05-01"))

    of_episode = (await shared.get(f"EpisodeOfCare/{episode['id']}/$everything")).json()
    of_team = (await shared.get(f"CareTeam/{team['id']}/$everything?_type=EpisodeOfCare,CareTeam")).json()

    assert keys_of(of_episode) == [
        f"EpisodeOfCare/{episode['id']}",
        f"Patient/{one['id']}",
        f"CareTeam/{team['id']}",
        f"Observation/{during['id']}",
    ]
    assert keys_of(of_team) == [f"CareTeam/{team['id']}", f"EpisodeOfCare/{episode['id']}"]


@session
async def test_the_last_observations_of_each_code(shared: httpx.AsyncClient) -> None:
    who, *_ = await record_of(shared)

    found = (await shared.get(f"Observation/$lastn?patient={who}&code=weight&max=2")).json()

    assert [tree["effectiveDateTime"] for tree in resources_of(found)] == ["2024-01-15", "2024-01-14"]
    issue_of(await shared.get("Observation/$lastn?code=weight"), 400, "required")


@session
async def test_a_document_is_made_and_kept(shared: httpx.AsyncClient) -> None:
    one = await created(shared, patient())
    subject = {"reference": f"Patient/{one['id']}"}
    kept = await created(
        shared,
        {
            "resourceType": "Composition",
            "status": "final",
            "type": {"text": "summary"},
            "subject": subject,
            "date": "2024",
            "author": [subject],
            "title": "Summary",
        },
    )

    shown = await shared.get(f"Composition/{kept['id']}/$document")
    stored = await shared.get(f"Composition/$document?id={kept['id']}&persist=true")
    again = await shared.post(f"Composition/{kept['id']}/$document?persist=true")

    assert shown.json()["type"] == "document"
    assert [tree["resourceType"] for tree in resources_of(shown.json())] == ["Composition", "Patient"]
    assert (shown.status_code, stored.status_code, again.status_code) == (200, 201, 200)
    assert "location" not in shown.headers
    assert (await shared.get(stored.headers["location"])).json() == again.json()
    assert again.json()["entry"] == shown.json()["entry"]


@session
async def test_labels_are_added_found_and_deleted(shared: httpx.AsyncClient) -> None:
    one, code = await created(shared, patient()), fresh()
    address = f"Patient/{one['id']}"

    added = await shared.post(f"{address}/$meta-add", json=add_tag(code=code), headers=FHIR_JSON)
    found = (await shared.get(f"Patient?_tag={TAG['system']}|{code}")).json()
    of_type = (await shared.get("Patient/$meta")).json()
    deleted = await shared.post(f"{address}/$meta-delete", json=add_tag(code=code), headers=FHIR_JSON)
    gone = (await shared.get(f"Patient?_tag={code}")).json()

    assert (added.status_code, deleted.status_code) == (200, 200)
    assert added.json()["parameter"][0]["valueMeta"]["tag"] == [{**TAG, "code": code}]
    assert keys_of(found) == [address]
    assert code in str(of_type)
    assert "entry" not in gone
    assert (await shared.get(f"{address}/$meta")).json() == deleted.json()
    assert (await shared.get(f"{address}/_history/2/$meta")).json() == added.json()


@session
@pytest.mark.parametrize("name", ["$meta-add", "$meta-delete"])
async def test_what_changes_something_is_not_asked_by_get(shared: httpx.AsyncClient, name: str) -> None:
    one = await created(shared, patient())

    response = await shared.get(f"Patient/{one['id']}/{name}")

    issue_of(response, 405, "not-supported")
    assert response.headers["allow"] == "POST, OPTIONS"


@session
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_operations_are_asked_by_get_and_post_only(shared: httpx.AsyncClient, method: str) -> None:
    issue_of(await shared.request(method, "Patient/x/$everything"), 405, "not-supported")


@session
@pytest.mark.parametrize(
    "address", ["$nothing", "Patient/$nothing", "Patient/x/$nothing", "Patient/x/$everythin"]
)
async def test_an_operation_that_is_not_there_is_404(shared: httpx.AsyncClient, address: str) -> None:
    issue_of(await shared.get(address), 404, "not-supported")
    issue_of(
        await shared.post(address, json={"resourceType": "Parameters"}, headers=FHIR_JSON),
        404,
        "not-supported",
    )


@session
@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        ('{"resourceType":"Patient"}', FHIR_JSON, 400),
        ("{", FHIR_JSON, 400),
        ("<Parameters", FHIR_XML, 400),
        ("a=b", {"Content-Type": "text/plain"}, 415),
        ('{"resourceType":"Parameters","parameter":[{"name":"_type","valueCode":7}]}', FHIR_JSON, 422),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    shared: httpx.AsyncClient, content: str, headers: dict[str, str], status: int
) -> None:
    issue_of(await shared.post("Patient/x/$everything", content=content, headers=headers), status)


@session
async def test_operations_work_in_a_batch_and_in_a_transaction(shared: httpx.AsyncClient) -> None:
    who, *_ = await record_of(shared)

    for kind, code in (("batch", "1"), ("transaction", "2")):
        response = await send(
            shared,
            kind,
            entry("POST", f"Patient/{who}/$meta-add", add_tag(code=code)),
            entry("GET", f"Patient/{who}/$everything?_type=Patient"),
            entry("POST", "Patient", patient()),
        )

        assert response.status_code == 200, response.text
        answers = response.json()["entry"]
        assert [answer["response"]["status"][:3] for answer in answers] == ["200", "200", "201"]
        assert {**TAG, "code": code} in answers[0]["resource"]["parameter"][0]["valueMeta"]["tag"]
        assert {**TAG, "code": code} in answers[1]["resource"]["entry"][0]["resource"]["meta"]["tag"]


@session
async def test_head_answers_like_get_without_the_body(shared: httpx.AsyncClient) -> None:
    one = await created(shared, patient())

    response = await shared.head(f"Patient/{one['id']}/$everything")

    assert response.status_code == 200
    assert response.content == b""
    assert int(response.headers["content-length"]) > 0


@session
async def test_every_operation_is_declared_with_a_definition_that_can_be_read(
    shared: httpx.AsyncClient,
) -> None:
    rest = (await shared.get("metadata")).json()["rest"][0]
    declared = {resource["type"]: resource.get("operation", []) for resource in rest["resource"]}
    names = {kind: {item["name"] for item in listed} for kind, listed in declared.items()}

    assert {"everything", "meta", "meta-add", "meta-delete"} <= names["Patient"]
    assert "everything" in names["EpisodeOfCare"] & names["CareTeam"]
    assert "lastn" in names["Observation"]
    assert "document" in names["Composition"]
    assert "meta" in {item["name"] for item in rest["operation"]}
    for url in {item["definition"] for listed in declared.values() for item in listed}:
        response = await shared.get(f"OperationDefinition/{url.rpartition('/')[2]}")
        assert (response.status_code, response.json()["url"]) == (200, url)
