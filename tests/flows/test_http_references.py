"""Links inside a transaction: fullUrls become the server's ids, conditional references what they lead to.

https://hl7.org/fhir/R4/http.html#trules · https://hl7.org/fhir/R4/bundle.html#references
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.flows.asking import (
    FHIR_JSON,
    SYSTEM,
    Tree,
    created,
    entry,
    fresh,
    issue_of,
    observation,
    patient,
    send,
)

pytestmark = pytest.mark.asyncio(loop_scope="session")


def urn() -> str:
    return f"urn:uuid:{uuid4()}"


async def kept_of(client: httpx.AsyncClient, response: httpx.Response) -> list[tuple[str, Tree]]:
    """For each entry of an answer its `Type/id`, and the resource as it is kept."""
    assert response.status_code == 200, response.text
    keys = [item["response"]["location"].rpartition("/_history")[0] for item in response.json()["entry"]]
    return [
        (key, (await client.get(key, headers={"Accept": FHIR_JSON["Content-Type"]})).json()) for key in keys
    ]


async def test_a_forward_reference_becomes_the_new_id(shared: httpx.AsyncClient) -> None:
    who = urn()

    response = await send(
        shared,
        "transaction",
        entry("POST", "Observation", observation(who)),
        entry("POST", "Patient", patient(), who),
    )

    (_, seen), (key, _) = await kept_of(shared, response)
    assert seen["subject"]["reference"] == key


async def test_resources_may_refer_to_each_other_and_to_themselves(shared: httpx.AsyncClient) -> None:
    one, two = urn(), urn()

    def linked(*targets: str) -> Tree:
        return patient(link=[{"other": {"reference": t}, "type": "seealso"} for t in targets])

    response = await send(
        shared,
        "transaction",
        entry("POST", "Patient", linked(two, one), one),
        entry("POST", "Patient", linked(one), two),
    )

    (first, tree), (second, other) = await kept_of(shared, response)
    assert [link["other"]["reference"] for link in tree["link"]] == [second, first]
    assert other["link"][0]["other"]["reference"] == first


async def test_links_are_replaced_wherever_they_stand(shared: httpx.AsyncClient) -> None:
    who, what = urn(), urn()
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a href="{who}">x</a><img src="{what}" alt=""/>{who}</div>'
    tree = {
        "resourceType": "DocumentReference",
        "status": "current",
        "text": {"status": "generated", "div": div},
        "contained": [observation(who, id="c")],
        "extension": [
            {"url": "urn:example:a", "valueReference": {"reference": who}},
            {"url": "urn:example:b", "valueUri": who},
            {"url": "urn:example:c", "extension": [{"url": "urn:example:d", "valueUrl": what}]},
            {"url": "urn:example:e", "valueUuid": who},
        ],
        "subject": {"reference": who, "_reference": {"extension": [{"url": "urn:x", "valueUri": who}]}},
        "content": [{"attachment": {"url": what}}],
        "context": {"related": [{"reference": "#c"}]},
    }

    response = await send(
        shared,
        "transaction",
        entry("POST", "DocumentReference", tree, urn()),
        entry("POST", "Patient", patient(), who),
        entry(
            "POST", "Binary", {"resourceType": "Binary", "contentType": "text/plain", "data": "eA=="}, what
        ),
    )

    (_, seen), (person, _), (file, _) = await kept_of(shared, response)
    assert f'<a href="{person}">' in seen["text"]["div"]
    assert f'<img src="{file}"' in seen["text"]["div"]
    assert f">{who}</div>" not in seen["text"]["div"] or who in seen["text"]["div"]
    assert seen["contained"][0]["subject"]["reference"] == person
    assert seen["extension"][0]["valueReference"]["reference"] == person
    assert seen["extension"][1]["valueUri"] == person
    assert seen["extension"][2]["extension"][0]["valueUrl"] == file
    assert seen["extension"][3]["valueUuid"] == person
    assert seen["subject"]["reference"] == person
    assert seen["subject"]["_reference"]["extension"][0]["valueUri"] == person
    assert seen["content"][0]["attachment"]["url"] == file
    assert seen["context"]["related"][0]["reference"] == "#c"


async def test_canonicals_and_plain_text_are_not_replaced(shared: httpx.AsyncClient) -> None:
    form = urn()
    tree = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": form,
        "identifier": {"value": form},
        "item": [{"linkId": "1", "text": form}],
    }

    response = await send(
        shared,
        "transaction",
        entry("POST", "QuestionnaireResponse", tree),
        entry("POST", "Questionnaire", {"resourceType": "Questionnaire", "status": "active"}, form),
    )

    ((_, seen), _) = await kept_of(shared, response)
    assert seen["questionnaire"] == form
    assert seen["identifier"]["value"] == form
    assert seen["item"][0]["text"] == form


@pytest.mark.parametrize("text", ["Patient/p1", "http://source.example/fhir/Patient/p1"])
async def test_a_relative_and_an_absolute_reference_are_resolved_against_the_full_url(
    shared: httpx.AsyncClient, text: str
) -> None:
    root = "http://source.example/fhir"

    response = await send(
        shared,
        "transaction",
        entry("POST", "Observation", observation(text), f"{root}/Observation/o1"),
        entry("POST", "Patient", patient(id="p1"), f"{root}/Patient/p1"),
    )

    (_, seen), (key, _) = await kept_of(shared, response)
    assert seen["subject"]["reference"] == key


async def test_a_relative_reference_under_another_base_is_not_that_entry(shared: httpx.AsyncClient) -> None:
    response = await send(
        shared,
        "transaction",
        entry("POST", "Observation", observation("Patient/p1"), "http://one.example/fhir/Observation/o1"),
        entry("POST", "Patient", patient(id="p1"), "http://two.example/fhir/Patient/p1"),
    )

    issue_of(response, 422, "not-found", "Bundle.entry[0].resource.subject.reference")


async def test_a_reference_to_a_version_of_an_entry_stays_one(shared: httpx.AsyncClient) -> None:
    root = "http://source.example/fhir"
    tree = observation(f"{root}/Patient/p1/_history/7", performer=[{"reference": "Patient/p1/_history/7"}])

    response = await send(
        shared,
        "transaction",
        entry("POST", "Observation", tree, f"{root}/Observation/o1"),
        entry("POST", "Patient", patient(id="p1"), f"{root}/Patient/p1"),
    )

    (_, seen), (key, _) = await kept_of(shared, response)
    assert seen["subject"]["reference"] == f"{key}/_history/1"
    assert seen["performer"][0]["reference"] == f"{key}/_history/1"


async def test_an_update_keeps_its_id_whatever_base_its_full_url_has(shared: httpx.AsyncClient) -> None:
    chosen, root = fresh(), "http://source.example/fhir"

    response = await send(
        shared,
        "transaction",
        entry("PUT", f"Patient/{chosen}", patient(id=chosen), f"{root}/Patient/{chosen}"),
        entry("POST", "Observation", observation(f"{root}/Patient/{chosen}"), urn()),
    )

    (key, _), (_, seen) = await kept_of(shared, response)
    assert key == f"Patient/{chosen}"
    assert seen["subject"]["reference"] == key


async def test_references_out_of_the_bundle_are_left_as_they_are(shared: httpx.AsyncClient) -> None:
    kept = await created(shared, patient())
    texts = [f"Patient/{kept['id']}", "https://elsewhere.example/fhir/Patient/1", urn()]

    response = await send(
        shared, "transaction", *[entry("POST", "Observation", observation(text), urn()) for text in texts]
    )

    assert [tree["subject"]["reference"] for _, tree in await kept_of(shared, response)] == texts


async def test_only_the_whole_link_is_replaced(shared: httpx.AsyncClient) -> None:
    who = urn()
    extension = [
        {"url": "urn:example:a", "valueUri": f"{who}0"},
        {"url": "urn:example:b", "valueString": who},
    ]

    response = await send(
        shared,
        "transaction",
        entry("POST", "Basic", {"resourceType": "Basic", "code": {"text": who}, "extension": extension}),
        entry("POST", "Patient", patient(), who),
    )

    ((_, seen), _) = await kept_of(shared, response)
    assert seen["extension"] == extension
    assert seen["code"]["text"] == who


async def conditional(client: httpx.AsyncClient, identifier: str, *more: Tree) -> httpx.Response:
    reference = f"Patient?identifier={SYSTEM}|{identifier}"
    return await send(client, "transaction", entry("POST", "Observation", observation(reference)), *more)


async def test_a_conditional_reference_becomes_its_one_match(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))

    response = await conditional(shared, identifier)

    ((_, seen),) = await kept_of(shared, response)
    assert seen["subject"] == {"reference": f"Patient/{kept['id']}"}
    assert (await shared.delete(f"Patient/{kept['id']}")).status_code == 409


async def test_a_conditional_reference_may_match_an_entry_of_the_same_transaction(
    shared: httpx.AsyncClient,
) -> None:
    identifier, chosen = fresh(), fresh()

    by_post = await conditional(shared, identifier, entry("POST", "Patient", patient(identifier)))
    by_put = await conditional(shared, chosen, entry("PUT", f"Patient/{chosen}", patient(chosen, id=chosen)))

    for response in (by_post, by_put):
        (_, seen), (key, _) = await kept_of(shared, response)
        assert seen["subject"]["reference"] == key


@pytest.mark.parametrize("matches", [0, 2])
async def test_a_conditional_reference_without_just_one_match_refuses_the_transaction(
    shared: httpx.AsyncClient, matches: int
) -> None:
    identifier, bystander = fresh(), fresh()
    for _ in range(matches):
        await created(shared, patient(identifier))

    response = await conditional(shared, identifier, entry("POST", "Patient", patient(bystander)))

    issue = issue_of(response, 412)
    assert "Bundle.entry[0]" in issue["expression"][0]
    assert (await shared.get(f"Patient?identifier={bystander}&_summary=count")).json()["total"] == 0


async def test_a_match_that_the_transaction_deletes_is_none(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))

    response = await conditional(shared, identifier, entry("DELETE", f"Patient/{kept['id']}"))

    issue_of(response, 412)
    assert (await shared.get(f"Patient/{kept['id']}")).status_code == 200


async def test_conditional_references_are_found_everywhere(shared: httpx.AsyncClient) -> None:
    identifier = fresh()
    kept = await created(shared, patient(identifier))
    reference = {"reference": f"Patient?identifier={identifier}"}
    tree = observation(
        contained=[observation(reference["reference"], id="c")],
        extension=[{"url": "urn:example:a", "valueReference": dict(reference)}],
        hasMember=[{"reference": "#c"}],
        performer=[dict(reference)],
    )

    response = await send(shared, "transaction", entry("POST", "Observation", tree))

    ((_, seen),) = await kept_of(shared, response)
    found: list[Any] = [
        seen["contained"][0]["subject"],
        seen["extension"][0]["valueReference"],
        seen["performer"][0],
    ]
    assert [reference["reference"] for reference in found] == [f"Patient/{kept['id']}"] * 3


@pytest.mark.parametrize("criteria", ["identifer=1", "", "_count=1", "birthdate=soon"])
async def test_a_conditional_reference_that_cannot_be_read_is_400(
    shared: httpx.AsyncClient, criteria: str
) -> None:
    response = await send(
        shared, "transaction", entry("POST", "Observation", observation(f"Patient?{criteria}"))
    )

    issue_of(response, 400)


async def test_a_batch_neither_links_its_entries_nor_resolves_conditions(shared: httpx.AsyncClient) -> None:
    identifier, who = fresh(), urn()
    await created(shared, patient(identifier))

    response = await send(
        shared,
        "batch",
        entry("POST", "Patient", patient(), who),
        entry("POST", "Observation", observation(who)),
        entry("POST", "Observation", observation(f"Patient?identifier={identifier}")),
    )

    answers = [item["response"] for item in response.json()["entry"]]
    assert [answer["status"][:3] for answer in answers] == ["201", "201", "422"]
    kept = (await shared.get(answers[1]["location"])).json()
    assert kept["subject"]["reference"] == who
