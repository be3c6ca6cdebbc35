"""Definitions and resources made to keep the server busy: refused or answered in bounded time, others served meanwhile.

Whoever may write definitions decides how much a judgement costs: regular expressions, expressions, value sets and
profiles that grow without end. Each one here is sent to a whole server while a second client reads.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, created, fresh
from tests.flows.bombs import (
    EVIL,
    EVIL_TEXT,
    EXPONENTIAL,
    PATIENCE_SECONDS,
    bombed,
    code_system,
    constraint,
    element,
    errors_of,
    issues_of,
    judged,
    others_are_served,
    profile,
    sent,
    value_set,
)
from tests.processes import Cordee
from tests.processes import client as served

session = pytest.mark.asyncio(loop_scope="session")
pytestmark = pytest.mark.usefixtures("impatient")


# Regular expressions


@session
async def test_an_evil_regex_of_a_profile_is_followed_in_linear_time(shared: httpx.AsyncClient) -> None:
    regex = {"url": "http://hl7.org/fhir/StructureDefinition/regex", "valueString": EVIL}
    rule = element("Patient.name.family", type=[{"code": "string", "extension": [regex]}])

    answer = await judged(shared, profile(rule), name=[{"family": EVIL_TEXT}])

    assert answer.status_code == 200


@session
@pytest.mark.parametrize(
    "expression",
    [f"family.matches('{EVIL}')", "family.replaceMatches('(a*)*b', '') = ''"],
)
async def test_an_evil_regex_of_a_constraint_is_followed_in_linear_time(
    shared: httpx.AsyncClient, expression: str
) -> None:
    rule = element("Patient.name", constraint=constraint(expression))

    answer = await judged(shared, profile(rule), name=[{"family": EVIL_TEXT}])

    assert errors_of(answer) == [("invariant", "Patient.name[0]")]


@session
@pytest.mark.parametrize("regex", ["((a{1,20}){1,20}){1,5}b", "(.*a){12}b"])
async def test_an_evil_regex_of_a_value_set_is_refused(shared: httpx.AsyncClient, regex: str) -> None:
    codes = await created(shared, code_system([{"code": "a" * 100 + str(n)} for n in range(3000)]))
    rule = {"property": "code", "op": "regex", "value": regex}

    answer = await bombed(shared, "ValueSet/$expand", value_set({"system": codes["url"], "filter": [rule]}))

    assert answer.status_code == 422
    assert "regular expression" in issues_of(answer)[0]["diagnostics"]


@session
async def test_a_value_set_with_an_evil_regex_is_nothing_to_judge_by(shared: httpx.AsyncClient) -> None:
    codes = await created(shared, code_system([{"code": "a" * 1000 + str(n)} for n in range(300)]))
    rule = {"property": "code", "op": "regex", "value": "(a+)+b"}
    stored = await created(shared, value_set({"system": codes["url"], "filter": [rule]}))
    bound = element("Patient.maritalStatus", binding={"strength": "required", "valueSet": stored["url"]})
    coding = {"system": codes["url"], "code": codes["concept"][0]["code"]}

    verdict = await bombed(
        shared,
        f"ValueSet/$validate-code?url={stored['url']}&system={coding['system']}&code={coding['code']}",
    )
    judgement = await judged(shared, profile(bound), maritalStatus={"coding": [coding]})

    assert verdict.status_code == 422
    assert "not-found" in {issue["code"] for issue in issues_of(judgement) if issue["severity"] == "warning"}


@session
async def test_an_evil_regex_of_an_expression_is_followed_in_linear_time(shared: httpx.AsyncClient) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": EVIL_TEXT}]}

    answer = await bombed(
        shared, "$fhirpath", sent(expression=f"name.family.matches('{EVIL}')", resource=patient)
    )

    assert answer.json()["parameter"][0]["part"][0]["valueBoolean"] is False


# Expressions


@session
@pytest.mark.parametrize(
    ("expression", "status"),
    [
        (EXPONENTIAL, 422),
        ("(" * 3000 + "1" + ")" * 3000, 400),
        ("+".join("1" * 20_000), 400),
        ("'aaaaaaaaaa'" + ".replace('a', 'aaaaaaaaaa')" * 12, 422),
    ],
    ids=["exponential", "deep", "long", "growing"],
)
async def test_an_expression_without_end_is_refused(
    shared: httpx.AsyncClient, expression: str, status: int
) -> None:
    answer = await bombed(
        shared, "$fhirpath", sent(expression=expression, resource={"resourceType": "Patient"})
    )

    assert answer.status_code == status
    assert issues_of(answer)[0]["expression"]


@session
async def test_a_constraint_without_end_ends_the_judgement(shared: httpx.AsyncClient) -> None:
    rule = element("Patient.name", constraint=constraint(EXPONENTIAL))

    answer = await judged(shared, profile(rule), name=[{"family": "A"}] * 20)

    assert ("too-costly", "Patient") in errors_of(answer) or "not-found" in {
        issue["code"] for issue in issues_of(answer)
    }


@session
async def test_thousands_of_constraints_end_the_judgement(shared: httpx.AsyncClient) -> None:
    rules = [
        {**constraint(f"%resource.descendants().count() != {n}")[0], "key": f"b-{n}"} for n in range(2000)
    ]
    given = [{"given": ["b"] * 50}] * 20

    answer = await judged(shared, profile(element("Patient.name", constraint=rules)), name=given)

    assert ("too-costly", "Patient") in errors_of(answer)


# Large resources


@session
async def test_thousands_of_contained_resources_are_judged(shared: httpx.AsyncClient) -> None:
    rule = element(
        "Patient.name", constraint=constraint("%resource.descendants().where(id.exists()).exists()")
    )
    inside = [{"resourceType": "Patient", "id": f"c{n}", "name": [{"family": "A"}]} for n in range(10_000)]

    answer = await judged(shared, profile(rule), name=[{"family": "A"}] * 200, contained=inside)

    assert {code for code, _ in errors_of(answer)} <= {"invariant", "too-costly"}


@session
async def test_a_bundle_of_five_megabytes_is_judged(shared: httpx.AsyncClient) -> None:
    def url(number: int) -> str:
        return f"urn:uuid:{number:08x}-0000-4000-8000-000000000000"

    entries = [
        {
            "fullUrl": url(n),
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {"text": "x" * 200},
                "subject": {"reference": url((n + 1) % 12_000)},
            },
        }
        for n in range(12_000)
    ]
    answer = await bombed(
        shared, "Bundle/$validate", {"resourceType": "Bundle", "type": "collection", "entry": entries}
    )

    assert {code for code, _ in errors_of(answer)} <= {"too-costly"}


@session
async def test_what_nests_without_end_is_refused(shared: httpx.AsyncClient) -> None:
    body = b'{"resourceType":"Patient","extension":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    async with others_are_served(shared):
        answer = await shared.post("Patient/$validate", content=body, headers=FHIR_JSON)

    assert (answer.status_code, issues_of(answer)[0]["code"]) == (400, "structure")


@session
async def test_questions_that_wait_for_one_another_are_judged(shared: httpx.AsyncClient) -> None:
    url, count = f"http://bombs.example/{fresh('form')}", 300
    items = [
        {
            "linkId": f"q{n}",
            "type": "boolean",
            "enableWhen": [{"question": f"q{(n + 1) % count}", "operator": "=", "answerBoolean": True}],
        }
        for n in range(count)
    ]
    form = {"resourceType": "Questionnaire", "url": url, "status": "active", "item": items}
    await created(shared, form)
    answers = [{"linkId": f"q{n}", "answer": [{"valueBoolean": True}]} for n in range(count)]
    filled = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": url,
        "status": "completed",
        "item": answers,
    }

    assert (await bombed(shared, "Questionnaire/$validate", form)).status_code == 200
    assert errors_of(await bombed(shared, "QuestionnaireResponse/$validate", filled)) == []


def test_a_worker_goes_on_answering_while_it_judges(databases: Any, migrated: str) -> None:
    """One real process: GETs over another connection, while a judgement takes its time."""
    rules = [{**constraint(f"%resource.descendants().count() != {n}")[0], "key": f"b-{n}"} for n in range(30)]
    bomb = profile(element("Patient.name", constraint=rules))
    subject = {"resourceType": "Patient", "name": [{"given": ["b"] * 50}] * 20}
    url = databases.create(migrated)
    waits = []
    with (
        Cordee("serve", "--port", "0", "--workers", "1", CORDEE_DATABASE__URL=url) as server,
        served(server.base()) as client,
        served(server.base()) as other,
        ThreadPoolExecutor(1) as aside,
    ):
        assert client.post("StructureDefinition", json=bomb, headers=FHIR_JSON).status_code == 201
        judging = aside.submit(
            client.post, f"Patient/$validate?profile={bomb['url']}", json=subject, headers=FHIR_JSON
        )
        while not judging.done():
            start = time.monotonic()
            assert other.get("Patient/none").status_code == 404
            waits.append(time.monotonic() - start)
            time.sleep(0.01)
        assert judging.result().status_code == 200
        server.end()
    databases.drop(url)

    assert len(waits) > 5
    assert max(waits) < PATIENCE_SECONDS
