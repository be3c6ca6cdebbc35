"""XML that is refused: with its place, in time, and without what it said."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fhir_server.kernel import wire
from fhir_server.kernel.errors import FhirError, Malformed, TooLarge, Unprocessable
from fhir_server.kernel.wire import Tree
from fhir_server.web import xml_reader
from fhir_server.web.xml import tree_of, xml_of
from fhir_server.web.xml_fields import FHIR
from fhir_server.web.xml_narrative import XHTML
from tests.fhir_server.web.xml_bodies import xml

LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))
SECRET = "Dupont"


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("body", "expression"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b" \n", "", id="blank"),
        pytest.param(b"Dupont", "", id="not XML"),
        pytest.param(b'{"resourceType": "Patient"}', "", id="JSON"),
        pytest.param(
            f'<!DOCTYPE a [<!ENTITY l0 "l">{LAUGHS}]>'.encode() + xml("&l12;"), "", id="billion laughs"
        ),
        pytest.param(b'<!DOCTYPE a SYSTEM "file:///etc/passwd">' + xml(""), "", id="external subset"),
        pytest.param(
            b'<?xml version="1.0"?><!--a--><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            + xml('<birthDate value="&x;"/>'),
            "",
            id="external entity",
        ),
        pytest.param(b"<!DOCTYPE html>" + xml(""), "", id="document type alone"),
        pytest.param(xml(f'<birthDate value="&{SECRET};"/>'), "", id="unknown entity"),
        pytest.param(xml(f'<text><div xmlns="{XHTML}">&nbsp;</div></text>'), "", id="HTML entity"),
        pytest.param(xml("", namespace="urn:other"), "", id="other namespace"),
        pytest.param(b"<Patient/>", "", id="no namespace"),
        pytest.param(xml("", "Dupont"), "", id="unknown resource type"),
        pytest.param(xml("", "DomainResource"), "", id="abstract resource type"),
        pytest.param(xml('<name><family value="Dupont"/>')[:60], "", id="truncated"),
        pytest.param(xml("<name></family>"), "", id="wrong end"),
        pytest.param(xml("") + xml(""), "", id="two roots"),
        pytest.param(xml('<gender value="\xe9"/>').decode().encode("latin-1"), "", id="not UTF-8"),
        pytest.param(
            b'<?xml version="1.0" encoding="ISO-8859-1"?>' + xml(""),
            "",
            id="another encoding declared",
        ),
        pytest.param(xml("").decode().encode("utf-16"), "", id="UTF-16"),
        pytest.param(xml("").decode().encode("utf-16-le"), "", id="UTF-16 without mark"),
        pytest.param(xml("").decode().encode("utf-32"), "", id="UTF-32"),
        pytest.param(xml('<gender value="Dupont\0"/>'), "", id="NUL"),
        pytest.param(xml('<gender value="&#0;"/>'), "", id="NUL as a reference"),
        pytest.param(xml('<gender value="\x01"/>'), "", id="control character"),
        pytest.param(b"<a>" * 10_000 + b"</a>" * 10_000, "", id="10 000 deep, unknown"),
        pytest.param(
            xml('<extension url="a">' * 10_000 + "</extension>" * 10_000), "", id="10 000 deep in extensions"
        ),
        pytest.param(
            xml(f'<text><div xmlns="{XHTML}">' + "<b>" * 10_000 + "</b>" * 10_000 + "</div></text>"),
            "",
            id="10 000 deep in a narrative",
        ),
        pytest.param(xml("<Dupont/>"), "Patient", id="unknown element"),
        pytest.param(
            xml('<name><given value="a"/></name><name><Dupont/></name>'),
            "Patient.name[1]",
            id="unknown inside",
        ),
        pytest.param(xml('<a:name xmlns:a="urn:a"/>'), "Patient", id="element of another namespace"),
        pytest.param(xml("<a:name/>"), "Patient", id="prefix without declaration"),
        pytest.param(
            xml(f'<text><div xmlns="{XHTML}"><h:Dupont/></div></text>'),
            "",
            id="prefix in a narrative",
        ),
        pytest.param(
            xml(f'<text><div xmlns="{XHTML}"><p h:Dupont="a"/></div></text>'),
            "",
            id="prefix of an attribute",
        ),
        pytest.param(
            xml(f'<text><div xmlns="{XHTML}" h:Dupont="a"/></text>'),
            "",
            id="prefix on the div itself",
        ),
        pytest.param(
            xml(f'<text><div xmlns="{XHTML}"><h:/></div></text>'), "Patient.text", id="prefix without a name"
        ),
        pytest.param(
            xml(f'<text><div xmlns="{XHTML}" h:="a"/></text>'),
            "Patient.text",
            id="prefix without a name, of an attribute",
        ),
        pytest.param(xml('<gender h:value="a"/>'), "", id="prefix of a value"),
        pytest.param(xml('<gender value="a" Dupont="b"/>'), "Patient.gender", id="unknown attribute"),
        pytest.param(xml('<name value="a"/>'), "Patient.name[0]", id="value of an object"),
        pytest.param(xml('<name xml:lang="fr"/>'), "Patient.name[0]", id="xml:lang"),
        pytest.param(
            f'<Patient xmlns="{FHIR}" id="a"/>'.encode(), "Patient", id="id as an attribute of a resource"
        ),
        pytest.param(xml('<gender value="a"/><gender value="b"/>'), "Patient.gender", id="repeated scalar"),
        pytest.param(
            xml('<birthDate id="a"/><birthDate value="b"/>'), "Patient.birthDate", id="repeated without value"
        ),
        pytest.param(xml("<text/><text/>"), "Patient.text", id="repeated object"),
        pytest.param(
            xml(f'<text><div xmlns="{XHTML}"/><div xmlns="{XHTML}"/></text>'),
            "Patient.text.div",
            id="two divs",
        ),
        pytest.param(xml("<gender/>"), "Patient.gender", id="nothing"),
        pytest.param(
            xml('<name><given value="a"/><given/></name>'), "Patient.name[0].given[1]", id="nothing in a list"
        ),
        pytest.param(xml("Dupont"), "Patient", id="text in a resource"),
        pytest.param(xml("<gender>Dupont</gender>"), "Patient.gender", id="text in a primitive"),
        pytest.param(xml("<text><div>a</div></text>"), "Patient.text", id="narrative without its namespace"),
        pytest.param(xml('<active value="True"/>'), "Patient.active", id="boolean"),
        pytest.param(xml('<active value="1"/>'), "Patient.active", id="boolean as a number"),
        pytest.param(xml('<multipleBirthInteger value="01"/>'), "Patient.multipleBirth", id="leading zero"),
        pytest.param(xml('<multipleBirthInteger value="+1"/>'), "Patient.multipleBirth", id="plus"),
        pytest.param(
            xml('<multipleBirthInteger value="1.0"/>'), "Patient.multipleBirth", id="integer with a point"
        ),
        pytest.param(
            xml('<multipleBirthInteger value="١"/>'), "Patient.multipleBirth", id="digit of another script"
        ),
        pytest.param(
            xml(f'<multipleBirthInteger value="{"9" * 9999}"/>'), "Patient.multipleBirth", id="huge integer"
        ),
        pytest.param(
            xml('<component><valueQuantity><value value="1,5"/></valueQuantity></component>', "Observation"),
            "Observation.component[0].value.value",
            id="decimal comma",
        ),
        pytest.param(
            xml('<valueQuantity><value value="NaN"/></valueQuantity>', "Observation"),
            "Observation.value.value",
            id="not a number",
        ),
        pytest.param(
            xml(f'<valueQuantity><value value="{"9" * 9999}"/></valueQuantity>', "Observation"),
            "Observation.value.value",
            id="huge decimal",
        ),
        pytest.param(xml("<contained/>"), "Patient.contained[0]", id="contained nothing"),
        pytest.param(
            xml("<contained><Basic/><Basic/></contained>"), "Patient.contained[0]", id="contained two"
        ),
        pytest.param(xml("<contained><Dupont/></contained>"), "Patient.contained[0]", id="contained unknown"),
        pytest.param(
            xml(
                "<entry><link/></entry><entry><resource><Patient><Dupont/></Patient></resource></entry>",
                "Bundle",
            ),
            "Bundle.entry[1].resource",
            id="unknown in an entry",
        ),
    ],
)
def test_bad_input_is_refused_with_its_place_and_without_its_content(body: bytes, expression: str) -> None:
    started = time.monotonic()
    with pytest.raises(FhirError) as caught:
        tree_of(body)

    issue = caught.value.issues[0]
    assert caught.value.status == 400
    assert issue.expression == expression
    assert SECRET not in issue.text
    assert time.monotonic() - started < 2


def test_a_misspelt_element_is_answered_with_the_name_that_was_meant() -> None:
    with pytest.raises(Malformed, match="Did you mean 'family'"):
        tree_of(xml('<name><familly value="a"/></name>'))


def test_a_body_above_the_limit_is_too_large() -> None:
    with pytest.raises(TooLarge):
        tree_of(xml(""), max_bytes=10)
    with pytest.raises(TooLarge):
        tree_of(b" " * 50_000_001)


def test_a_body_of_too_many_elements_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_reader, "MAX_ELEMENTS", 3)

    assert tree_of(xml('<id value="a"/><active value="true"/>'))["id"] == "a"
    with pytest.raises(TooLarge):
        tree_of(xml('<id value="a"/><active value="true"/><gender value="male"/>'))


def test_a_tree_as_deep_as_json_allows_goes_both_ways_and_one_deeper_does_not() -> None:
    def nested(levels: int) -> Tree:
        tree: dict[str, Any] = {"url": "a", "valueString": "b"}
        for _ in range(levels):
            tree = {"url": "a", "extension": [tree]}
        return {"resourceType": "Patient", "extension": [tree]}

    def assigned(levels: int) -> Tree:  # the one nesting without lists
        tree: Tree = {"value": "a"}
        for _ in range(levels):
            tree = {"assigner": {"identifier": tree}}
        return {"resourceType": "Patient", "managingOrganization": {"identifier": tree}}

    longest = (wire.MAX_DEPTH - 3) // 2
    assert wire.decode(wire.encode(assigned(longest))) == tree_of(xml_of(assigned(longest)))

    deepest = (wire.MAX_DEPTH - 3) // 2
    assert wire.decode(wire.encode(nested(deepest))) == tree_of(xml_of(nested(deepest)))
    with pytest.raises(Malformed, match="200 levels"):
        tree_of(xml_of(nested(deepest + 1)))


@pytest.mark.parametrize(
    ("tree", "expression"),
    [
        ({}, ""),
        ({"resourceType": "Unknown"}, "Unknown"),
        ({"resourceType": ["Patient"]}, ""),
        ({"resourceType": "Bundle", "entry": [{"resource": "a"}]}, "Bundle.entry[0].resource"),
        ({"resourceType": "Patient", "unknown": 1}, "Patient"),
        ({"resourceType": "Patient", "gender": "a\x01"}, "Patient.gender"),
        ({"resourceType": "Patient", "gender": "\ud800"}, "Patient.gender"),
        ({"resourceType": "Patient", "gender": {"a": 1}}, "Patient.gender"),
        ({"resourceType": "Patient", "gender": None}, "Patient.gender"),
        ({"resourceType": "Patient", "name": {"family": "a"}}, "Patient.name"),
        ({"resourceType": "Patient", "name": ["a"]}, "Patient.name[0]"),
        ({"resourceType": "Patient", "name": [{}, {"given": ["a", "\uffff"]}]}, "Patient.name[1].given[1]"),
        ({"resourceType": "Patient", "name": [{"given": [None]}]}, "Patient.name[0].given[0]"),
        ({"resourceType": "Patient", "extension": [{"url": 1.5}]}, "Patient.extension[0]"),
        ({"resourceType": "Patient", "contained": [{"id": "a"}]}, "Patient.contained[0]"),
        (
            {"resourceType": "Patient", "contained": [{"resourceType": "Basic", "a": 1}]},
            "Patient.contained[0]",
        ),
        ({"resourceType": "Patient", "text": {"div": "<div>&bad;</div>"}}, "Patient.text.div"),
        ({"resourceType": "Patient", "text": {"div": 1}}, "Patient.text.div"),
    ],
)
def test_what_xml_cannot_say_is_refused_with_its_place(tree: Tree, expression: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        xml_of(tree)

    assert caught.value.issues[0].expression == expression
