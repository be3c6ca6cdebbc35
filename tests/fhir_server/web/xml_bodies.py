"""Resources in XML, of which a test says the inside; and when two of them are the same."""

from __future__ import annotations

from lxml import etree

from fhir_server.web.xml_fields import FHIR


def xml(inside: str, type: str = "Patient", namespace: str = FHIR) -> bytes:
    return f'<{type} xmlns="{namespace}">{inside}</{type}>'.encode()


def canonical(body: bytes) -> bytes:
    """Canonical XML, comments and white space between FHIR elements aside."""
    root = etree.fromstring(body, etree.XMLParser(remove_comments=True, remove_pis=True))
    root.attrib.pop("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "")
    for element in root.iter(f"{{{FHIR}}}*"):
        element.text = (element.text or "").strip()
        for child in element:
            child.tail = (child.tail or "").strip()
    return etree.tostring(root, method="c14n", exclusive=True)
