"""https://hl7.org/fhir/R4/search.html · https://hl7.org/fhir/R4/bundle.html#searchset"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from fhir_server.interactions.call import Action
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.validation.validator import check
from tests.builders import observation, patient
from tests.fhir_server.interactions.performing import BASE, Performer, both, refused


def links_in(page: Tree) -> dict[str, str]:
    return {link["relation"]: link["url"] for link in page["link"]}


def values_in(page: Tree) -> list[str]:
    """The identifiers of the matches."""
    return [
        entry["resource"]["identifier"][0]["value"]
        for entry in page.get("entry", ())
        if entry["search"]["mode"] == "match"
    ]


async def five(perform: Performer) -> None:
    for value in "12345":
        await perform.put(patient(value, id=f"p{value}"))


@both
async def test_a_search_gives_what_matches_as_it_rests(perform: Performer) -> None:
    await five(perform)

    page = await perform.search("Patient", "identifier=3")

    assert check(page) == []
    assert page["type"] == "searchset"
    assert page["total"] == 1
    assert page["entry"] == [
        {
            "fullUrl": f"{BASE}/Patient/p3",
            "resource": await perform.at(Key("Patient", "p3")),
            "search": {"mode": "match"},
        }
    ]
    assert links_in(page) == {"self": f"{BASE}/Patient?identifier=3"}


async def test_nothing_found_is_an_empty_page(perform: Performer) -> None:
    page = await perform.search("Patient")

    assert check(page) == []
    assert (page["total"], "entry" in page) == (0, False)
    assert links_in(page) == {"self": f"{BASE}/Patient"}


@both
async def test_links_lead_through_the_pages(perform: Performer) -> None:
    await five(perform)

    page = await perform.search("Patient", "_count=2&_sort=_id")
    seen = [values_in(page)]
    relations = [sorted(links_in(page))]
    while "next" in links_in(page):
        page = await perform.search("Patient", urlsplit(links_in(page)["next"]).query)
        seen.append(values_in(page))
        relations.append(sorted(links_in(page)))

    assert seen == [["1", "2"], ["3", "4"], ["5"]]
    assert relations[0] == ["first", "next", "self"]
    assert relations[1] == ["first", "next", "prev", "previous", "self"]
    assert relations[2] == ["first", "prev", "previous", "self"]
    back = await perform.search("Patient", urlsplit(links_in(page)["previous"]).query)
    assert values_in(back) == ["3", "4"]
    assert values_in(await perform.search("Patient", urlsplit(links_in(page)["first"]).query)) == ["1", "2"]
    assert values_in(await perform.search("Patient", urlsplit(links_in(page)["self"]).query)) == ["5"]


@both
async def test_the_total_alone_may_be_asked_for(perform: Performer) -> None:
    await five(perform)

    for query in ("_summary=count", "_count=0&_total=accurate"):
        page = await perform.search("Patient", query)
        assert (page["total"], "entry" in page) == (5, False)


async def test_included_resources_come_behind_the_matches(perform: Performer) -> None:
    await five(perform)
    await perform.made(observation("Patient/p1"))

    page = await perform.search("Observation", "_include=Observation:subject")

    assert check(page) == []
    assert [entry["search"]["mode"] for entry in page["entry"]] == ["match", "include"]
    assert page["entry"][1]["resource"]["id"] == "p1"
    assert page["total"] == 1


async def test_what_was_not_understood_is_told_or_refused(perform: Performer) -> None:
    await five(perform)

    page = await perform.search("Patient", "nonsense=1&identifier=3")

    assert check(page) == []
    outcome = page["entry"][-1]
    assert outcome["search"] == {"mode": "outcome"}
    assert outcome["resource"]["issue"][0]["severity"] == "warning"
    assert "fullUrl" not in outcome
    assert links_in(page)["self"] == f"{BASE}/Patient?identifier=3"
    assert values_in(page) == ["3"]
    with refused(400, "not-supported"):
        await perform.search("Patient", "nonsense=1", prefer_handling="strict")


@pytest.mark.parametrize(
    "query", ["birthdate=nonsense", "identifier:nonsense=1", "_cursor=nonsense", "_count=x"]
)
async def test_what_cannot_be_read_is_refused(perform: Performer, query: str) -> None:
    with refused(400):
        await perform.search("Patient", query)


async def test_one_type_at_a_time_is_searched(perform: Performer) -> None:
    with refused(400, "not-supported"):
        await perform(Action.SEARCH)
    with refused(400, "not-supported"):
        await perform(Action.SEARCH, "Observation", compartment=Key("Patient", "p1"))
