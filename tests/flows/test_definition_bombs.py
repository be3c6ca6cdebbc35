"""Definitions that build on themselves, or are very large: what asks them ends in time, and others are served."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.flows.asking import Tree, created, fresh
from tests.flows.bombs import (
    GENDER,
    bombed,
    code_system,
    element,
    errors_of,
    issues_of,
    judged,
    profile,
    sent,
    value_set,
)

session = pytest.mark.asyncio(loop_scope="session")
pytestmark = pytest.mark.usefixtures("impatient")


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
