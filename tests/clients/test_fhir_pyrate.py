"""fhir-pyrate (https://github.com/UMEssen/FHIR-PYrate), which reads a server into tables of pandas, as it is.

It only reads. It speaks of errors in its log and goes on without what it did not get.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

BLOOD_PRESSURE = "http://loinc.org|85354-9"

pytestmark = pytest.mark.xdist_group("clients")  # one server for all of them


@pytest.fixture(scope="session")
def pyrate() -> Any:
    """The package, imported here: it gives the root logger a handler where there is none, and warnings to the log."""
    import fhir_pyrate

    logging.captureWarnings(False)
    return fhir_pyrate


@pytest.fixture
def pirate(pyrate: Any, base: str) -> Iterator[Any]:
    with pyrate.Pirate(base, auth=None) as opened:
        yield opened


def ids(bundles: Any) -> list[str]:
    return [entry.resource.id for bundle in bundles for entry in bundle.entry or []]


def test_bundles_are_followed_to_the_last_page(pirate: Any) -> None:
    wanted = {"patient": "Patient/payet", "_sort": "-date,_id"}

    whole = ids(pirate.steal_bundles("Observation", request_params=wanted))
    bundles = list(pirate.steal_bundles("Observation", request_params={**wanted, "_count": 2}))

    assert len(whole) == 7
    assert ids(bundles) == whole
    assert len(bundles) == 4


def test_the_total_is_that_of_the_matches(pirate: Any) -> None:
    wanted = {"patient": "Patient/payet", "code": BLOOD_PRESSURE, "_include": "Observation:subject"}
    assert pirate.get_bundle_total("Observation", request_params=wanted) == 5


def test_a_table_is_made_of_fhirpath_expressions(pirate: Any) -> None:
    table = pirate.steal_bundles_to_dataframe(
        "Observation",
        request_params={
            "patient.family": "payet",
            "code": BLOOD_PRESSURE,
            "component-code-value-quantity": "http://loinc.org|8480-6$ge150",
            "_sort": "date",
            "_count": 2,
        },
        fhir_paths=[
            ("id", "Observation.id"),
            ("systolic", "Observation.component.where(code.coding.code = '8480-6').valueQuantity.value"),
        ],
    )

    assert list(table["id"]) == ["payet-tension-1", "payet-tension-2"]
    assert list(table["systolic"]) == [172, 158]


def test_included_resources_get_a_table_of_their_own(pirate: Any) -> None:
    tables = pirate.steal_bundles_to_dataframe(
        "CarePlan",
        request_params={"subject": "Patient/payet", "_include": ["CarePlan:goal", "CarePlan:subject"]},
    )

    assert {kind: len(table) for kind, table in tables.items()} == {"CarePlan": 1, "Goal": 5, "Patient": 1}


def test_each_row_of_a_table_is_a_search(pirate: Any) -> None:
    patients = pirate.steal_bundles_to_dataframe(
        "Patient", request_params={"family": "payet"}, fhir_paths=[("patient", "Patient.id")]
    )
    measures = pirate.trade_rows_for_dataframe(
        patients,
        "Observation",
        df_constraints={"patient": "patient"},
        request_params={"_sort": "date", "_count": 3},
        fhir_paths=[("measure", "Observation.id")],
    )

    assert len(measures) == len(set(measures["measure"])) == 7
    assert set(measures["patient"]) == {"payet"}


def test_a_stretch_of_time_is_sailed_through_in_parts(pirate: Any) -> None:
    """It writes dates to the minute and without a time zone."""
    found = pirate.sail_through_search_space(
        "Observation",
        time_attribute_name="date",
        date_init="2026-06-20",
        date_end="2026-09-01",
        request_params={"code": BLOOD_PRESSURE, "_sort": "date"},
    )

    assert ids(found) == ["payet-tension-2", "payet-tension-3", "payet-tension-4"]


def test_the_history_and_one_resource_read_like_bundles(pirate: Any) -> None:
    assert ids(pirate.steal_bundles("Patient", request_params={"history": "payet"})) == ["payet"]
    assert ids(pirate.steal_bundles("Patient", request_params={"_id": "payet"})) == ["payet"]


def test_a_search_that_is_refused_ends_in_the_log(pirate: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert ids(pirate.steal_bundles("Observation", request_params={"date": "yesterday"})) == []
    assert "400 Client Error" in caplog.text
