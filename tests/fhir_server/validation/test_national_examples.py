"""Examples of the French guides, by the official definitions."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from fhir_server.definitions.packaged import SHIPPED
from fhir_server.kernel.wire import decode
from fhir_server.validation.judge import judge
from fhir_server.validation.world import Options, World
from profiles.registry import Entry, Registry
from terminology.codes import KnownCodes
from terminology.stock import stock_of

OFFICIAL = Path(__file__).parents[4] / "shared/fhir-fr"


# Examples that the publishers' own definitions refuse, each for a reason that was looked at: see docs/conformance.md.
REFUSED = {
    "annuaire/Organization-158480", "annuaire/Organization-example-organization-fictive",
    "annuaire/Organization-example-organization-nancy", "annuaire/Person-pp19dr-person",
    "annuaire/Practitioner-334081", "cdl/Bundle-cdl-bundle-creation-note", "cds/CareTeam-cds-careteam-example",
    "cds/Organization-cds-organization-example", "cds/Patient-cds-patient-example",
    "fr-core-2.1.0/Patient-ExampleFRCorePatient001", "nde/CommunicationRequest-com1", "nde/Subscription-sub1",
    "pdsm/Bundle-bundle-exemple-comprehensiveprovidedocument-replace",
    "pdsm/DocumentReference-PDSmSimplifiedExample", "pdsm/DocumentReference-doc-old",
    "pdsm/Organization-org-example", "pdsm4dmp/Bundle-example-td2-1-remplacement",
    "pdsm4dmp/Bundle-example-td2-iti65-lot-soumission", "pdsm4dmp/DocumentReference-doc-x-id",
    "pdsm4dmp/DocumentReference-example-annexe-docref-fhir",
    "pdsm4dmp/DocumentReference-example-td2-iti105-publication-simplifiee",
    "pdsm4dmp/DocumentReference-example-td3-1a-cr-consultation",
}  # fmt: skip


@pytest.fixture(scope="module")
def official() -> World:
    if not OFFICIAL.is_dir():
        pytest.skip("the official French definitions are not here")
    found = []
    for path in sorted(OFFICIAL.glob("definitions/*/*.json")):
        body = path.read_bytes()
        tree = orjson.loads(body)
        if "url" in tree:
            kind, version = tree["resourceType"], tree.get("version", "")
            found.append(
                Entry(kind, tree["url"], version, tree["id"], path.parent.name, lambda body=body: body)
            )
    core = [one for one in SHIPPED.entries() if one.package.startswith("hl7.fhir.r4.core")]
    registry = Registry([core, found])
    return World(registry, KnownCodes(stock_of(registry)), options=Options(best_practice="ignore"))


def test_every_national_example_gets_the_verdict_of_the_national_definitions(official: World) -> None:
    refused = set()
    for path in sorted(OFFICIAL.glob("examples/*/*.json")):
        issues = judge(decode(path.read_bytes()), official)
        if any(one.severity == "error" for one in issues):
            refused.add(f"{path.parent.name}/{path.stem}")

    assert refused == REFUSED
