"""search over HTTP: the searchset, its links and pages, POST, and what is refused.

https://hl7.org/fhir/R4/http.html#search · https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

import httpx
import pytest

from fhir_server.web.xml import tree_of
from tests.flows.asking import (
    SYSTEM,
    created,
    fresh,
    issue_of,
    link_of,
    observation,
    patient,
    resources_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("form", ["json", "xml"])
async def test_a_search_is_a_searchset_of_the_matches(shared: httpx.AsyncClient, form: str) -> None:
    identifier = fresh()
    kept = [await created(shared, patient(identifier)) for _ in range(2)]

    response = await shared.get(f"Patient?identifier={SYSTEM}|{identifier}&_format={form}")

    page = response.json() if form == "json" else tree_of(response.content)
    assert response.status_code == 200
    assert (page["resourceType"], page["type"], page["total"]) == ("Bundle", "searchset", 2)
    assert {r["id"] for r in resources_of(page)} == {r["id"] for r in kept}
    assert {item["search"]["mode"] for item in page["entry"]} == {"match"}
    assert {item["fullUrl"] for item in page["entry"]} == {
        f"http://test.example/fhir/Patient/{r['id']}" for r in kept
    }


async def test_a_search_without_matches_is_an_empty_searchset(shared: httpx.AsyncClient) -> None:
    page = (await shared.get(f"Patient?identifier={fresh()}")).json()

    assert (page["type"], page["total"]) == ("searchset", 0)
    assert "entry" not in page
    assert link_of(page, "self")


@pytest.mark.parametrize("where", ["url", "form", "both"])
async def test_a_posted_search_means_what_a_get_means(shared: httpx.AsyncClient, where: str) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier, active=True))
    await created(shared, patient(identifier, active=False))
    one, two = {"identifier": identifier}, {"active": "true"}

    got = (await shared.get("Patient", params={**one, **two})).json()
    response = await shared.post(
        "Patient/_search",
        params={"url": {**one, **two}, "form": {}, "both": one}[where],
        data={"url": {}, "form": {**one, **two}, "both": two}[where],
    )

    assert response.status_code == 200
    page = response.json()
    assert resources_of(page) == resources_of(got) == [kept]
    assert link_of(page, "self") == link_of(got, "self")


async def test_a_posted_search_of_another_kind_is_415(shared: httpx.AsyncClient) -> None:
    issue_of(await shared.post("Patient/_search", json={"identifier": "1"}), 415)


async def test_pages_lead_through_all_matches_once(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = [await created(shared, patient(identifier)) for _ in range(7)]
    url, seen = f"Patient?identifier={identifier}&_count=3", []

    pages = []
    while url:
        pages.append((await shared.get(url)).json())
        seen += [r["id"] for r in resources_of(pages[-1])]
        url = link_of(pages[-1], "next")

    assert len(pages) == 3
    assert sorted(seen) == sorted(r["id"] for r in kept)
    assert all(link_of(page, "self") for page in pages)
    assert link_of(pages[0], "previous") == ""
    back = (await shared.get(link_of(pages[1], "previous"))).json()
    assert resources_of(back) == resources_of(pages[0])
    assert resources_of((await shared.get(link_of(pages[2], "first"))).json()) == resources_of(pages[0])


async def test_the_self_link_says_what_was_understood(shared: httpx.AsyncClient) -> None:
    page = (await shared.get("Patient?family=Payet&color=red&_count=2")).json()

    assert "family=Payet" in link_of(page, "self")
    assert "_count=2" in link_of(page, "self")
    assert "color" not in link_of(page, "self")


async def test_what_was_not_understood_is_told_without_an_error(shared: httpx.AsyncClient) -> None:
    page = (await shared.get("Patient?color=red&_count=0")).json()

    told = page["entry"][-1]
    assert told["search"]["mode"] == "outcome"
    assert told["resource"]["resourceType"] == "OperationOutcome"
    assert {issue["severity"] for issue in told["resource"]["issue"]} <= {"warning", "information"}


async def test_a_strict_client_gets_400_for_what_is_not_understood(shared: httpx.AsyncClient) -> None:
    issue_of(
        await shared.get("Patient?color=red", headers={"Prefer": "handling=strict"}), 400, "not-supported"
    )


@pytest.mark.parametrize(
    "query",
    ["birthdate=soon", "_count=-1", "_id:shoe=1", "_total=some", "_sort:x=name", "_lastUpdated=x", "a=%ff"],
)
async def test_a_search_that_cannot_be_done_is_400_with_an_outcome(
    shared: httpx.AsyncClient, query: str
) -> None:
    issue_of(await shared.get(f"Patient?{query}"), 400)


async def test_a_search_of_an_unknown_type_is_404(shared: httpx.AsyncClient) -> None:
    issue_of(await shared.get("Shoe?size=42"), 404, "not-supported")


async def test_a_summary_count_has_the_total_alone(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    await created(shared, patient(identifier))

    page = (await shared.get(f"Patient?identifier={identifier}&_summary=count")).json()

    assert page["total"] == 1
    assert "entry" not in page


async def test_a_search_sees_the_current_version_alone(shared: httpx.AsyncClient) -> None:
    old, new = fresh(), fresh()
    kept = await created(shared, patient(old))
    await shared.put(f"Patient/{kept['id']}", json=patient(new, id=kept["id"]))

    assert (await shared.get(f"Patient?identifier={old}&_summary=count")).json()["total"] == 0
    assert (await shared.get(f"Patient?identifier={new}&_summary=count")).json()["total"] == 1


async def test_the_basic_kinds_of_parameter_find_what_they_say(shared: httpx.AsyncClient) -> None:
    family = fresh("Fam")
    kept = await created(shared, patient(name=[{"family": family}], birthDate="1950-03-02", gender="female"))
    seen = await created(
        shared, observation(f"Patient/{kept['id']}", effectiveDateTime="2024-02-03T10:00:00Z")
    )

    for query in (
        f"_id={kept['id']}",
        f"family={family.lower()}",
        f"family:exact={family}",
        f"family={family}&birthdate=1950-03-02&gender=female",
        f"family={family}&birthdate=lt1951&birthdate=ge1950",
        f"family={family}&gender=male,female",
        f"family={family}&gender:not=male",
        f"family={family}&_lastUpdated=gt2020",
        f"family={family}&_sort=-birthdate",
    ):
        assert [r["id"] for r in resources_of((await shared.get(f"Patient?{query}")).json())] == [
            kept["id"]
        ], query
    for query in (
        f"subject=Patient/{kept['id']}",
        f"patient={kept['id']}",
        f"subject:Patient={kept['id']}",
        f"subject=http://test.example/fhir/Patient/{kept['id']}&date=2024-02",
    ):
        found = resources_of((await shared.get(f"Observation?{query}")).json())
        assert [r["id"] for r in found] == [seen["id"]], query


async def test_included_resources_are_marked_and_not_counted(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    seen = await created(shared, observation(f"Patient/{kept['id']}"))

    page = (await shared.get(f"Observation?_id={seen['id']}&_include=Observation:subject")).json()
    back = (await shared.get(f"Patient?_id={kept['id']}&_revinclude=Observation:subject")).json()

    for found in (page, back):
        assert [item["search"]["mode"] for item in found["entry"]] == ["match", "include"]
        assert found["total"] == 1


async def test_sorting_goes_both_ways(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    for year in ("1950", "1940", "1960"):
        await created(shared, patient(identifier, birthDate=year))

    up = (await shared.get(f"Patient?identifier={identifier}&_sort=birthdate")).json()
    down = (await shared.get(f"Patient?identifier={identifier}&_sort=-birthdate")).json()

    assert [r["birthDate"] for r in resources_of(up)] == ["1940", "1950", "1960"]
    assert [r["birthDate"] for r in resources_of(down)] == ["1960", "1950", "1940"]


async def test_a_forged_cursor_is_400(shared: httpx.AsyncClient) -> None:
    issue_of(await shared.get("Patient?_cursor=forged"), 400)
