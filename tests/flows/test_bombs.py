"""Definitions and resources made to keep the server busy: refused or answered in bounded time, others served meanwhile.

Whoever may write definitions decides how much a judgement costs: regular expressions, expressions, value sets and
profiles that grow without end. Each one here is sent to a whole server while a second client reads.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from fhir_server.kernel.wire import encode
from tests.flows.asking import FHIR_JSON, Tree, created, fresh
from tests.processes import Cordee
from tests.processes import client as served

session = pytest.mark.asyncio(loop_scope="session")

LONGEST_SECONDS = 20.0  # of one answer, on a busy machine
PATIENCE_SECONDS = 4.0  # of somebody else, meanwhile, on a busy machine; on an idle one they wait for tenths
EVIL = "^(a+)+$"
EVIL_TEXT = "a" * 5000 + "!"
GENDER = "http://hl7.org/fhir/administrative-gender"
# Ten answers for each of ten answers, and so on.
EXPONENTIAL = "(1|2|3|4|5|6|7|8|9)" + ".select((1|2|3|4|5|6|7|8|9).combine($this))" * 9 + ".count() = 1"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judgement ends early: that it ends is what is tested."""
    monkeypatch.setattr("fhir_server.validation.judging.SECONDS", 0.3)


@asynccontextmanager
async def _others_are_served(client: httpx.AsyncClient) -> Any:
    """Somebody reads all the while and never waits long."""
    waits = [0.0]

    async def read() -> None:
        while True:
            start = time.monotonic()
            await client.get("Patient/none")
            waits.append(time.monotonic() - start)
            await asyncio.sleep(0.01)

    task = asyncio.create_task(read())
    await asyncio.sleep(0)
    try:
        yield
        await asyncio.sleep(0.02)  # a reader that was held up until now has its answer
    finally:
        task.cancel()
    assert max(waits) < PATIENCE_SECONDS


async def bombed(client: httpx.AsyncClient, path: str, tree: Tree | None = None) -> httpx.Response:
    """The answer to GET, or to POST of `tree`: in time, with a reason, and without harm to others."""
    body = b"" if tree is None else encode(tree)  # before anybody waits: the client lives in the same loop
    async with _others_are_served(client):
        start = time.monotonic()
        if tree is None:
            answer = await client.get(path)
        else:
            answer = await client.post(path, content=body, headers=FHIR_JSON)
        assert time.monotonic() - start < LONGEST_SECONDS
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    if answer.status_code >= 400:
        assert issues_of(answer)[0]["diagnostics"]
    return answer


def issues_of(answer: httpx.Response) -> list[Tree]:
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome", outcome["resourceType"]
    issues: list[Tree] = outcome["issue"]
    return issues


def errors_of(answer: httpx.Response) -> list[tuple[str, str]]:
    """Code and place of what is wrong."""
    assert answer.status_code == 200, answer.text
    return [
        (issue["code"], issue["expression"][0]) for issue in issues_of(answer) if issue["severity"] == "error"
    ]


def profile(*elements: Tree, **head: Any) -> Tree:
    return {
        "resourceType": "StructureDefinition",
        "url": f"http://bombs.example/{fresh('profile')}",
        "name": "Bomb",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Patient",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "derivation": "constraint",
        "differential": {"element": [{"id": "Patient", "path": "Patient"}, *elements]},
        **head,
    }


def element(path: str, **rules: Any) -> Tree:
    return {"id": path, "path": path, **rules}


def constraint(expression: str) -> list[Tree]:
    return [{"key": "bomb-1", "severity": "error", "human": "A bomb", "expression": expression}]


def value_set(*include: Tree, url: str = "", **parts: Any) -> Tree:
    return {
        "resourceType": "ValueSet",
        "url": url or f"http://bombs.example/{fresh('set')}",
        "status": "draft",
        "compose": {"include": list(include), **parts},
    }


def code_system(concepts: list[Tree]) -> Tree:
    return {
        "resourceType": "CodeSystem",
        "url": f"http://bombs.example/{fresh('codes')}",
        "status": "draft",
        "content": "complete",
        "caseSensitive": True,
        "concept": concepts,
    }


def sent(**inputs: Any) -> Tree:
    """Parameters. A string is a URI, but for an expression."""
    parts: list[Tree] = []
    for name, value in inputs.items():
        if isinstance(value, str):
            parts.append({"name": name, ("valueString" if name == "expression" else "valueUri"): value})
        elif "coding" in value:
            parts.append({"name": name, "valueCodeableConcept": value})
        else:
            parts.append({"name": name, "resource": value})
    return {"resourceType": "Parameters", "parameter": parts}


async def judged(client: httpx.AsyncClient, definition: Tree, **patient: Any) -> httpx.Response:
    """A Patient, judged by a profile that is stored first."""
    await created(client, definition)
    address = f"Patient/$validate?profile={definition['url']}"
    return await bombed(client, address, {"resourceType": "Patient", **patient})


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


# Value sets


@session
async def test_a_value_set_that_includes_itself_has_no_codes_to_tell(shared: httpx.AsyncClient) -> None:
    url = f"http://bombs.example/{fresh('self')}"
    await created(shared, value_set({"valueSet": [url]}, url=url))

    for question in (f"$expand?url={url}", f"$validate-code?url={url}&system={GENDER}&code=male"):
        answer = await bombed(shared, f"ValueSet/{question}")
        assert answer.status_code == 422
        assert "includes itself" in issues_of(answer)[0]["diagnostics"]


def _chain(length: int, times: int) -> Iterator[Tree]:
    """Value sets of which each includes the next one several times."""
    name = f"http://bombs.example/{fresh('chain')}"
    for number in range(length):
        inner = {"valueSet": [f"{name}-{number + 1}"]}
        yield value_set(*[inner] * times, url=f"{name}-{number}")
    yield value_set({"system": GENDER}, url=f"{name}-{length}")


@session
@pytest.mark.parametrize(
    ("length", "times", "status"), [(30, 1, 422), (18, 1, 200), (18, 2, 200), (30, 2, 422)]
)
async def test_value_sets_within_one_another_are_gone_through_once(
    shared: httpx.AsyncClient, length: int, times: int, status: int
) -> None:
    chain = list(_chain(length, times))
    for one in chain:
        await created(shared, one)
    url = chain[0]["url"]

    expansion = await bombed(shared, f"ValueSet/$expand?url={url}")
    verdict = await bombed(shared, f"ValueSet/$validate-code?url={url}&system={GENDER}&code=none")

    assert expansion.status_code == verdict.status_code == status


@session
async def test_half_a_million_codes_are_too_many(shared: httpx.AsyncClient) -> None:
    listed = {"system": GENDER, "concept": [{"code": str(n)} for n in range(1000)]}

    answer = await bombed(shared, "ValueSet/$expand", value_set(*[listed] * 500))

    assert (answer.status_code, issues_of(answer)[0]["code"]) == (422, "too-costly")


# Profiles


@session
async def test_profiles_that_build_on_themselves_are_said_to_be_unusable(shared: httpx.AsyncClient) -> None:
    one, other = f"http://bombs.example/{fresh('one')}", f"http://bombs.example/{fresh('other')}"
    await created(shared, profile(url=other, baseDefinition=one))

    circle = await judged(shared, profile(url=one, baseDefinition=other))
    alone = f"http://bombs.example/{fresh('alone')}"
    itself = await judged(shared, profile(url=alone, baseDefinition=alone))

    assert errors_of(circle) == errors_of(itself) == [("processing", "Patient")]


@session
async def test_a_profile_that_its_own_parts_must_keep_ends(shared: httpx.AsyncClient) -> None:
    url = f"http://bombs.example/{fresh('within')}"
    rule = element("Patient.contained", type=[{"code": "Patient", "profile": [url]}])
    inside = [{"resourceType": "Patient", "id": f"p{n}"} for n in range(300)]
    links = [{"type": "seealso", "other": {"reference": f"#p{n}"}} for n in range(300)]

    answer = await judged(shared, profile(rule, url=url), contained=inside, link=links)

    assert errors_of(answer) == []


def _sliced(count: int, kind: str) -> Iterator[Tree]:
    path = "$this" if kind == "profile" else "system"
    discriminator = [{"type": kind, "path": path}]
    yield element("Patient.identifier", slicing={"discriminator": discriminator, "rules": "open"})
    base = "http://hl7.org/fhir/StructureDefinition/Identifier"
    for number in range(count):
        name = f"Patient.identifier:s{number}"
        rules = {"id": name, "path": "Patient.identifier", "sliceName": f"s{number}"}
        if kind == "profile":
            yield {**rules, "type": [{"code": "Identifier", "profile": [base]}]}
        else:
            yield rules
            yield {"id": f"{name}.system", "path": "Patient.identifier.system", "fixedUri": f"urn:{number}"}


@session
@pytest.mark.parametrize(("count", "kind"), [(3000, "value"), (1000, "profile")])
async def test_thousands_of_slices_are_judged_or_refused_in_time(
    shared: httpx.AsyncClient, count: int, kind: str
) -> None:
    identifiers = [{"system": f"urn:{n}", "value": "1"} for n in range(1000)]

    answer = await judged(shared, profile(*_sliced(count, kind)), identifier=identifiers)

    assert {code for code, _ in errors_of(answer)} <= {"too-costly"}


# Large definitions


@session
async def test_a_hundred_thousand_concepts_are_stored_and_asked_about(shared: httpx.AsyncClient) -> None:
    codes = code_system([{"code": f"c{n}", "display": f"Concept {n}"} for n in range(100_000)])
    everything = value_set({"system": codes["url"]})

    stored = await bombed(shared, "CodeSystem", codes)
    found = await bombed(shared, f"CodeSystem/$lookup?system={codes['url']}&code=c99999")
    page = await bombed(shared, "ValueSet/$expand?offset=99990&count=100", everything)

    assert (stored.status_code, found.status_code) == (201, 200)
    assert page.json()["expansion"]["total"] == 100_000
    assert len(page.json()["expansion"]["contains"]) == 10


@session
async def test_a_map_of_a_hundred_thousand_rows_translates_a_thousand_codes(
    shared: httpx.AsyncClient,
) -> None:
    rows = [{"code": f"c{n}", "target": [{"code": f"t{n}", "equivalence": "equal"}]} for n in range(100_000)]
    group = {"source": "urn:s", "target": "urn:t", "element": rows}
    tree = {"resourceType": "ConceptMap", "status": "draft", "group": [group]}
    codes = {"coding": [{"system": "urn:s", "code": f"c{n}"} for n in range(1000)]}

    answer = await bombed(shared, "ConceptMap/$translate", sent(conceptMap=tree, codeableConcept=codes))

    assert len([one for one in answer.json()["parameter"] if one["name"] == "match"]) == 1000


@session
async def test_maps_that_send_to_one_another_are_each_asked_once(shared: httpx.AsyncClient) -> None:
    url = f"http://bombs.example/{fresh('map')}"
    row = [{"code": "z", "target": [{"code": "z", "equivalence": "equal"}]}]
    for number in range(12):
        other = {"mode": "other-map", "url": f"{url}-{(number + 1) % 12}"}
        group = {"source": "urn:s", "target": "urn:t", "unmapped": other, "element": row}
        tree = {
            "resourceType": "ConceptMap",
            "url": f"{url}-{number}",
            "status": "draft",
            "group": [group] * 10,
        }
        await created(shared, tree)

    answer = await bombed(shared, f"ConceptMap/$translate?url={url}-0&system=urn:s&code=a")

    assert answer.json()["parameter"][0] == {"name": "result", "valueBoolean": False}


@session
@pytest.mark.parametrize("closed", [True, False])
async def test_concepts_that_stand_in_a_circle_or_very_deep_are_expanded(
    shared: httpx.AsyncClient, closed: bool
) -> None:
    count = 2000

    def above(number: int) -> list[Tree]:
        return [{"code": "parent", "valueCode": f"n{(number + 1) % count}"}]

    concepts: list[Tree] = [{"code": f"n{n}", "property": above(n)} for n in range(count)]
    if not closed:
        del concepts[-1]["property"]
    codes = await created(shared, code_system(concepts))

    answer = await bombed(shared, "ValueSet/$expand", value_set({"system": codes["url"]}))

    waiting, seen = list(answer.json()["expansion"]["contains"]), set()
    while waiting:
        one = waiting.pop()
        seen.add(one["code"])
        waiting += one.get("contains", ())
    assert len(seen) == count


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

    async with _others_are_served(shared):
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


def test_a_worker_goes_on_answering_while_it_judges(databases: Any, migrated_template: str) -> None:
    """One real process: GETs over another connection, while a judgement takes its time."""
    rules = [{**constraint(f"%resource.descendants().count() != {n}")[0], "key": f"b-{n}"} for n in range(30)]
    bomb = profile(element("Patient.name", constraint=rules))
    subject = {"resourceType": "Patient", "name": [{"given": ["b"] * 50}] * 20}
    url = databases.create(migrated_template)
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
