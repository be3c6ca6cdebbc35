"""Totals, pages and their links: how many there are, how many come at once, and how to get at the rest.

https://hl7.org/fhir/R4/search.html#count · https://hl7.org/fhir/R4/search.html#total
"""

from __future__ import annotations

import httpx
import pytest

from tests.flows.asking import (
    Tree,
    created,
    fresh,
    issue_of,
    link_of,
    observation,
    patient,
    resources_of,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def family_of(client: httpx.AsyncClient, size: int) -> tuple[str, list[str]]:
    """A family name that only some patients have, and their ids from the eldest to the youngest."""
    family = fresh("Fam")
    kept = [
        await created(client, patient(name=[{"family": family}], birthDate=str(1950 + place)))
        for place in range(size)
    ]
    return family, [one["id"] for one in kept]


def matches_of(page: Tree) -> list[str]:
    return [item["resource"]["id"] for item in page.get("entry", ()) if item["search"]["mode"] == "match"]


def relations_of(page: Tree) -> set[str]:
    return {link["relation"] for link in page["link"]}


@pytest.mark.parametrize("count", [1, 2, 3, 5, 7, 50])
async def test_no_page_has_more_than_was_asked_for(shared: httpx.AsyncClient, count: int) -> None:
    family, ids = await family_of(shared, 5)

    url, seen = f"Patient?family={family}&_sort=birthdate&_count={count}", []
    while url:
        page = (await shared.get(url)).json()
        assert len(matches_of(page)) <= count
        assert page["total"] == 5
        seen += matches_of(page)
        url = link_of(page, "next")

    assert seen == ids


async def test_every_link_of_a_page_keeps_its_size_and_its_criteria(shared: httpx.AsyncClient) -> None:
    family, _ = await family_of(shared, 3)

    page = (await shared.get(f"Patient?family={family}&_count=1&_sort=-birthdate")).json()
    second = (await shared.get(link_of(page, "next"))).json()

    assert {"self", "next", "previous", "first"} <= relations_of(second)
    for link in [*page["link"], *second["link"]]:
        assert "_count=1" in link["url"]
        assert f"family={family}" in link["url"]
        assert "_sort=-birthdate" in link["url"]


async def test_the_last_of_something_is_the_first_of_a_descending_sort(shared: httpx.AsyncClient) -> None:
    family, ids = await family_of(shared, 3)

    page = (await shared.get(f"Patient?family={family}&_sort=-birthdate&_count=1")).json()

    assert matches_of(page) == [ids[-1]]
    assert "_sort=-birthdate" in link_of(page, "self")


@pytest.mark.parametrize(
    "asked", ["_count=0", "_summary=count", "_count=0&_total=none", "_summary=count&_count=5"]
)
async def test_a_count_of_zero_is_a_total_and_nothing_else(shared: httpx.AsyncClient, asked: str) -> None:
    family, _ = await family_of(shared, 3)

    page = (await shared.get(f"Patient?family={family}&_include=Patient:organization&{asked}")).json()

    assert page["total"] == 3
    assert "entry" not in page
    assert relations_of(page) == {"self"}


async def test_a_total_counts_matches_on_every_page_and_nothing_else(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    for _ in range(3):
        await created(shared, observation(f"Patient/{kept['id']}"))

    page = (
        await shared.get(
            f"Observation?patient={kept['id']}&_include=Observation:subject&_count=2&_total=accurate&shoe=1"
        )
    ).json()

    assert page["total"] == 3
    assert [item["search"]["mode"] for item in page["entry"]] == ["match", "match", "include", "outcome"]
    assert (await shared.get(link_of(page, "next"))).json()["total"] == 3


async def test_a_total_that_was_asked_for_is_exact(shared: httpx.AsyncClient) -> None:
    family, _ = await family_of(shared, 3)

    page = (await shared.get(f"Patient?family={family}&_total=accurate&_count=2")).json()

    assert page["total"] == 3
    assert "_total=accurate" in link_of(page, "self")


async def test_a_total_that_nobody_wants_is_never_wrong(shared: httpx.AsyncClient) -> None:
    family, _ = await family_of(shared, 3)

    page = (await shared.get(f"Patient?family={family}&_total=none&_count=2")).json()

    assert page.get("total") in {None, 3}
    assert "_total=none" in link_of(page, "self")


async def test_an_estimate_is_a_number_near_the_total(shared: httpx.AsyncClient) -> None:
    family, _ = await family_of(shared, 2)

    page = (await shared.get(f"Patient?family={family}&_total=estimate")).json()

    assert page["total"] >= 2


async def test_a_count_beyond_the_limit_is_answered_with_what_is_allowed(shared: httpx.AsyncClient) -> None:
    family, ids = await family_of(shared, 2)

    page = (await shared.get(f"Patient?family={family}&_count=1000000&_sort=birthdate")).json()

    assert matches_of(page) == ids
    assert "_count=1000000" not in link_of(page, "self")


@pytest.mark.parametrize("count", ["-1", "2.5", "many", "1&_count=2"])
async def test_a_count_that_is_none_is_refused(shared: httpx.AsyncClient, count: str) -> None:
    issue_of(await shared.get(f"Patient?_count={count}"), 400, "value")


async def test_the_self_link_has_every_parameter_that_counted(shared: httpx.AsyncClient) -> None:
    query = "family:exact=Payet&birthdate=ge1950&gender=male,female&_sort=-birthdate&_count=5&_total=accurate"

    page = (await shared.get(f"Patient?{query}&shoe=42")).json()

    assert set(link_of(page, "self").partition("?")[2].split("&")) == set(query.split("&"))


async def test_the_self_link_leads_to_the_same_matches(shared: httpx.AsyncClient) -> None:
    name = f"{fresh('Smith')}, Jr & Œuf"
    kept = await created(shared, patient(name=[{"family": name}]))

    response = await shared.post("Patient/_search", data={"family:exact": name.replace(",", "\\,")})
    page = response.json()
    again = (await shared.get(link_of(page, "self"))).json()

    assert matches_of(page) == matches_of(again) == [kept["id"]]
    assert link_of(page, "self") == link_of(again, "self")


async def test_resources_that_come_meanwhile_shift_no_page(shared: httpx.AsyncClient) -> None:
    family, ids = await family_of(shared, 4)

    first = (await shared.get(f"Patient?family={family}&_sort=birthdate&_count=2")).json()
    await created(shared, patient(name=[{"family": family}], birthDate="1900"))
    second = (await shared.get(link_of(first, "next"))).json()

    assert [*matches_of(first), *matches_of(second)] == ids


async def test_each_page_brings_its_own_includes(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    for _ in range(2):
        await created(shared, observation(f"Patient/{kept['id']}"))

    first = (
        await shared.get(f"Observation?patient={kept['id']}&_include=Observation:patient&_count=1")
    ).json()
    second = (await shared.get(link_of(first, "next"))).json()

    for page in (first, second):
        assert [item["search"]["mode"] for item in page["entry"]] == ["match", "include"]
        assert resources_of(page)[1]["id"] == kept["id"]
