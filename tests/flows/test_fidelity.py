"""What was stored comes back: every official example by PUT and GET, in JSON and in XML, character for character.

The JSON is compared without our own parser, so that a number or a time that it changed both ways would be noticed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from lxml import etree

ROOT = Path(__file__).parents[2]
MATERIAL = ROOT / "../shared/conformance"
EXAMPLES = sorted((MATERIAL / "r4-examples").glob("*.json"))
XML_FILES = sorted((MATERIAL / "xml").glob("*.xml"))

FHIR = "http://hl7.org/fhir"

# file → status and the place of the first thing that is wrong. docs/conformance.md gives the rule for each.
REFUSED = {
    "ActivityDefinition-blood-tubes-supply.json": (422, "ActivityDefinition.text.div"),
    "DeviceMetric-example.json": (422, "DeviceMetric.parent"),
    "DeviceUseStatement-example.json": (422, "DeviceUseStatement.reasonReference[0]"),
    "EventDefinition-example.json": (422, "EventDefinition.text.div"),
    "Questionnaire-zika-virus-exposure-assessment.json": (422, "Questionnaire.text.div"),
}
REFUSED_XML = {
    "myconsent-ext.xml": (400, "StructureDefinition"),
    "observation-example.xml": (400, "Observation.extension[0]"),
}

Serve = Callable[..., Any]

needs_material = pytest.mark.skipif(not EXAMPLES, reason="needs the material of ../shared/conformance")


def spoken(body: bytes) -> str:
    """JSON with its keys in order and its numbers as they are written, without what the server may set."""
    tree = json.loads(body, parse_float=_written, parse_int=_written)
    meta = tree.get("meta", {})
    for stamp in ("versionId", "lastUpdated"):
        meta.pop(stamp, None)
    if not meta:
        tree.pop("meta", None)
    return json.dumps(tree, ensure_ascii=False)


def _written(digits: str) -> dict[str, str]:
    return {"a number": digits}


def canonical(body: bytes) -> bytes:
    """Canonical XML without comments, white space between elements, and what the server may set."""
    root = etree.fromstring(body, etree.XMLParser(remove_comments=True, remove_pis=True))
    root.attrib.pop("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "")
    for element in root.iter(f"{{{FHIR}}}*"):
        element.text = (element.text or "").strip()
        for child in element:
            child.tail = (child.tail or "").strip()
    meta = root.find(f"{{{FHIR}}}meta")
    if meta is not None:
        for child in list(meta):
            if child.tag in {f"{{{FHIR}}}versionId", f"{{{FHIR}}}lastUpdated"}:
                meta.remove(child)
        if not len(meta):
            root.remove(meta)
    return etree.tostring(root, method="c14n", exclusive=True)


def first_issue(response: httpx.Response) -> tuple[int, str]:
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    return response.status_code, outcome["issue"][0].get("expression", [""])[0]


@needs_material
async def test_every_official_example_comes_back_as_it_was_sent(serve: Serve) -> None:
    client = await serve(references="off")
    changed, refused = [], {}

    for file in EXAMPLES:
        sent = file.read_bytes()
        tree = json.loads(sent)
        address = f"{tree['resourceType']}/{tree['id']}"
        headers = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
        answer = await client.put(address, content=sent, headers=headers)
        if answer.status_code not in {200, 201}:
            refused[file.name] = first_issue(answer)
            continue
        read = await client.get(address, headers=headers)
        if not spoken(answer.content) == spoken(read.content) == spoken(sent):
            changed.append(file.name)

    assert changed == []
    assert refused == REFUSED


@needs_material
async def test_every_official_xml_file_comes_back_as_the_same_canonical_xml(serve: Serve) -> None:
    client = await serve(references="off")
    changed, refused = [], {}

    for file in XML_FILES:
        sent = file.read_bytes()
        root = etree.fromstring(sent)
        identity = root.find(f"{{{FHIR}}}id")
        assert identity is not None
        address = f"{etree.QName(root).localname}/{identity.get('value')}"
        answer = await client.put(address, content=sent, headers={"Content-Type": "application/fhir+xml"})
        if answer.status_code not in {200, 201}:
            refused[file.name] = first_issue(answer)
            continue
        read = await client.get(address, headers={"Accept": "application/fhir+xml"})
        if canonical(read.content) != canonical(sent):
            changed.append(file.name)

    assert changed == []
    assert refused == REFUSED_XML


def test_the_page_on_fidelity_names_every_refused_file() -> None:
    page = (ROOT / "docs/conformance.md").read_text()

    named = set(re.findall(r"^\| `([^`]+\.(?:json|xml))` \|", page, re.MULTILINE))

    assert named == {*REFUSED, *REFUSED_XML}
