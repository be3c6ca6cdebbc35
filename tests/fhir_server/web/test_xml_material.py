"""XML and JSON of the same resources, as the publishers of FHIR have written them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from fhir_server.kernel import wire
from fhir_server.kernel.errors import FhirError, Malformed
from fhir_server.web.xml import tree_of, xml_of
from tests.fhir_server.web.xml_bodies import canonical

CONFORMANCE = Path(__file__).parents[3] / "../shared/conformance"
EXAMPLES = sorted((CONFORMANCE / "r4-examples").glob("*.json"))
XML_FILES = sorted((CONFORMANCE / "xml").glob("*.xml"))
CASES = sorted((CONFORMANCE / "validator").glob("*.xml"))
needs_material = pytest.mark.skipif(not EXAMPLES, reason="the shared conformance material is absent")

# What is wrong with a file of the material, and not with us.
REFUSED = {
    "myconsent-ext.xml": "StructureDefinition",  # STU3: R4 has no StructureDefinition.contextType
    "observation-example.xml": "Observation.extension[0]",  # it stands behind `status`
}
OTHER_INSTANCE = {
    "codesystem-example.xml",  # the JSON has a narrative, and runs of spaces come out as one
    "observation-decimal.xml",  # the JSON writes other digits: 1.0 for 1.0e0, 1E-22 for 0.000…1
}


@needs_material
@pytest.mark.parametrize("pretty", [False, True])
def test_every_official_example_survives_the_way_through_xml(pretty: bool) -> None:
    lost = []
    for file in EXAMPLES:
        tree = wire.decode(file.read_bytes())
        if not wire.same(tree_of(xml_of(tree, pretty=pretty)), tree):
            lost.append(file.name)

    assert lost == []


@needs_material
@pytest.mark.parametrize("file", XML_FILES, ids=lambda file: file.name)
def test_official_xml_comes_back_as_the_same_canonical_xml(file: Path) -> None:
    body = file.read_bytes()
    if file.name in REFUSED:
        with pytest.raises(Malformed) as caught:
            tree_of(body)
        assert caught.value.issues[0].expression == REFUSED[file.name]
        return

    assert canonical(xml_of(tree_of(body))) == canonical(body)


@needs_material
@pytest.mark.parametrize("file", CASES, ids=lambda file: file.name)
def test_whatever_is_in_the_file_it_is_a_tree_or_refused(file: Path) -> None:
    with suppress(FhirError):
        tree_of(file.read_bytes())


@needs_material
@pytest.mark.parametrize(
    "file",
    [file for file in XML_FILES if file.with_suffix(".json").exists() and file.name not in REFUSED],
    ids=lambda file: file.name,
)
def test_official_xml_and_json_of_one_instance_are_one_tree(file: Path) -> None:
    expected = wire.decode(file.with_suffix(".json").read_bytes())

    same = wire.same(tree_of(file.read_bytes()), expected)

    assert same is (file.name not in OTHER_INSTANCE)
