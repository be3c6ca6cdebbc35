"""$validate, and what profiles say of resources that are written, over HTTP on the real store.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.flows.asking import FHIR_JSON, Tree, created, fresh, patient
from tests.flows.serving import Serve

session = pytest.mark.asyncio(loop_scope="session")

INS = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-ins"
BODY_WEIGHT = "http://hl7.org/fhir/StructureDefinition/bodyweight"


def asked(resource: Tree | None = None, **inputs: Any) -> Tree:
    """The Parameters of `$validate`."""
    parts: list[Tree] = [] if resource is None else [{"name": "resource", "resource": resource}]
    kinds = {"mode": "valueCode", "profile": "valueUri"}
    parts += [{"name": name, kinds[name]: value} for name, value in inputs.items()]
    return {"resourceType": "Parameters", "parameter": parts}


def errors_of(outcome: Tree) -> list[Tree]:
    assert outcome["resourceType"] == "OperationOutcome"
    return [issue for issue in outcome["issue"] if issue["severity"] in {"error", "fatal"}]


async def post(
    client: httpx.AsyncClient, address: str, tree: Tree, headers: dict[str, str] | None = None
) -> httpx.Response:
    return await client.post(address, json=tree, headers={**FHIR_JSON, **(headers or {})})


def weight(**elements: Any) -> Tree:
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "vital-signs",
                    }
                ]
            }
        ],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": "https://elsewhere.example/fhir/Patient/1"},
        "effectiveDateTime": "2026-01-02",
        "valueQuantity": {
            "value": 70,
            "unit": "kg",
            "system": "http://unitsofmeasure.org",
            "code": "kg",
        },
        **elements,
    }


@session
async def test_a_resource_without_fault_is_told_so(shared: httpx.AsyncClient) -> None:
    outcome = await post(shared, "Patient/$validate", patient())

    assert outcome.status_code == 200
    assert errors_of(outcome.json()) == []


@session
@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_resource_is_judged_alone_or_inside_parameters(
    shared: httpx.AsyncClient, wrapped: bool
) -> None:
    wrong = patient(gender="elle")

    answer = await post(shared, "Patient/$validate", asked(wrong) if wrapped else wrong)

    assert answer.status_code == 200
    (error,) = errors_of(answer.json())
    assert error["expression"] == ["Patient.gender"]


@session
async def test_parameters_themselves_can_be_judged(shared: httpx.AsyncClient) -> None:
    right: Tree = {"resourceType": "Parameters", "parameter": [{"name": "a", "valueString": "b"}]}
    wrong: Tree = {"resourceType": "Parameters", "parameter": [{"name": "a", "valueDate": "b"}]}

    answers = [await post(shared, "Parameters/$validate", tree) for tree in (right, wrong, asked(wrong))]

    assert [[error["expression"] for error in errors_of(answer.json())] for answer in answers] == [
        [],
        [["Parameters.parameter[0].value"]],
        [["Parameters.parameter[0].value"]],
    ]


async def test_html_in_strings_can_be_refused(serve: Serve) -> None:
    client = await serve(validation={"markup": "error"})
    careless = patient(name=[{"text": "<script>alert(1)</script>"}])

    answer = await post(client, "Patient/$validate", careless)

    assert [error["expression"] for error in errors_of(answer.json())] == [["Patient.name[0].text"]]


@session
async def test_what_is_judged_is_not_stored(shared: httpx.AsyncClient) -> None:
    one = patient(id="judged-only")

    await post(shared, "Patient/$validate", one)

    assert (await shared.get("Patient/judged-only")).status_code == 404


@session
async def test_a_profile_that_is_asked_for_is_judged_and_named(shared: httpx.AsyncClient) -> None:
    wrong = weight()
    wrong["valueQuantity"]["code"] = "cm"

    answer = await post(shared, "Observation/$validate", asked(wrong, profile=BODY_WEIGHT))

    (error,) = errors_of(answer.json())
    assert error["expression"][0].startswith("Observation.value")
    assert error["extension"][0]["valueString"].startswith(BODY_WEIGHT)


@session
async def test_a_profile_that_is_declared_is_judged(shared: httpx.AsyncClient) -> None:
    wrong = weight(meta={"profile": [BODY_WEIGHT]})
    del wrong["effectiveDateTime"]

    answer = await post(shared, "Observation/$validate", wrong)

    assert [error["expression"] for error in errors_of(answer.json())]


@session
async def test_a_profile_that_nobody_knows_is_an_error_and_no_judgement(shared: httpx.AsyncClient) -> None:
    answer = await post(
        shared, "Patient/$validate", asked(patient(), profile="https://nobody.example/profile")
    )

    assert answer.status_code == 422
    assert answer.json()["issue"][0]["code"] == "not-found"


@session
async def test_sentences_come_in_french_to_whoever_asks(shared: httpx.AsyncClient) -> None:
    wrong = weight(meta={"profile": [BODY_WEIGHT]})
    del wrong["effectiveDateTime"]
    said = {}
    for language in ("en-GB,en;q=0.9", "fr-FR,fr;q=0.9,en;q=0.5"):
        answer = await post(shared, "Observation/$validate", wrong, headers={"Accept-Language": language})
        said[language[:2]] = errors_of(answer.json())[0]["diagnostics"]

    assert said["en"] != said["fr"]


@session
async def test_a_stored_resource_is_judged_where_it_lies(shared: httpx.AsyncClient) -> None:
    one = await created(shared, patient())

    answer = await shared.get(f"Patient/{one['id']}/$validate")

    assert answer.status_code == 200
    assert errors_of(answer.json()) == []


@session
async def test_an_update_is_judged_with_its_id_and_its_references(shared: httpx.AsyncClient) -> None:
    one = await created(shared, patient())
    changed = {
        **patient(id="another"),
        "managingOrganization": {"reference": "Organization/nowhere"},
    }

    answer = await post(shared, f"Patient/{one['id']}/$validate", asked(changed, mode="update"))

    assert {error["code"] for error in errors_of(answer.json())} == {"invalid", "not-found"}


@session
async def test_a_deletion_is_judged_by_what_refers_to_the_resource(shared: httpx.AsyncClient) -> None:
    house = await created(shared, {"resourceType": "Organization", "name": "A"})
    address = f"Organization/{house['id']}/$validate"
    free = await post(shared, address, asked(mode="delete"))
    await created(shared, patient(managingOrganization={"reference": f"Organization/{house['id']}"}))

    held = await post(shared, address, asked(mode="delete"))

    assert errors_of(free.json()) == []
    assert [error["code"] for error in errors_of(held.json())] == ["conflict"]


@session
@pytest.mark.parametrize(
    ("address", "body"),
    [
        ("Patient/$validate", asked(patient(), mode="delete")),
        ("Patient/$validate", asked(patient(), mode="sideways")),
        ("Patient/$validate", {"resourceType": "Parameters"}),
        ("Patient/$validate", {"resourceType": "Observation"}),
    ],
)
async def test_a_question_without_sense_is_refused(
    shared: httpx.AsyncClient, address: str, body: Tree
) -> None:
    assert (await post(shared, address, body)).status_code == 400


@session
async def test_a_judgement_comes_in_xml_too(shared: httpx.AsyncClient) -> None:
    answer = await post(shared, "Patient/$validate", patient(), headers={"Accept": "application/fhir+xml"})

    assert answer.content.startswith(b"<?xml") or answer.content.startswith(b"<OperationOutcome")


@session
async def test_a_profile_may_be_asked_for_in_the_address(shared: httpx.AsyncClient) -> None:
    wrong = weight()
    del wrong["effectiveDateTime"]
    one = await created(shared, wrong)
    asked_for = f"$validate?profile={BODY_WEIGHT}|4.0.1"

    sent = await post(shared, f"Observation/{asked_for}", wrong)
    stored = await shared.get(f"Observation/{one['id']}/{asked_for}")

    for answer in (sent, stored):
        assert any(BODY_WEIGHT in str(error.get("extension")) for error in errors_of(answer.json()))


@session
@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType":"Patient",\n"gender":,}',
        b'{"resourceType":"Patient","gender":"male","gender":"male"}',
        b'{"resourceType":"Patient","gender":"\xff"}',
    ],
)
async def test_what_is_no_json_is_refused_with_the_place(shared: httpx.AsyncClient, body: bytes) -> None:
    answer = await shared.post("Patient/$validate", content=body, headers=FHIR_JSON)

    assert answer.status_code == 400
    assert "line" in answer.json()["issue"][0]["diagnostics"]


@session
async def test_what_is_around_and_inside_is_judged_by_its_own_profile(shared: httpx.AsyncClient) -> None:
    wrong = weight(meta={"profile": [BODY_WEIGHT]})
    del wrong["effectiveDateTime"], wrong["subject"]
    group = {
        "resourceType": "Group",
        "type": "person",
        "actual": True,
        "contained": [{**wrong, "id": "o"}],
        "extension": [{"url": "https://one.example/x", "valueReference": {"reference": "#o"}}],
    }
    entries = [
        {"fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111", "resource": wrong},
        {"fullUrl": "urn:uuid:21111111-1111-4111-8111-111111111111", "resource": group},
    ]

    answer = await post(
        shared, "Bundle/$validate", {"resourceType": "Bundle", "type": "collection", "entry": entries}
    )

    issues = answer.json()["issue"]
    assert all(issue["diagnostics"] and issue["code"] and issue["expression"] for issue in issues)
    places = {error["expression"][0] for error in errors_of(answer.json())}
    assert any(place.startswith("Bundle.entry[0].resource") for place in places)
    assert any(place.startswith("Bundle.entry[1].resource.contained[0]") for place in places)


@session
@pytest.mark.parametrize("place", ["stored", "contained"])
async def test_answers_are_judged_by_their_questionnaire(shared: httpx.AsyncClient, place: str) -> None:
    url = f"https://forms.example/{fresh('form')}"
    form: Tree = {
        "resourceType": "Questionnaire",
        "url": url,
        "status": "active",
        "item": [{"linkId": "a", "type": "boolean", "required": True, "text": "A?"}],
    }
    filled: Tree = {"resourceType": "QuestionnaireResponse", "questionnaire": url, "status": "completed"}
    if place == "stored":
        await created(shared, form)
    else:
        filled |= {"questionnaire": "#f", "contained": [{**form, "id": "f"}]}

    lacking = await post(shared, "QuestionnaireResponse/$validate", filled)
    given = await post(
        shared,
        "QuestionnaireResponse/$validate",
        {**filled, "item": [{"linkId": "a", "answer": [{"valueBoolean": True}]}]},
    )

    assert [error["code"] for error in errors_of(lacking.json())] == ["required"]
    assert errors_of(given.json()) == []


@session
async def test_every_answer_has_a_place_and_every_refusal_is_said_in_french(
    shared: httpx.AsyncClient,
) -> None:
    french = {"Accept-Language": "fr"}
    one = await created(shared, patient())
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">A</div>'}

    sound = await post(shared, "Patient/$validate", patient(text=text))
    free = await shared.get(f"Patient/{one['id']}/$validate?mode=delete")
    lost = await post(
        shared,
        "Patient/$validate?mode=create",
        patient(managingOrganization={"reference": "Organization/nowhere"}),
    )
    unknown = await post(shared, "Patient/$validate?profile=urn:none", patient(), headers=french)
    sideways = await post(shared, "Patient/$validate?mode=sideways", patient(), headers=french)

    assert [answer.json()["issue"][0]["expression"] for answer in (sound, free)] == [["Patient"]] * 2
    assert errors_of(lost.json())[0]["expression"] == ["Patient.managingOrganization.reference"]
    assert unknown.json()["issue"][0]["diagnostics"].startswith("Le profil")
    assert sideways.json()["issue"][0]["diagnostics"].startswith("Le mode")


@session
async def test_the_national_identity_profile_is_enforced_where_it_is_declared(
    shared: httpx.AsyncClient,
) -> None:
    refused = await post(shared, "Patient", patient(meta={"profile": [INS]}))

    assert refused.status_code == 422
    assert all(issue["severity"] in {"error", "fatal"} for issue in refused.json()["issue"])
    assert any(INS in str(issue.get("extension")) for issue in refused.json()["issue"])


@session
async def test_another_profile_is_told_about_to_whoever_asks_for_an_outcome(
    shared: httpx.AsyncClient,
) -> None:
    wrong = weight(meta={"profile": [BODY_WEIGHT]})
    del wrong["effectiveDateTime"]

    answer = await post(shared, "Observation", wrong, headers={"Prefer": "return=OperationOutcome"})

    assert answer.status_code == 201
    told = [issue for issue in answer.json()["issue"] if issue["severity"] == "warning"]
    assert any(BODY_WEIGHT in str(issue.get("extension")) for issue in told)


async def test_profiles_can_be_enforced_for_all_that_declare_them(serve: Serve) -> None:
    client = await serve(validation={"declared": "enforce"})
    wrong = weight(meta={"profile": [BODY_WEIGHT]})
    del wrong["effectiveDateTime"]

    assert (await post(client, "Observation", wrong)).status_code == 422


async def test_profiles_can_be_required_of_a_type(serve: Serve) -> None:
    client = await serve(validation={"required": {"Observation": [BODY_WEIGHT]}})
    wrong = weight()
    del wrong["effectiveDateTime"]

    assert (await post(client, "Observation", wrong)).status_code == 422
    assert (await post(client, "Observation", weight())).status_code == 201


async def test_profiles_can_be_left_alone(serve: Serve) -> None:
    client = await serve(validation={"declared": "off", "enforced": []})

    answer = await post(client, "Patient", patient(meta={"profile": [INS]}))

    assert answer.status_code == 201
