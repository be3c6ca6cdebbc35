"""fhirclient, the Python client of SMART (https://github.com/smart-on-fhir/client-py), as it is.

Its models are strict: what they read without a complaint is well-formed R4.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from fhirclient.client import FHIRClient
from fhirclient.models.bundle import Bundle
from fhirclient.models.careplan import CarePlan
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException, FHIRServer
from requests import HTTPError, Response

pytestmark = pytest.mark.xdist_group("clients")  # one server for all of them

BLOOD_PRESSURE = "http://loinc.org|85354-9"


@pytest.fixture
def smart(base: str) -> FHIRClient:
    return FHIRClient({"app_id": "tests", "api_base": base, "patient_id": "payet"})


@pytest.fixture
def server(smart: FHIRClient) -> FHIRServer:
    return smart.server


def made(server: FHIRServer, **elements: Any) -> Patient:
    """A new Patient, as the server answered it."""
    return Patient(Patient(elements).create(server))


def changed_at_once(server: FHIRServer, *entries: dict[str, Any]) -> Bundle:
    return Bundle(Bundle({"type": "transaction", "entry": list(entries)}).create(server))


def answer_of(error: HTTPError) -> Response:
    """The answer that this client made an exception of."""
    assert error.response is not None
    return error.response


def test_the_capability_statement_is_understood_and_asks_for_no_authorization(smart: FHIRClient) -> None:
    assert smart.prepare()
    assert smart.ready
    assert smart.server.capabilityStatement.fhirVersion == "4.0.1"
    assert smart.human_name(smart.patient.name[1]) == "MME Madeleine Payet"


def test_a_patient_is_created_read_updated_and_deleted(server: FHIRServer) -> None:
    patient = made(server, name=[{"family": "Lœuillet", "given": ["Anaïs"]}])
    assert patient.meta.versionId == "1"

    read = Patient.read(patient.id, server)
    assert read.name[0].family == "Lœuillet"

    read.gender = "female"
    assert read.update()["meta"]["versionId"] == "2"
    assert Patient.read(patient.id, server).gender == "female"

    read.delete()
    with pytest.raises(HTTPError) as gone:
        Patient.read(patient.id, server)
    assert answer_of(gone.value).status_code == 410
    assert answer_of(gone.value).json()["issue"][0]["code"] == "deleted"


def test_every_resource_of_the_dossier_is_well_formed_r4(server: FHIRServer) -> None:
    dossier = Bundle.read_from("Patient/payet/$everything?_count=1000", server)

    resources = [entry.resource for entry in dossier.entry]
    assert len(resources) > 60
    assert len({resource.resource_type for resource in resources}) > 15
    for resource in resources:
        assert resource.as_json() == type(resource).read(resource.id, server).as_json()


def test_search_follows_chains_and_modifiers(server: FHIRServer) -> None:
    by_name = {"subject": {"$type": "Patient", "family": {"$exact": "Payet"}}, "code": BLOOD_PRESSURE}
    found = list(Observation.where({**by_name, "_sort": "date"}).perform_resources_iter(server))
    assert [one.id for one in found] == [f"payet-tension-{number}" for number in range(1, 6)]

    late = {"patient": "payet", "date": {"$and": ["ge2026-08-01", "lt2026-09-01"]}}
    assert [one.id for one in Observation.where(late).perform_resources_iter(server)] == ["payet-tension-4"]

    either = {"_id": {"$or": ["payet-tension-1", "payet-gir-1"]}}
    assert len(list(Observation.where(either).perform_resources_iter(server))) == 2

    without = {"patient": "payet", "value-quantity": {"$missing": "true"}}
    assert list(Observation.where(without).perform_resources_iter(server))


def test_search_brings_what_is_included(server: FHIRServer) -> None:
    with_patient = CarePlan.where({"patient": "payet"}).include("subject")
    found = {one.resource_type for one in with_patient.perform_resources_iter(server)}
    assert found == {"CarePlan", "Patient"}

    with_plans = Patient.where({"_id": "payet"}).include("subject", CarePlan, reverse=True)
    assert [one.resource_type for one in with_plans.perform_resources_iter(server)] == ["Patient", "CarePlan"]


def test_pages_lead_to_the_end_without_gap_or_duplicate(server: FHIRServer) -> None:
    wanted = {"patient": "payet", "_sort": "-date,_id"}
    whole = [one.id for one in Observation.where(wanted).perform_resources_iter(server)]
    pages = list(Observation.where({**wanted, "_count": "3"}).perform_iter(server))

    assert [len(page.entry) for page in pages] == [3, 3, 1]
    assert [entry.resource.id for page in pages for entry in page.entry] == whole
    assert {page.total for page in pages} == {7}


def test_a_transaction_creates_once_and_resolves_its_own_references(server: FHIRServer) -> None:
    mark = uuid4().hex
    here = f"urn:uuid:{uuid4()}"
    patient = {
        "fullUrl": here,
        "resource": {"resourceType": "Patient", "identifier": [{"system": "urn:oid:2.25.1", "value": mark}]},
        "request": {"method": "POST", "url": "Patient", "ifNoneExist": f"identifier=urn:oid:2.25.1|{mark}"},
    }
    flag = {
        "resource": {
            "resourceType": "Flag",
            "status": "active",
            "code": {"text": "Chutes"},
            "subject": {"reference": here},
        },
        "request": {"method": "POST", "url": "Flag"},
    }

    first = changed_at_once(server, patient, flag)
    second = changed_at_once(server, patient, flag)

    assert [entry.response.status[:3] for entry in first.entry] == ["201", "201"]
    assert [entry.response.status[:3] for entry in second.entry] == ["200", "201"]
    flags = Patient.where({"identifier": mark, "_revinclude": "Flag:patient"}).perform_resources_iter(server)
    assert [one.resource_type for one in flags] == ["Patient", "Flag", "Flag"]


def test_a_fhirpath_patch_in_a_transaction_changes_one_element(server: FHIRServer) -> None:
    """The client sends no PATCH of its own; a Bundle can."""
    patient = made(server, active=True, gender="other")
    operation = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.active"},
        {"name": "value", "valueBoolean": False},
    ]
    patch = {
        "resource": {
            "resourceType": "Parameters",
            "parameter": [{"name": "operation", "part": operation}],
        },
        "request": {"method": "PATCH", "url": patient.relativePath()},
    }

    changed_at_once(server, patch)

    changed = Patient.read(patient.id, server)
    assert (changed.active, changed.gender, changed.meta.versionId) == (False, "other", "2")


def test_history_shows_each_version(server: FHIRServer) -> None:
    patient = made(server, gender="unknown")
    patient.gender = "other"
    patient.update(server)
    patient.delete(server)

    history = Bundle.read_from(f"{patient.relativePath()}/_history", server)
    assert [entry.request.method for entry in history.entry] == ["DELETE", "PUT", "POST"]
    assert Patient.read_from(f"{patient.relativePath()}/_history/1", server).gender == "unknown"


def test_errors_come_as_operation_outcomes(server: FHIRServer) -> None:
    with pytest.raises(FHIRNotFoundException) as missing:
        Patient.read("nobody", server)
    assert missing.value.response.json()["issue"][0]["code"] == "not-found"

    with pytest.raises(HTTPError) as invalid:
        server.post_json("Patient", {"resourceType": "Patient", "birthDate": "yesterday"})
    assert answer_of(invalid.value).json()["issue"][0]["expression"] == ["Patient.birthDate"]


def test_the_prefixes_of_before_r4_are_refused_and_not_misread(server: FHIRServer) -> None:
    """`$gt` of this client is sent as `>`, which was FHIR's before its first release."""
    with pytest.raises(HTTPError) as refused:
        list(Observation.where({"date": {"$gt": "2026-08-01"}}).perform_resources_iter(server))

    assert answer_of(refused.value).status_code == 400
    assert answer_of(refused.value).json()["resourceType"] == "OperationOutcome"
