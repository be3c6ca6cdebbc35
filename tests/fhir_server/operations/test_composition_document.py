"""https://hl7.org/fhir/R4/composition-operation-document.html"""

from __future__ import annotations

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from tests.builders import observation, organization, patient
from tests.fhir_server.interactions.performing import BASE, refused
from tests.fhir_server.operations.asking import Operator, parameters, reference


def composition(id: str = "c", *entries: str, **elements: object) -> Tree:
    return {
        "resourceType": "Composition",
        "id": id,
        "status": "final",
        "type": {"text": "summary"},
        "subject": reference("Patient/p"),
        "date": "2024-01-01",
        "author": [reference("PractitionerRole/r")],
        "title": "Summary",
        **({"section": [{"entry": [reference(entry) for entry in entries]}]} if entries else {}),
        **elements,
    }


@pytest.fixture
async def ward(server: Operator) -> Operator:
    await server.keep(
        organization(id="parent"),
        organization(id="o", partOf=reference("Organization/parent")),
        organization(id="unrelated"),
        {"resourceType": "Practitioner", "id": "d"},
        {
            "resourceType": "PractitionerRole",
            "id": "r",
            "practitioner": reference("Practitioner/d"),
            "organization": reference("Organization/o"),
        },
        {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "YQ=="},
        patient(id="p"),
    )
    await server.keep(
        observation("Patient/p", id="1"),
        observation("Patient/p", id="2", derivedFrom=[reference("Observation/1")]),
        observation("Patient/p", id="3"),
    )
    return server


def keys_of(document: Tree) -> list[str]:
    return [entry["fullUrl"].removeprefix(f"{BASE}/") for entry in document["entry"]]


async def test_a_document_is_the_composition_and_all_it_refers_to(ward: Operator) -> None:
    await ward.keep(composition("c", "Observation/2"))

    found = await ward.bundle("Composition/c/$document")

    assert found["type"] == "document"
    assert found["identifier"]["system"] == "urn:ietf:rfc:3986"
    assert found["identifier"]["value"].startswith("urn:uuid:")
    assert found["timestamp"]
    assert keys_of(found) == [
        "Composition/c", "Observation/1", "Observation/2", "Organization/o", "Organization/parent", "Patient/p",
        "Practitioner/d", "PractitionerRole/r",
    ]  # fmt: skip
    assert all(entry["resource"] for entry in found["entry"])


async def test_all_ways_to_ask_for_a_document_are_one(ward: Operator) -> None:
    await ward.keep(composition())
    named = parameters({"name": "id", "valueUri": "c"})

    answers = [
        await ward.bundle("Composition/c/$document"),
        await ward.bundle("Composition/$document?id=c"),
        await ward.bundle("Composition/$document?id=Composition/c"),
        await ward.bundle(f"Composition/$document?id={BASE}/Composition/c"),
        await ward.bundle("Composition/$document", named),
        await ward.bundle("Composition/c/$document", {}),
        await ward.bundle("Composition/c/$document", parameters({"name": "persist", "valueBoolean": False})),
    ]

    assert all(answer["entry"] == answers[0]["entry"] for answer in answers)
    assert len({answer["identifier"]["value"] for answer in answers}) == 1


async def test_another_content_has_another_identifier(ward: Operator) -> None:
    await ward.keep(composition("c", "Observation/1"))
    before = await ward.bundle("Composition/c/$document")
    await ward.keep(observation("Patient/p", id="1", status="amended"))

    after = await ward.bundle("Composition/c/$document")

    assert before["identifier"] != after["identifier"]


async def test_a_reference_to_a_version_brings_that_version(ward: Operator) -> None:
    await ward.keep(observation("Patient/p", id="1", status="amended"))
    await ward.keep(composition("c", "Observation/1/_history/1", "Observation/2"))

    found = await ward.bundle("Composition/c/$document")

    versions = [
        entry["resource"]["meta"]["versionId"]
        for entry in found["entry"]
        if "/Observation/1" in entry["fullUrl"]
    ]
    assert versions == ["1", "2"]  # Observation/2 refers to the present one


async def test_attachments_come_along_and_other_documents_do_not(ward: Operator) -> None:
    note = {"resourceType": "DocumentReference", "id": "n", "status": "current",
            "content": [{"attachment": {"url": "Binary/b"}}]}  # fmt: skip
    await ward.keep(note, composition("other"))
    related = [{"code": "replaces", "targetReference": reference("Composition/other")}]
    await ward.keep(composition("c", "DocumentReference/n", relatesTo=related))

    found = keys_of(await ward.bundle("Composition/c/$document"))

    assert "Binary/b" in found
    assert "Composition/other" not in found


async def test_what_is_contained_needs_no_entry(ward: Operator) -> None:
    contained = [{"resourceType": "Practitioner", "id": "in"}]
    await ward.keep(composition(contained=contained, author=[reference("#in")]))

    assert keys_of(await ward.bundle("Composition/c/$document")) == ["Composition/c", "Patient/p"]


async def test_a_document_that_would_not_be_whole_is_refused_at_its_place(ward: Operator) -> None:
    loose = ward.with_settings(references="off")
    await loose.put(composition("c", "Observation/1", "Observation/never"))
    await loose.put(composition("d", custodian=reference("https://elsewhere.example/fhir/Organization/1")))

    with refused(422, "not-found", "Composition.section[0].entry[1].reference"):
        await ward.ask("Composition/c/$document")
    with refused(422, "not-supported", "Composition.custodian.reference"):
        await ward.ask("Composition/d/$document")


async def test_a_document_is_kept_once(ward: Operator) -> None:
    await ward.keep(composition("c", "Observation/1"))

    first = await ward.ask("Composition/c/$document?persist=true")
    again = await ward.ask("Composition/$document", parameters({"name": "id", "valueUri": "c"},
                                                               {"name": "persist", "valueBoolean": True}))  # fmt: skip

    assert (first.status, again.status) == (201, 200)
    assert first.key == again.key
    assert first.key is not None
    kept = await ward.at(first.key)
    assert kept == decode(again.body)
    assert kept["type"] == "document"
    assert await ward.count("Bundle", "composition=Composition/c") >= 0
    assert await ward.count("Bundle") == 1


async def test_a_document_of_new_content_is_kept_beside_the_old_one(ward: Operator) -> None:
    await ward.keep(composition("c", "Observation/1"))
    await ward.ask("Composition/c/$document?persist=true")
    await ward.keep(composition("c", "Observation/3"))

    assert (await ward.ask("Composition/c/$document?persist=true")).status == 201
    assert await ward.count("Bundle") == 2


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("Composition/never/$document", 404, "not-found"),
        ("Composition/$document?id=never", 404, "not-found"),
        ("Composition/gone/$document", 410, "deleted"),
        ("Composition/$document", 400, "required"),
        ("Composition/c/$document?id=c", 400, "value"),
        ("Composition/$document?id=Patient/p", 400, "not-supported"),
        ("Composition/$document?id=https://elsewhere.example/fhir/Composition/1", 400, "not-supported"),
        ("Composition/c/$document?graph=urn:x", 400, "not-supported"),
        ("Composition/c/$document?persist=maybe", 400, "value"),
        ("Composition/c/$document?persit=true", 400, "not-supported"),
    ],
)
async def test_a_document_that_cannot_be_made(ward: Operator, address: str, status: int, code: str) -> None:
    await ward.keep(composition("c"), composition("gone"))
    await ward.delete(Key("Composition", "gone"))

    with refused(status, code):
        await ward.ask(address)


async def test_a_document_has_a_size_that_it_may_not_pass(
    ward: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_server.operations.composition_document.MOST", 3)
    await ward.keep(composition("c", "Observation/2"))

    with refused(422, "too-costly"):
        await ward.ask("Composition/c/$document")
