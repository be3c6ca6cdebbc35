"""What stands in a searchset: matches, what they bring along, remarks; whole, in part, or from inside of others.

https://hl7.org/fhir/R4/search.html#return
"""

from __future__ import annotations

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, Tree, created, fresh, issue_of, link_of, observation, patient

pytestmark = pytest.mark.asyncio(loop_scope="session")

BASE = "http://test.example/fhir"


def modes_of(page: Tree) -> list[tuple[str, str]]:
    """Mode and full URL of each entry, in order."""
    return [(item["search"]["mode"], item.get("fullUrl", "")) for item in page.get("entry", ())]


def prescription(ingredient: str, subject: str) -> Tree:
    """A MedicationRequest that contains its Medication."""
    substance = {"coding": [{"system": "http://acme.org/med", "code": ingredient}]}
    return {
        "resourceType": "MedicationRequest",
        "contained": [
            {"resourceType": "Medication", "id": "m1", "ingredient": [{"itemCodeableConcept": substance}]}
        ],
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "#m1"},
        "subject": {"reference": subject},
    }


async def test_what_matches_and_is_included_stands_there_once_as_a_match(shared: httpx.AsyncClient) -> None:
    person = await created(shared, patient())
    part = await created(shared, observation(f"Patient/{person['id']}"))
    whole = await created(
        shared,
        observation(f"Patient/{person['id']}", hasMember=[{"reference": f"Observation/{part['id']}"}]),
    )

    page = (await shared.get(f"Observation?patient={person['id']}&_include=Observation:has-member")).json()

    assert sorted(modes_of(page)) == sorted(
        ("match", f"{BASE}/Observation/{one['id']}") for one in (part, whole)
    )
    assert page["total"] == 2


async def test_included_resources_have_the_mode_include_and_come_after_the_matches(
    shared: httpx.AsyncClient,
) -> None:
    person = await created(shared, patient())
    seen = await created(shared, observation(f"Patient/{person['id']}"))

    page = (
        await shared.get(
            f"Observation?_id={seen['id']}&_include=Observation:subject:Patient&_revinclude=Observation:has-member"
        )
    ).json()

    assert modes_of(page) == [
        ("match", f"{BASE}/Observation/{seen['id']}"),
        ("include", f"{BASE}/Patient/{person['id']}"),
    ]
    assert "_include=Observation:subject:Patient" in link_of(page, "self")


async def test_a_target_that_is_elsewhere_or_gone_is_left_out(shared: httpx.AsyncClient) -> None:
    away = await created(shared, observation("http://other.example/fhir/Patient/1"))

    response = await shared.get(f"Observation?_id={away['id']}&_include=Observation:subject")

    assert response.status_code == 200
    assert modes_of(response.json()) == [("match", f"{BASE}/Observation/{away['id']}")]


async def test_a_container_that_is_found_by_what_it_contains_is_a_match(shared: httpx.AsyncClient) -> None:
    person, ingredient = await created(shared, patient()), fresh("abc")
    kept = await created(shared, prescription(ingredient, f"Patient/{person['id']}"))
    query = f"Medication?ingredient-code={ingredient}"

    without = (await shared.get(query)).json()
    inside = (await shared.get(f"{query}&_contained=true")).json()
    both = (await shared.get(f"{query}&_contained=both&_containedType=container")).json()

    assert modes_of(without) == []
    assert modes_of(inside) == modes_of(both) == [("match", f"{BASE}/MedicationRequest/{kept['id']}")]
    assert inside["entry"][0]["resource"] == kept
    assert "_contained=true" in link_of(inside, "self")


async def test_a_contained_resource_alone_has_the_address_of_its_place(shared: httpx.AsyncClient) -> None:
    person, ingredient = await created(shared, patient()), fresh("abc")
    kept = await created(shared, prescription(ingredient, f"Patient/{person['id']}"))

    page = (
        await shared.get(f"Medication?ingredient-code={ingredient}&_contained=true&_containedType=contained")
    ).json()

    assert modes_of(page) == [("match", f"{BASE}/MedicationRequest/{kept['id']}#m1")]
    assert page["entry"][0]["resource"]["resourceType"] == "Medication"
    assert page["entry"][0]["resource"]["id"] == "m1"


async def test_a_chain_finds_the_container_by_what_it_contains(shared: httpx.AsyncClient) -> None:
    person, ingredient = await created(shared, patient()), fresh("abc")
    kept = await created(shared, prescription(ingredient, f"Patient/{person['id']}"))

    page = (await shared.get(f"MedicationRequest?medication.ingredient-code={ingredient}")).json()

    assert modes_of(page) == [("match", f"{BASE}/MedicationRequest/{kept['id']}")]


@pytest.mark.parametrize("summary", ["true", "text", "data"])
async def test_a_summary_is_a_part_and_says_so(shared: httpx.AsyncClient, summary: str) -> None:
    narrative = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}
    photo = [{"title": "x"}]
    kept = await created(shared, patient(text=narrative, active=True, photo=photo))

    page = (await shared.get(f"Patient?_id={kept['id']}&_summary={summary}")).json()

    shown = page["entry"][0]["resource"]
    assert shown["id"] == kept["id"]
    assert [tag["code"] for tag in shown["meta"]["tag"]] == ["SUBSETTED"]
    assert ("text" in shown, "active" in shown, "photo" in shown) == {
        "true": (False, True, False),
        "text": (True, False, False),
        "data": (False, True, True),
    }[summary]
    assert f"_summary={summary}" in link_of(page, "self")


async def test_no_summary_is_everything(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient(active=True))

    page = (await shared.get(f"Patient?_id={kept['id']}&_summary=false")).json()

    assert page["entry"][0]["resource"] == kept


async def test_elements_are_those_named_and_those_that_must_be(shared: httpx.AsyncClient) -> None:
    person = await created(shared, patient())
    seen = await created(shared, observation(f"Patient/{person['id']}", effectiveDateTime="2024"))

    page = (await shared.get(f"Observation?_id={seen['id']}&_elements=subject,effective")).json()

    shown = page["entry"][0]["resource"]
    assert {"resourceType", "id", "subject", "status", "code"} <= set(shown)
    assert "note" not in shown
    assert [tag["code"] for tag in shown["meta"]["tag"]] == ["SUBSETTED"]


@pytest.mark.parametrize("parameter", ["_include=Observation:subject", "_revinclude=Provenance:target"])
async def test_a_summary_of_the_text_brings_nothing_along(shared: httpx.AsyncClient, parameter: str) -> None:
    issue_of(
        await shared.get(f"Observation?_summary=text&{parameter}", headers={"Prefer": "handling=strict"}), 400
    )


async def test_elements_leave_included_resources_whole(shared: httpx.AsyncClient) -> None:
    person = await created(shared, patient(active=True, birthDate="1950"))
    seen = await created(shared, observation(f"Patient/{person['id']}"))

    page = (
        await shared.get(f"Observation?_id={seen['id']}&_elements=subject&_include=Observation:subject")
    ).json()

    assert page["entry"][1]["resource"] == person


async def test_a_deleted_resource_matches_nothing_and_is_not_included(shared: httpx.AsyncClient) -> None:
    gone = fresh("gone")
    await shared.put(f"Patient/{gone}", json=patient(id=gone), headers=FHIR_JSON)
    await shared.delete(f"Patient/{gone}")

    page = (await shared.get(f"Patient?_id={gone}")).json()

    assert modes_of(page) == []
    assert page["total"] == 0
