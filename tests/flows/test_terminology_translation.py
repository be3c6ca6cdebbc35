"""The code of another code system that means the same: `$translate`.

https://hl7.org/fhir/R4/terminology-service.html
"""

from __future__ import annotations

import httpx
import pytest

from tests.flows.asking import Tree, created, fresh
from tests.flows.terminology_asking import CISIS, GENDER, GENDERS, GIR, ask, parts, post, sent, told

session = pytest.mark.asyncio(loop_scope="session")


@session
async def test_a_code_is_translated_both_ways(shared: httpx.AsyncClient) -> None:
    url = "https://cordee.example/fhir/ConceptMap/gir-to-cisis"

    there = await ask(shared, "ConceptMap/$translate", url=url, system=GIR, code="gir-4")
    back = await ask(shared, "ConceptMap/$translate", url=url, system=CISIS, code="MED-342", reverse="true")

    assert told(there)["result"] is True
    assert parts(there, "match") == [
        {
            "equivalence": "equivalent",
            "concept": {"system": CISIS, "code": "MED-342", "display": "GIR-4"},
            "source": url,
        }
    ]
    assert parts(back, "match")[0]["concept"] == {"system": GIR, "code": "gir-4", "display": "GIR 4"}


@session
async def test_without_a_map_all_that_lead_to_the_target_are_asked(shared: httpx.AsyncClient) -> None:
    found = await ask(shared, "ConceptMap/$translate", system=GIR, code="gir-1", targetsystem=CISIS)
    none = await ask(shared, "ConceptMap/$translate", system=GIR, code="gir-1", targetsystem="urn:none")

    assert parts(found, "match")[0]["concept"]["code"] == "MED-339"
    assert told(none)["result"] is False
    assert "message" in told(none)


@session
async def test_the_scope_of_value_sets_chooses_the_map(shared: httpx.AsyncClient) -> None:
    answer = await ask(
        shared,
        "ConceptMap/$translate",
        system=GENDER,
        code="male",
        source=GENDERS,
        target="http://terminology.hl7.org/ValueSet/v2-0001",
    )

    assert [one["concept"]["code"] for one in parts(answer, "match")] == ["M"]


@session
@pytest.mark.parametrize(
    ("unmapped", "found"),
    [
        ({"mode": "provided"}, [("equal", "b")]),
        ({"mode": "fixed", "code": "z", "display": "Rest"}, [("inexact", "z")]),
        ({"mode": "other-map", "url": "https://cordee.example/fhir/ConceptMap/gir-to-cisis"}, []),
        (None, []),
    ],
)
async def test_what_a_map_does_not_know_goes_where_it_says(
    shared: httpx.AsyncClient, unmapped: Tree | None, found: list[tuple[str, str]]
) -> None:
    group: Tree = {
        "source": "urn:s",
        "target": "urn:t",
        "element": [{"code": "a", "target": [{"code": "A", "equivalence": "wider"}]}],
    }
    tree = {
        "resourceType": "ConceptMap",
        "url": f"http://example.org/{fresh('map')}",
        "status": "active",
        "group": [{**group, **({"unmapped": unmapped} if unmapped else {})}],
    }

    answer = await post(shared, "ConceptMap/$translate", sent(conceptMap=tree, system="urn:s", code="b"))
    known = await post(shared, "ConceptMap/$translate", sent(conceptMap=tree, system="urn:s", code="a"))
    back = await post(
        shared, "ConceptMap/$translate", sent(conceptMap=tree, system="urn:t", code="A", reverse=True)
    )

    assert [(one["equivalence"], one["concept"]["code"]) for one in parts(answer, "match")] == found
    assert parts(known, "match")[0]["equivalence"] == "wider"
    assert parts(back, "match")[0]["equivalence"] == "narrower"


@session
async def test_a_map_is_asked_at_its_address(shared: httpx.AsyncClient) -> None:
    stored = await created(
        shared,
        {
            "resourceType": "ConceptMap",
            "url": f"http://example.org/{fresh('map')}",
            "status": "active",
            "group": [
                {
                    "source": "urn:s",
                    "target": "urn:t",
                    "element": [{"code": "a", "target": [{"equivalence": "unmatched"}]}],
                }
            ],
        },
    )

    answer = await ask(shared, f"ConceptMap/{stored['id']}/$translate", system="urn:s", code="a")

    assert told(answer)["result"] is False
    assert parts(answer, "match")[0]["equivalence"] == "unmatched"
