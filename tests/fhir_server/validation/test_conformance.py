"""The validator against what nobody here wrote: official examples, the reference validator's cases, Synthea."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.structure import is_sound
from fhir_server.validation.validator import check, check_shell
from fhir_server.validation.walk import walk

SHARED = Path(__file__).parents[3].parent / "shared/conformance"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/conformance is not there")

# Official examples that R4 itself refuses, with the place and the rule. docs/conformance.md quotes the sentences.
REFUSED_EXAMPLES = {
    "ActivityDefinition-blood-tubes-supply.json": ("ActivityDefinition.text.div", "txt-2"),
    "DeviceMetric-example.json": ("DeviceMetric.parent", "may point to Device only"),
    "DeviceUseStatement-example.json": ("DeviceUseStatement.reasonReference[0]", "may point to Condition or"),
    "EventDefinition-example.json": ("EventDefinition.text.div", "txt-2"),
    "Questionnaire-zika-virus-exposure-assessment.json": ("Questionnaire.text.div", "txt-2"),
}
# The reference validator takes it with an option that leaves contained resources unread.
TAKEN_BY_OPTION = {"contained-resource.json"}
# Cases whose errors are those of structure, which this validator knows: it must find some, too.
REFUSED_CASES = {
    "Observation-ex-pain.json",
    "ai4.json",
    "ai8.json",
    "attachment-with-invalid-binary.json",
    "bundle-ea-testcase.json",
    "bundle-sig-2.json",
    "mr-covid-m.json",
    "mr-covid-m3.json",
    "obs-unit-profile.json",
    "pat-security-bad-xhtml.json",
    "patient-id-bad-1.json",
    "patient-id-bad-2.json",
    "patient-id-bad-3.json",
    "resource-invalid-id-2.json",
    "synthea.json",
    "versioned-extension.json",
}


def files(pattern: str) -> list[Path]:
    return sorted(SHARED.glob(pattern))


def entries_of(path: Path) -> tuple[Tree, list[Tree]]:
    bundle = decode(gzip.decompress(path.read_bytes()))
    return bundle, [entry["resource"] for entry in bundle["entry"]]


def test_official_examples_are_taken_but_for_those_that_r4_refuses() -> None:
    refused = {}
    for path in files("r4-examples/*.json"):
        tree = decode(path.read_bytes())
        issues = check(tree)
        assert is_sound(tree) == (not list(walk(tree))), path.name
        if issues:
            refused[path.name] = issues

    assert refused.keys() == REFUSED_EXAMPLES.keys()
    for name, (place, rule) in REFUSED_EXAMPLES.items():
        assert [issue.expression for issue in refused[name]] == [place]
        assert rule in refused[name][0].text


def test_the_cases_of_the_reference_validator_are_judged_alike_in_what_both_judge() -> None:
    cases = {
        case["file"]: case["errors"] for case in json.loads((SHARED / "validator/index.json").read_bytes())
    }
    refused = set()
    for name, errors in cases.items():
        if not name.endswith(".json"):
            continue
        try:
            tree = decode((SHARED / "validator" / name).read_bytes())
        except Malformed:
            assert errors, name
            continue
        issues = check(tree)
        assert is_sound(tree) == (not list(walk(tree))), name
        if issues:
            refused.add(name)
            assert errors or name in TAKEN_BY_OPTION, (name, issues)

    assert refused == REFUSED_CASES | TAKEN_BY_OPTION


@pytest.mark.parametrize("folder", ["generated-es", "generated-us", "smart-sample"])
def test_synthetic_records_are_taken_whole(folder: str) -> None:
    for path in files(f"synthea/{folder}/*.json.gz")[::10]:
        bundle, resources = entries_of(path)

        assert check_shell(bundle) == []
        assert [issue for resource in resources for issue in check(resource)] == []
