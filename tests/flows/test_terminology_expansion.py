"""The codes of a value set: `$expand`.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, Tree, created
from tests.flows.terminology_asking import (
    FINESS,
    GENDER,
    GENDERS,
    ask,
    codes,
    issue_in,
    post,
    sent,
    system,
    told,
    value_set,
)

session = pytest.mark.asyncio(loop_scope="session")


@session
async def test_a_value_set_is_expanded_by_url(shared: httpx.AsyncClient) -> None:
    answer = await ask(shared, "ValueSet/$expand", url=GENDERS)

    assert codes(answer) == ["male", "female", "other", "unknown"]
    tree = answer.json()
    assert tree["url"] == GENDERS
    assert "compose" not in tree
    assert tree["expansion"]["total"] == 4
    assert {"name": "used-codesystem", "valueUri": f"{GENDER}|4.0.1"} in tree["expansion"]["parameter"]


@session
async def test_a_whole_hierarchy_comes_nested(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())
    inline = sent(valueSet=value_set({"system": own["url"]}))

    nested = (await post(shared, "ValueSet/$expand", inline)).json()["expansion"]["contains"]
    flat = await post(
        shared, "ValueSet/$expand", sent(valueSet=value_set({"system": own["url"]}), excludeNested=True)
    )

    assert [one["code"] for one in nested] == ["plaie", "ancien"]
    assert [one["code"] for one in nested[0]["contains"]] == ["escarre", "brulure"]
    assert nested[0]["abstract"] is True
    assert nested[1]["inactive"] is True
    assert codes(flat) == ["plaie", "escarre", "brulure", "ancien"]
    assert all("contains" not in one for one in flat.json()["expansion"]["contains"])


@session
@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"activeOnly": True}, ["plaie", "escarre", "brulure"]),
        ({"excludeNotForUI": True, "excludeNested": True}, ["escarre", "brulure", "ancien"]),
        ({"filter": "brul"}, ["brulure"]),
        ({"filter": "ULCER press"}, ["escarre"]),
        ({"filter": "rulure"}, []),
        ({"offset": 1, "count": 2}, ["escarre", "brulure"]),
        ({"count": 0}, []),
        ({"offset": 9}, []),
    ],
)
async def test_the_inputs_narrow_an_expansion(
    shared: httpx.AsyncClient, inputs: dict[str, Any], found: list[str]
) -> None:
    own = await created(shared, system())

    answer = await post(
        shared, "ValueSet/$expand", sent(valueSet=value_set({"system": own["url"]}), **inputs)
    )

    assert codes(answer) == found
    echoed = {one["name"] for one in answer.json()["expansion"]["parameter"]}
    assert set(inputs) <= echoed


@session
async def test_a_page_tells_the_total_of_all(shared: httpx.AsyncClient) -> None:
    answer = await ask(shared, "ValueSet/$expand", url=GENDERS, offset="1", count="2")

    expansion = answer.json()["expansion"]
    assert codes(answer) == ["female", "other"]
    assert (expansion["total"], expansion["offset"]) == (4, 1)


@session
async def test_displays_come_in_the_language_asked_for_and_designations_if_wanted(
    shared: httpx.AsyncClient,
) -> None:
    own = await created(shared, system())
    asked = sent(
        valueSet=value_set({"system": own["url"], "concept": [{"code": "brulure"}]}),
        displayLanguage="en",
        includeDesignations=True,
        includeDefinition=True,
    )

    tree = (await post(shared, "ValueSet/$expand", asked)).json()

    (entry,) = tree["expansion"]["contains"]
    assert entry["display"] == "Burn"
    assert entry["designation"] == [{"language": "en", "value": "Burn"}]
    assert "compose" in tree


@session
async def test_versions_of_code_systems_can_be_chosen(shared: httpx.AsyncClient) -> None:
    first = await created(shared, system())
    url = first["url"]
    await created(
        shared,
        {
            **{k: v for k, v in first.items() if k not in {"id", "meta"}},
            "version": "2",
            "concept": [{"code": "neuf"}],
        },
    )
    free, pinned = value_set({"system": url}), value_set({"system": url, "version": "1"})

    async def expanded(tree: Tree, **inputs: str) -> httpx.Response:
        return await post(shared, "ValueSet/$expand", sent(valueSet=tree, **inputs))

    assert codes(await expanded(free)) == ["neuf"]
    assert "escarre" in codes(await expanded(pinned))
    assert "escarre" in codes(await expanded(free, system_version=f"{url}|1"))
    assert "escarre" in codes(await expanded(pinned, system_version=f"{url}|2"))
    assert codes(await expanded(pinned, force_system_version=f"{url}|2")) == ["neuf"]
    refused = await expanded(pinned, check_system_version=f"{url}|2")
    assert refused.status_code == 422
    assert issue_in(refused)["code"] == "business-rule"


@session
async def test_a_code_system_can_be_left_out(shared: httpx.AsyncClient) -> None:
    own = await created(shared, system())
    both = value_set({"system": own["url"]}, {"system": GENDER})

    answer = await post(shared, "ValueSet/$expand", sent(valueSet=both, exclude_system=own["url"]))

    assert codes(answer) == ["male", "female", "other", "unknown"]


@session
async def test_a_part_of_a_code_system_is_told_to_be_one(shared: httpx.AsyncClient) -> None:
    answer = await post(
        shared, "ValueSet/$expand", sent(valueSet=value_set({"system": FINESS}, status="draft", url="urn:d"))
    )

    expansion = answer.json()["expansion"]
    assert "355" in codes(answer)
    assert expansion["extension"][0]["url"].endswith("valueset-unclosed")
    assert {"name": "warning-fragment", "valueUri": FINESS} in expansion["parameter"]
    assert {"name": "warning-draft", "valueUri": "urn:d"} in expansion["parameter"]


@session
@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("urn:none", 404, "not-found"),
        ("http://snomed.info/sct?fhir_vs=isa/73211009", 422, "not-supported"),
        ("http://snomed.info/sct?fhir_vs=ecl/<73211009", 422, "not-supported"),
        ("http://loinc.org/vs/LL715-4", 422, "not-found"),
        ("http://hl7.org/fhir/ValueSet/all-languages", 422, "not-supported"),
    ],
)
async def test_what_cannot_be_expanded_says_why(
    shared: httpx.AsyncClient, url: str, status: int, code: str
) -> None:
    answer = await ask(shared, "ValueSet/$expand", url=url)

    assert answer.status_code == status
    assert issue_in(answer)["code"] == code


@session
async def test_a_value_set_that_includes_itself_is_refused(shared: httpx.AsyncClient) -> None:
    turn = await created(shared, value_set({"system": GENDER}))
    circle = await created(shared, value_set({"valueSet": [turn["url"]]}))
    turn["compose"] = {"include": [{"valueSet": [circle["url"]]}]}
    await shared.put(f"ValueSet/{turn['id']}", json=turn, headers=FHIR_JSON)

    expanded = await ask(shared, "ValueSet/$expand", url=turn["url"])
    validated = await ask(shared, "ValueSet/$validate-code", url=turn["url"], system="urn:x", code="a")

    assert (expanded.status_code, validated.status_code) == (422, 422)
    assert "includes itself" in issue_in(expanded)["diagnostics"]


@session
async def test_sets_within_sets_within_sets_cost_no_more_than_each_once(shared: httpx.AsyncClient) -> None:
    inner = await created(shared, value_set({"system": GENDER}))
    for _ in range(15):
        inner = await created(shared, value_set({"valueSet": [inner["url"]]}, {"valueSet": [inner["url"]]}))
    start = time.perf_counter()

    expanded = await ask(shared, "ValueSet/$expand", url=inner["url"])
    validated = await ask(shared, "ValueSet/$validate-code", url=inner["url"], system=GENDER, code="none")

    assert len(codes(expanded)) == 4
    assert told(validated)["result"] is False
    assert time.perf_counter() - start < 5


@session
async def test_more_codes_than_can_be_listed_are_refused_and_can_be_paged(shared: httpx.AsyncClient) -> None:
    many = await created(
        shared,
        system(concept=[{"code": f"c{number}", "display": f"Code {number}"} for number in range(12_000)]),
    )
    own = await created(shared, value_set({"system": many["url"]}))

    refused = await ask(shared, "ValueSet/$expand", url=own["url"])
    page = await ask(shared, "ValueSet/$expand", url=own["url"], offset="11990", count="100")

    assert refused.status_code == 422
    assert issue_in(refused)["code"] == "too-costly"
    assert codes(page) == [f"c{number}" for number in range(11_990, 12_000)]
    assert page.json()["expansion"]["total"] == 12_000


@session
@pytest.mark.parametrize("pattern", ["(a+)+b", "(((a{100}){100}){100})", "("])
async def test_a_regular_expression_cannot_keep_the_server_busy(
    shared: httpx.AsyncClient, pattern: str
) -> None:
    own = await created(shared, system(concept=[{"code": "a" * 60 + str(number)} for number in range(500)]))
    include = {"system": own["url"], "filter": [{"property": "code", "op": "regex", "value": pattern}]}
    start = time.perf_counter()

    answer = await post(shared, "ValueSet/$expand", sent(valueSet=value_set(include)))

    assert answer.status_code in {200, 422}
    assert time.perf_counter() - start < 5
