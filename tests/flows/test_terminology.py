"""The terminology service as clients ask it, and where else it is asked.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

import httpx
import pytest

from tests.flows.asking import Tree, created
from tests.flows.terminology_asking import (
    GENDER,
    GENDERS,
    SERAFIN,
    ask,
    codes,
    issue_in,
    parts,
    post,
    sent,
    system,
    told,
    value_set,
)

session = pytest.mark.asyncio(loop_scope="session")


V3 = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
V3_CODES = "http://terminology.hl7.org/ValueSet/v3-ActCode"
ADDRESS_USE = "http://hl7.org/fhir/address-use"
ADDRESS_MAP = "http://hl7.org/fhir/ConceptMap/cm-address-use-v3"


@session
async def test_pages_of_an_expansion_are_together_the_whole_of_it(shared: httpx.AsyncClient) -> None:
    whole = codes(await ask(shared, "ValueSet/$expand", url=V3_CODES))
    pages: list[str] = []
    while page := codes(
        await ask(shared, "ValueSet/$expand", url=V3_CODES, offset=str(len(pages)), count="400")
    ):
        pages += page

    assert len(pages) == len(set(pages))
    assert sorted(pages) == sorted(whole)


@session
async def test_a_filter_that_is_still_empty_finds_everything(shared: httpx.AsyncClient) -> None:
    answer = await shared.get(f"ValueSet/$expand?url={GENDERS}&filter=")

    assert codes(answer) == ["male", "female", "other", "unknown"]


@session
async def test_an_expansion_as_of_another_day_is_refused(shared: httpx.AsyncClient) -> None:
    past = await ask(shared, "ValueSet/$expand", url=GENDERS, date="2001-01-01")
    future = await ask(shared, "ValueSet/$expand", url=GENDERS, date="2999")

    assert (past.status_code, issue_in(past)["code"]) == (422, "not-supported")
    assert future.status_code == 200


@session
async def test_a_version_that_is_forced_and_not_known_is_named(shared: httpx.AsyncClient) -> None:
    answer = await shared.get(f"ValueSet/$expand?url={GENDERS}&force-system-version={GENDER}|9")

    assert answer.status_code == 422
    assert f"{GENDER}|9" in issue_in(answer)["diagnostics"]


@session
async def test_a_property_comes_with_the_display_of_its_value(shared: httpx.AsyncClient) -> None:
    answer = await ask(shared, "CodeSystem/$lookup", system=V3, code="_ActEncounterCode")

    found = {one["code"]: one for one in parts(answer, "property") if one["code"] != "child"}
    assert found["parent"]["description"] == "act care provision"
    assert found["notSelectable"] == {"code": "notSelectable", "value": True}


@session
async def test_the_version_of_a_code_system_may_stand_behind_its_url(shared: httpx.AsyncClient) -> None:
    asked = {"url": GENDERS, "system": f"{GENDER}|4.0.1", "code": "male"}

    assert told(await ask(shared, "ValueSet/$validate-code", **asked))["result"] is True


@session
async def test_a_concept_in_words_alone_is_of_no_value_set(shared: httpx.AsyncClient) -> None:
    asked = sent(url=GENDERS, codeableConcept={"text": "a man"})

    found = told(await post(shared, "ValueSet/$validate-code", asked))

    assert found["result"] is False
    assert found["message"]


@session
async def test_a_coding_without_system_is_told_what_it_lacks(shared: httpx.AsyncClient) -> None:
    asked = sent(url=GENDERS, coding={"code": "male"})

    found = told(await post(shared, "ValueSet/$validate-code", asked))

    assert found["result"] is False
    assert "system" in found["message"]


@session
async def test_a_code_system_without_url_is_asked_too(shared: httpx.AsyncClient) -> None:
    nameless = system()
    del nameless["url"]
    stored = await created(shared, nameless)

    sent_along = await post(shared, "CodeSystem/$validate-code", sent(codeSystem=nameless, code="escarre"))
    there = await ask(shared, f"CodeSystem/{stored['id']}/$validate-code", code="none")

    assert told(sent_along)["result"] is True
    assert told(there)["result"] is False


@session
async def test_codes_of_two_versions_are_not_compared(shared: httpx.AsyncClient) -> None:
    one = {"system": V3, "code": "AMB", "version": "2018-08-12"}
    asked = sent(codingA=one, codingB={**one, "version": "1"})

    assert (await post(shared, "CodeSystem/$subsumes", asked)).status_code == 400


@session
async def test_questions_and_answers_may_be_xml(shared: httpx.AsyncClient) -> None:
    body = (
        f'<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="url"/><valueUri value="{ADDRESS_MAP}"/>'
        f'</parameter><parameter><name value="coding"/><valueCoding><system value="{ADDRESS_USE}"/>'
        '<code value="home"/></valueCoding></parameter></Parameters>'
    )
    xml = "application/fhir+xml"

    answer = await shared.post(
        "ConceptMap/$translate", content=body, headers={"Content-Type": xml, "Accept": xml}
    )

    assert answer.status_code == 200
    assert '<name value="concept"/><valueCoding><system value="http://terminology.hl7.org/' in answer.text


@session
@pytest.mark.parametrize("mode", ["full", "terminology"])
async def test_what_the_server_says_of_itself_is_valid(shared: httpx.AsyncClient, mode: str) -> None:
    said = (await shared.get(f"metadata?mode={mode}")).json()

    outcome = await post(shared, f"{said['resourceType']}/$validate", said)

    assert not [one for one in outcome.json()["issue"] if one["severity"] in {"error", "fatal"}]


@session
async def test_a_batch_asks_many_questions_at_once(shared: httpx.AsyncClient) -> None:
    def question(url: str) -> Tree:
        return {"request": {"method": "GET", "url": url}}

    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [
            question(f"ValueSet/$validate-code?url={GENDERS}&system={GENDER}&code=male"),
            question(f"ValueSet/$expand?url={GENDERS}&count=1"),
            question(f"CodeSystem/$lookup?system={GENDER}&code=none"),
        ],
    }

    answers = (await post(shared, "", bundle)).json()["entry"]

    assert [one["response"]["status"][:3] for one in answers] == ["200", "200", "404"]
    assert answers[1]["resource"]["expansion"]["contains"][0]["code"] == "male"


@session
async def test_terminology_capabilities_list_the_code_systems(shared: httpx.AsyncClient) -> None:
    answer = await shared.get("metadata?mode=terminology")

    listed = {one["uri"]: one for one in answer.json()["codeSystem"]}
    assert listed[GENDER]["version"][0]["code"] == "4.0.1"
    assert SERAFIN in listed
    assert "http://unitsofmeasure.org" in listed


@session
async def test_searches_ask_the_same_definitions(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())
    subject = await created(shared, {"resourceType": "Patient"})
    condition = {
        "resourceType": "Condition",
        "subject": {"reference": f"Patient/{subject['id']}"},
        "code": {"coding": [{"system": own["url"], "code": "brulure"}]},
    }
    kept = await created(shared, condition)
    wanted = await created(shared, value_set({"system": own["url"]}))

    below = await shared.get(f"Condition?code:below={own['url']}|plaie")
    within = await shared.get(f"Condition?code:in={wanted['url']}")

    for answer in (below, within):
        assert [one["resource"]["id"] for one in answer.json()["entry"]] == [kept["id"]]
