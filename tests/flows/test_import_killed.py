"""Whatever is killed whenever, an import that is run again leaves every resource there exactly once."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.flows.killing import contents_of, counts_at, import_under_fire
from tests.processes import Cordee

SYNTHEA = Path(__file__).parents[2] / "../shared/conformance/synthea"
SMALLER = sorted(SYNTHEA.rglob("*.json.gz"), key=lambda path: (path.stat().st_size, path.name))[:3]

pytestmark = [
    pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for processes in /proc"),
    pytest.mark.xdist_group("killing"),  # each of them fills both cores
]


def bundle_of(number: int, observations: int) -> dict[str, Any]:
    def entry(name: str, resource: dict[str, Any]) -> dict[str, Any]:
        request = {"method": "POST", "url": resource["resourceType"]}
        return {"fullUrl": f"urn:uuid:{number}-{name}", "resource": resource, "request": request}

    about = {"reference": f"urn:uuid:{number}-patient"}
    weights = [
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "subject": about,
            "valueQuantity": {"value": 50 + n, "unit": "kg"},
        }
        for n in range(observations)
    ]
    entries = [entry("patient", {"resourceType": "Patient", "name": [{"family": f"Family {number}"}]})]
    entries += [entry(f"weight-{n}", weight) for n, weight in enumerate(weights)]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve Bundles, each of one patient."""
    made = tmp_path / "bundles"
    made.mkdir()
    for number in range(12):
        (made / f"{number:02}.json").write_text(json.dumps(bundle_of(number, 60)))
    return made


def test_nothing_is_lost_or_doubled_when_the_importer_and_the_server_are_killed(
    folder: Path, data_dir: Path
) -> None:
    story = import_under_fire(folder, data_dir, 20261122, ("importer", "server"))

    assert story.counts == contents_of(folder) == {"Patient": 12, "Observation": 720}
    assert "0 resources loaded" in story.rerun


def test_an_import_of_real_records_into_the_store_itself_may_be_killed_too(
    folder: Path, data_dir: Path
) -> None:
    for path in SMALLER:  # none where the material is not there: the generated ones remain
        (folder / path.name).symlink_to(path.resolve())
    with Cordee("import", "--data-dir", data_dir, folder) as importer:
        time.sleep(random.Random(20261122).uniform(2, 4))
        os.kill(importer.pid, signal.SIGKILL)  # its PostgreSQL stays, and the next one uses it

    with Cordee("import", "--data-dir", data_dir, folder) as importer:
        assert importer.wait() == 0, importer.said

    with Cordee("serve", "--port", "0", "--workers", "1", "--data-dir", data_dir) as server:
        assert counts_at(server.base(), contents_of(folder)) == contents_of(folder)
        assert server.end() == 0
