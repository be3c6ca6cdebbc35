"""https://hl7.org/fhir/R4/search.html · https://hl7.org/fhir/R4/bundle.html#searchset"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from fhir_server.interactions.call import Action, Call
from fhir_server.interactions.search import search
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.search.query import Query
from fhir_server.store.contract import Page, ResourceStore
from fhir_server.validation.validator import check
from tests.builders import entry, observation, patient
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


async def dossier(perform: Performer) -> None:
    """Two patients, each with an Observation; a Practitioner; a MedicationRequest with its Medication in it."""
    for name in ("p1", "p2"):
        await perform.put(patient(name, id=name, family="Payet"))
        await perform.put(observation(f"Patient/{name}", id=f"o-{name}"))
    await perform.put({"resourceType": "Practitioner", "id": "d1", "name": [{"family": "Payet"}]})
    await perform.put(
        {
            "resourceType": "MedicationRequest",
            "id": "m1",
            "status": "active",
            "intent": "order",
            "subject": {"reference": "Patient/p1"},
            "medicationReference": {"reference": "#one"},
            "supportingInformation": [{"reference": "#two"}],
            "contained": [
                {
                    "resourceType": "Medication",
                    "id": "one",
                    "code": {"coding": [{"system": "urn:x", "code": "A"}]},
                },
                {
                    "resourceType": "Medication",
                    "id": "two",
                    "code": {"coding": [{"system": "urn:x", "code": "B"}]},
                },
            ],
        }
    )


def keys_in(page: Tree) -> set[str]:
    """The fullUrls of the matches, below the base."""
    return {
        entry["fullUrl"].removeprefix(f"{BASE}/")
        for entry in page.get("entry", ())
        if entry["search"]["mode"] == "match"
    }


async def asked(perform: Performer, type: str | None, query: str, **rest: Any) -> Tree:
    return decode((await perform(Action.SEARCH, type, query=query, **rest)).body)


@both
async def test_several_types_are_searched_at_once(perform: Performer) -> None:
    await dossier(perform)

    page = await asked(perform, None, "_type=Patient,Practitioner&name=payet&_sort=_id")

    assert check(page) == []
    assert keys_in(page) == {"Patient/p1", "Patient/p2", "Practitioner/d1"}
    assert links_in(page) == {"self": f"{BASE}?_type=Patient,Practitioner&name=payet&_sort=_id"}
    assert keys_in(await asked(perform, None, "_id=p1,d1")) == {"Patient/p1", "Practitioner/d1"}
    assert len(keys_in(await asked(perform, None, ""))) == 6


@both
async def test_a_compartment_is_searched_by_type_or_whole(perform: Performer) -> None:
    await dossier(perform)
    one = Key("Patient", "p1")

    observations = await asked(perform, "Observation", "", compartment=one)
    whole = await asked(perform, None, "_sort=_id", compartment=one)

    assert keys_in(observations) == {"Observation/o-p1"}
    assert links_in(observations) == {"self": f"{BASE}/Patient/p1/Observation"}
    assert keys_in(whole) == {"Patient/p1", "Observation/o-p1", "MedicationRequest/m1"}
    assert links_in(whole) == {"self": f"{BASE}/Patient/p1/*?_sort=_id"}
    assert keys_in(await asked(perform, None, "_type=Observation", compartment=one)) == {"Observation/o-p1"}
    assert keys_in(await asked(perform, "Patient", "", compartment=one)) == {"Patient/p1"}
    assert keys_in(await asked(perform, "Practitioner", "", compartment=one)) == set()
    assert (
        keys_in(await asked(perform, "Observation", "status=final", compartment=Key("Patient", "p9")))
        == set()
    )


@both
async def test_chains_go_both_ways_and_into_what_is_contained(perform: Performer) -> None:
    await dossier(perform)

    assert keys_in(await asked(perform, "Observation", "subject:Patient.identifier=p1")) == {
        "Observation/o-p1"
    }
    assert keys_in(await asked(perform, "Patient", "_has:Observation:patient:_id=o-p2")) == {"Patient/p2"}
    assert keys_in(await asked(perform, "MedicationRequest", "medication.code=urn:x|a")) == {
        "MedicationRequest/m1"
    }
    assert keys_in(await asked(perform, "MedicationRequest", "medication.code=urn:x|b")) == set()
    assert keys_in(await asked(perform, "Patient", '_filter=name co "aye" and not (id eq p1)')) == {
        "Patient/p2"
    }


@both
async def test_a_contained_resource_is_found_in_its_container_or_by_itself(perform: Performer) -> None:
    await dossier(perform)

    assert keys_in(await asked(perform, "Medication", "code=A")) == set()
    container = await asked(perform, "Medication", "code=A&_contained=true")
    assert keys_in(container) == {"MedicationRequest/m1"}
    itself = await asked(perform, "Medication", "code=A&_contained=true&_containedType=contained")
    assert check(itself) == []
    assert keys_in(itself) == {"MedicationRequest/m1#one"}
    assert [entry["resource"]["id"] for entry in itself["entry"]] == ["one"]
    assert "total" not in itself
    every = await asked(perform, "Medication", "_contained=both&_containedType=contained")
    assert keys_in(every) == {"MedicationRequest/m1#one", "MedicationRequest/m1#two"}
    assert keys_in(await asked(perform, "Medication", "code:not=B&_contained=true")) == {
        "MedicationRequest/m1"
    }


@both
async def test_codes_of_a_value_set_are_asked_for(perform: Performer) -> None:
    await dossier(perform)

    url = "http://hl7.org/fhir/ValueSet/observation-status"
    assert len(keys_in(await asked(perform, "Observation", f"status:in={url}"))) == 2
    assert keys_in(await asked(perform, "Observation", f"status:not-in={url}")) == set()
    with refused(400):
        await asked(perform, "Observation", "status:in=http://nowhere.example/vs")


class Crowded:
    """A store whose pages never bring along all that belongs to them."""

    def __init__(self, store: ResourceStore) -> None:
        self._store = store
        self.read, self.history, self.explain = store.read, store.history, store.explain
        self.unseen, self.links, self.stamps = store.unseen, store.links, store.stamps
        self.met = store.met

    async def search(self, query: Query) -> Page:
        return replace(await self._store.search(query), truncated=True)


@pytest.mark.parametrize(
    ("query", "ways"),
    [
        (
            "_id=p1,p2&_revinclude=Observation:subject",
            [f"{BASE}/Observation?subject=Patient/p1,Patient/p2"],
        ),
        ("_id=p1,p2&_revinclude=*&_count=50", [f"{BASE}/Patient?_id=p1,p2&_revinclude=*&_count=1"]),
        ("_include=Patient:link", [f"{BASE}/Patient?_include=Patient:link&_count=1"]),
    ],
)
async def test_what_does_not_fit_is_told_with_the_way_to_it(
    perform: Performer, query: str, ways: list[str]
) -> None:
    await dossier(perform)
    call = Call(Action.SEARCH, "Patient", query=query, base=BASE)

    page = decode((await search(call, Crowded(perform.store), perform.server)).body)

    assert check(page) == []
    outcome = page["entry"][-1]
    (issue,) = outcome["resource"]["issue"]
    assert (outcome["search"]["mode"], issue["severity"], issue["code"]) == (
        "outcome",
        "warning",
        "incomplete",
    )
    assert [word for word in issue["diagnostics"].split() if word.startswith(BASE)] == ways


async def test_only_an_operator_is_told_how_a_search_is_done(perform: Performer) -> None:
    with refused(403, "forbidden"):
        await asked(perform, "Patient", "__explain=true")

    told = await asked(perform.with_settings(explain=True), "Patient", "family=x&__explain=true")

    assert check(told) == []
    assert told["resourceType"] == "Parameters"
    for statement in told.get("parameter", ()):
        assert [part["name"] for part in statement["part"]] == ["sql", "plan"]


async def test_a_transaction_asks_no_criteria_about_other_resources(perform: Performer) -> None:
    entries = [entry("POST", "Patient", patient("1"), ifNoneExist="organization.name=x")]

    with refused(400, "not-supported", "Bundle.entry[0].request.ifNoneExist"):
        await perform.transaction(*entries)
