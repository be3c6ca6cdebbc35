"""fhirpy (https://github.com/beda-software/fhir-py), its synchronous and its asynchronous client, as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

pytestmark = pytest.mark.xdist_group("clients")  # one server for all of them

BLOOD_PRESSURE = "http://loinc.org|85354-9"
INS = "urn:oid:1.2.250.1.213.1.4.10|239027699900145"

Client = Callable[..., SyncFHIRClient]


@pytest.fixture
def client(base: str) -> SyncFHIRClient:
    return SyncFHIRClient(base)


@pytest.fixture
def client_saying(base: str) -> Client:
    """Makes clients that send a header with all that they ask; `_` stands for `-` in its name."""

    def make(**headers: str) -> SyncFHIRClient:
        return SyncFHIRClient(
            base, extra_headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    return make


def identifier() -> dict[str, str]:
    return {"system": "urn:oid:2.25.1", "value": uuid4().hex}


def criteria(of: dict[str, str]) -> str:
    return f"{of['system']}|{of['value']}"


def issue_of(error: Exception) -> dict[str, Any]:
    """The first issue of the OperationOutcome that an exception of fhirpy carries as its text."""
    outcome = json.loads(str(error))
    assert outcome["resourceType"] == "OperationOutcome"
    issue: dict[str, Any] = outcome["issue"][0]
    return issue


def test_a_patient_is_created_read_updated_and_deleted(client: SyncFHIRClient) -> None:
    patient = client.resource("Patient", name=[{"family": "Lœuillet", "given": ["Anaïs"]}])
    patient.save()
    assert patient.meta.versionId == "1"

    read = client.reference("Patient", patient.id).to_resource()
    assert read.get_by_path("name.0.family") == "Lœuillet"

    patient["birthDate"] = "1950-02-01"
    patient.save()
    assert patient.meta.versionId == "2"
    assert client.get("Patient", patient.id)["birthDate"] == "1950-02-01"

    patient.delete()
    with pytest.raises(ResourceNotFound) as gone:
        client.get("Patient", patient.id)
    assert issue_of(gone.value)["code"] == "deleted"


def test_a_patient_is_created_once_under_a_condition(client_saying: Client) -> None:
    mark = identifier()
    once = client_saying(If_None_Exist=f"identifier={criteria(mark)}")

    first = once.resource("Patient", identifier=[mark]).create()
    second = once.resource("Patient", identifier=[mark]).create()

    assert first.id == second.id
    assert second.meta.versionId == "1"


def test_a_search_leads_to_an_update_and_to_a_deletion(client: SyncFHIRClient) -> None:
    mark = identifier()
    the_one = client.resources("Patient").search(identifier=criteria(mark))

    _, created = the_one.update(client.resource("Patient", identifier=[mark]))
    changed, created_again = the_one.update(client.resource("Patient", identifier=[mark], gender="female"))
    assert (created, created_again) == (True, False)
    assert (changed.meta.versionId, changed.gender) == ("2", "female")

    _, status = the_one.delete()
    assert status in (200, 204)
    assert the_one.first() is None


def test_an_update_of_what_others_changed_meanwhile_fails(client_saying: Client) -> None:
    patient = client_saying().resource("Patient", active=True).create()
    second = client_saying(If_Match='W/"1"')
    second.resource("Patient", id=patient.id, active=False).update()

    with pytest.raises(MultipleResourcesFound) as refused:  # what fhirpy calls every 412
        second.resource("Patient", id=patient.id, active=True).update()
    assert issue_of(refused.value)["code"] == "conflict"


def test_search_follows_chains_and_counts(client: SyncFHIRClient) -> None:
    observations = client.resources("Observation").search(code=BLOOD_PRESSURE)

    by_name = observations.search(patient__Patient__family="payet", date__ge=date(2026, 8, 1))
    assert [found.id for found in by_name.sort("-date").fetch()] == ["payet-tension-5", "payet-tension-4"]

    assert observations.search(patient__identifier=INS).count() == 5
    assert observations.search(patient__family__exact="payet").count() == 0

    measured = client.resources("Patient").has("Observation", "patient", code=BLOOD_PRESSURE)
    assert "payet" in [patient.id for patient in measured.fetch()]
    assert measured.search(_id="payet").get().id == "payet"


def test_search_brings_what_is_included(client: SyncFHIRClient) -> None:
    plans = client.resources("CarePlan").search(subject=client.reference("Patient", "payet"))
    bundle = plans.include("CarePlan", "goal").include("CarePlan", "subject").fetch_raw()

    by_mode: dict[str, set[str]] = {}
    for entry in bundle.entry:
        by_mode.setdefault(entry.search.mode, set()).add(entry.resource.resource_type)
    assert by_mode == {"match": {"CarePlan"}, "include": {"Goal", "Patient"}}
    assert bundle.total == 1

    around = client.resources("Patient").search(_id="payet").revinclude("Goal", "patient").fetch_raw()
    assert sum(entry.resource.resource_type == "Goal" for entry in around.entry) == 5


def test_pages_lead_to_the_end_without_gap_or_duplicate(client: SyncFHIRClient) -> None:
    of_payet = client.resources("Observation").search(patient="Patient/payet").sort("-date", "_id")
    whole = [found.id for found in of_payet.fetch()]

    assert len(whole) == 7
    assert [found.id for found in of_payet.limit(2).fetch_all()] == whole


async def test_the_asynchronous_client_pages_too(base: str) -> None:
    client = AsyncFHIRClient(base)
    tasks = client.resources("Task").search(patient="Patient/payet")

    paged = [task.id async for task in tasks.limit(3)]
    assert len(paged) == len(set(paged)) == await tasks.count() == 8

    patient = await client.resource("Patient", active=True).create()
    assert (await client.get("Patient", patient.id))["active"] is True
    await patient.delete()
    with pytest.raises(ResourceNotFound):
        await client.get("Patient", patient.id)


def test_a_transaction_resolves_its_own_references_and_fails_as_one(client: SyncFHIRClient) -> None:
    mark = identifier()
    patient, observation = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    measure = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": patient},
        "valueQuantity": {"value": 72, "system": "http://unitsofmeasure.org", "code": "/min"},
    }
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": patient,
                "resource": {"resourceType": "Patient", "identifier": [mark]},
                "request": {"method": "POST", "url": "Patient"},
            },
            {
                "fullUrl": observation,
                "resource": measure,
                "request": {"method": "POST", "url": "Observation"},
            },
        ],
    }

    answer = client.execute("", data=bundle)
    assert [entry.response.status[:3] for entry in answer.entry] == ["201", "201"]
    beating = client.resources("Observation").search(patient__identifier=criteria(mark)).get()
    assert beating.subject.to_resource().identifier[0].value == mark["value"]

    other = identifier()
    bundle["entry"][0]["resource"]["identifier"] = [other]
    del measure["status"]
    with pytest.raises(OperationOutcome) as refused:
        client.execute("", data=bundle)
    assert "Bundle.entry[1]" in refused.value.resource["issue"][0]["expression"][0]
    assert client.resources("Patient").search(identifier=criteria(other)).count() == 0


def test_history_shows_each_version(client: SyncFHIRClient) -> None:
    patient = client.resource("Patient", gender="unknown").create()
    patient["gender"] = "other"
    patient.update()
    patient.delete()

    history = patient.execute("_history", method="get")
    assert history.type == "history"
    assert [entry.request.method for entry in history.entry] == ["DELETE", "PUT", "POST"]
    assert patient.execute("_history/1", method="get").gender == "unknown"


def test_a_json_patch_changes_one_element(client: SyncFHIRClient, client_saying: Client) -> None:
    patient = client.resource("Patient", name=[{"family": "Le Gall"}], active=True).create()
    patching = client_saying(Content_Type="application/json-patch+json")

    operations: Any = [{"op": "replace", "path": "/active", "value": False}]
    changed = patching.execute(f"Patient/{patient.id}", "patch", data=operations)

    assert (changed.active, changed.name[0].family) == (False, "Le Gall")


def test_the_merge_patch_of_fhirpy_is_refused_and_changes_nothing(client: SyncFHIRClient) -> None:
    """R4 has JSON Patch, XML Patch and FHIRPath Patch (https://hl7.org/fhir/R4/http.html#patch), not this one."""
    patient = client.resource("Patient", active=True).create()

    with pytest.raises(OperationOutcome) as refused:
        patient.patch(active=False)
    assert "FHIRPath Patch" in refused.value.resource["issue"][0]["diagnostics"]
    assert client.get("Patient", patient.id)["active"] is True


def test_a_resource_can_be_refreshed(client: SyncFHIRClient) -> None:
    """`refresh()` sends `If-None-Match: 1`, without the quotes of an entity tag."""
    patient = client.resource("Patient", active=True).create()
    client.resource("Patient", id=patient.id, active=False).save()

    patient.refresh()

    assert patient.active is False


def test_errors_come_as_operation_outcomes(client: SyncFHIRClient) -> None:
    with pytest.raises(ResourceNotFound) as missing:
        client.get("Patient", "nobody")
    assert issue_of(missing.value)["code"] == "not-found"

    with pytest.raises(OperationOutcome) as invalid:
        client.resource("Patient", birthDate="yesterday").save()
    assert invalid.value.resource["issue"][0]["expression"] == ["Patient.birthDate"]

    with pytest.raises(OperationOutcome) as unclear:
        client.resources("Observation").search(date__ge="yesterday").fetch()
    assert unclear.value.resource["issue"][0]["severity"] == "error"


def test_the_whole_dossier_is_one_operation(client: SyncFHIRClient) -> None:
    bundle = client.reference("Patient", "payet").execute("$everything", method="get")

    types = {entry.resource.resourceType for entry in bundle.entry}
    assert {"Patient", "CarePlan", "Goal", "Observation", "Practitioner"} <= types
