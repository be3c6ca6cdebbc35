from __future__ import annotations

import string
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from fhir_server.definitions.elements import resource_types
from fhir_server.kernel import wire
from fhir_server.kernel.errors import FhirError, Malformed, TooLarge, Unprocessable
from fhir_server.kernel.wire import Tree
from fhir_server.web import xml_reader
from fhir_server.web.xml import tree_of, xml_of
from fhir_server.web.xml_fields import FHIR, table_of
from fhir_server.web.xml_narrative import XHTML

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


def xml(inside: str, type: str = "Patient", namespace: str = FHIR) -> bytes:
    return f'<{type} xmlns="{namespace}">{inside}</{type}>'.encode()


# Both ways

PAIRS = [
    pytest.param("", {}, id="a resource of nothing"),
    pytest.param(
        '<id value="a"/><birthDate value="1980-05"/>', {"id": "a", "birthDate": "1980-05"}, id="strings"
    ),
    pytest.param('<active value="true"/>', {"active": True}, id="boolean"),
    pytest.param(
        '<multipleBirthInteger value="-2"/>', {"multipleBirthInteger": -2}, id="integer in a choice"
    ),
    pytest.param(
        '<name><given value="A"/><given value="B"/></name><name><family value="C"/></name>',
        {"name": [{"given": ["A", "B"]}, {"family": "C"}]},
        id="lists",
    ),
    pytest.param(
        '<birthDate id="b" value="1980"><extension url="urn:e"><valueBoolean value="false"/></extension></birthDate>',
        {
            "birthDate": "1980",
            "_birthDate": {"id": "b", "extension": [{"url": "urn:e", "valueBoolean": False}]},
        },
        id="a primitive with an id and an extension",
    ),
    pytest.param(
        '<birthDate><extension url="urn:e"><valueCode value="x"/></extension></birthDate>',
        {"_birthDate": {"extension": [{"url": "urn:e", "valueCode": "x"}]}},
        id="a primitive without a value",
    ),
    pytest.param(
        '<name><given value="A"/><given id="g"/><given value="C" id="h"/><given value="D"/></name>',
        {"name": [{"given": ["A", None, "C", "D"], "_given": [None, {"id": "g"}, {"id": "h"}, None]}]},
        id="a list of primitives, some of them without a value",
    ),
    pytest.param(
        '<name><given id="g"/><given id="h"/></name>',
        {"name": [{"_given": [{"id": "g"}, {"id": "h"}]}]},
        id="a list of primitives, none of them with a value",
    ),
    pytest.param(
        '<extension id="x" url="urn:e"><extension url="f"><valueInteger value="0"/></extension></extension>',
        {"extension": [{"id": "x", "url": "urn:e", "extension": [{"url": "f", "valueInteger": 0}]}]},
        id="extensions inside an extension",
    ),
    pytest.param(
        '<contained><Organization><id value="o"/></Organization></contained>'
        "<contained><Basic></Basic></contained>",
        {"contained": [{"resourceType": "Organization", "id": "o"}, {"resourceType": "Basic"}]},
        id="contained resources",
    ),
    pytest.param(
        f'<text><status value="generated"/><div xmlns="{XHTML}"><p title=\'a"b\'>&quot;<br />&#160;</p></div></text>',
        {
            "text": {
                "status": "generated",
                "div": f'<div xmlns="{XHTML}"><p title=\'a"b\'>&quot;<br />&#160;</p></div>',
            }
        },
        id="narrative, character for character",
    ),
]


@pytest.mark.parametrize(("inside", "tree"), PAIRS)
def test_xml_is_read_as_the_tree_that_json_would_give(inside: str, tree: Tree) -> None:
    assert wire.same(tree_of(xml(inside)), {"resourceType": "Patient", **tree})


@pytest.mark.parametrize(("inside", "tree"), PAIRS)
def test_a_tree_is_written_as_the_xml_that_it_came_from(inside: str, tree: Tree) -> None:
    written = xml_of({"resourceType": "Patient", **tree})

    assert canonical(written) == canonical(xml(inside))


@pytest.mark.parametrize(
    "text", ["1.10", "1.0e-7", "1E+3", "-0", "-0.0", "0", "185", "12345678901234567.890", "9" * 40]
)
def test_a_decimal_keeps_its_digits(text: str) -> None:
    body = xml(f'<valueQuantity><value value="{text}"/></valueQuantity>', "Observation")

    tree = tree_of(body)

    assert wire.encode(tree["valueQuantity"]) == f'{{"value":{text}}}'.encode()
    assert f'<value value="{text}"/>'.encode() in xml_of(tree)


def test_resources_nest_in_a_bundle_and_in_parameters() -> None:
    bundle = xml(
        '<entry><resource><Patient><active value="true"/></Patient></resource></entry>'
        "<entry><response><outcome><OperationOutcome></OperationOutcome></outcome></response></entry>",
        "Bundle",
    )
    parameters = xml(
        '<parameter><name value="a"/><part><name value="b"/><resource><Basic/></resource></part></parameter>',
        "Parameters",
    )

    assert tree_of(bundle)["entry"] == [
        {"resource": {"resourceType": "Patient", "active": True}},
        {"response": {"outcome": {"resourceType": "OperationOutcome"}}},
    ]
    assert tree_of(parameters)["parameter"][0]["part"][0]["resource"] == {"resourceType": "Basic"}
    assert xml_of(tree_of(parameters)).count(b"xmlns") == 1


def test_an_element_named_resource_type_is_not_the_type_of_a_resource() -> None:
    tree = {
        "resourceType": "ExampleScenario",
        "instance": [{"resourceId": "a", "resourceType": "Patient"}],
    }

    assert wire.same(tree_of(xml_of(tree)), tree)


@pytest.mark.parametrize(
    ("inside", "expression"),
    [
        ('<gender value="male"/><active value="true"/>', "Patient.active"),
        ('<name><given value="A"/><family value="B"/></name>', "Patient.name.family"),
        ('<name/><active value="true"/><name/>', "Patient.active"),
    ],
)
def test_elements_in_another_order_than_the_definition_are_refused(inside: str, expression: str) -> None:
    with pytest.raises(Malformed) as caught:
        tree_of(xml(inside))

    assert caught.value.issues[0].expression.replace("[0]", "") == expression


def test_comments_instructions_schema_locations_and_white_space_are_passed_over() -> None:
    body = (
        b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>\n<?style a?><!-- a -->\n'
        b'<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        b' xsi:schemaLocation="http://hl7.org/fhir ../fhir.xsd">\r\n\t<!-- b -->'
        b'<f:active value="true"><!-- c --></f:active><?d e?>\n</f:Patient>\n<!-- f -->'
    )

    assert tree_of(body) == {"resourceType": "Patient", "active": True}


@pytest.mark.parametrize(
    "body",
    [
        f'<Patient xmlns="{FHIR}" xmlns:h="{XHTML}"><text><h:div><h:p id="a">b</h:p>c<h:br/>d</h:div></text></Patient>',
        f'<f:Patient xmlns:f="{FHIR}" xmlns="{XHTML}"><f:text><div><p id="a">b</p>c<br/>d</div></f:text></f:Patient>',
    ],
)
def test_a_narrative_that_leans_on_outer_prefixes_gets_its_own_namespace(body: str) -> None:
    div = tree_of(body.encode())["text"]["div"]

    assert div == f'<div xmlns="{XHTML}"><p id="a">b</p>c<br/>d</div>'


def test_each_narrative_goes_to_its_own_resource() -> None:
    narrative = '<text><div xmlns="http://www.w3.org/1999/xhtml">{}<div>{}</div></div></text>'
    body = xml(
        narrative.format(1, 1) + "<contained><Basic>" + narrative.format(2, 2) + "</Basic></contained>"
    )

    tree = tree_of(body)

    assert "1<div>1" in tree["text"]["div"]
    assert "2<div>2" in tree["contained"][0]["text"]["div"]


def test_pretty_xml_says_the_same_in_lines() -> None:
    tree = {"resourceType": "Patient", "id": "a", "name": [{"given": ["B"]}]}

    assert xml_of(tree, pretty=True).decode().splitlines() == [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<Patient xmlns="http://hl7.org/fhir">',
        '  <id value="a"/>',
        "  <name>",
        '    <given value="B"/>',
        "  </name>",
        "</Patient>",
    ]
    assert tree_of(xml_of(tree, pretty=True)) == tree


def test_twenty_megabytes_in_one_attribute_come_back() -> None:
    tree = {"resourceType": "Binary", "contentType": "application/pdf", "data": "QUJD" * 5_000_000}

    assert tree_of(xml_of(tree)) == tree


def test_every_type_that_a_resource_can_reach_has_a_table() -> None:
    waiting, seen = set(resource_types()), set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        fields = table_of(name).by_tag.values()
        waiting |= {field.type for field in fields if field.kind == "object"} - seen

    assert len(seen) > 650


# Material


def canonical(body: bytes) -> bytes:
    """Canonical XML, comments and white space between FHIR elements aside."""
    root = etree.fromstring(body, etree.XMLParser(remove_comments=True, remove_pis=True))
    root.attrib.pop("{http://www.w3.org/2001/XMLSchema-instance}schemaLocation", "")
    for element in root.iter(f"{{{FHIR}}}*"):
        element.text = (element.text or "").strip()
        for child in element:
            child.tail = (child.tail or "").strip()
    return etree.tostring(root, method="c14n", exclusive=True)


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


# Generated trees

TEXT = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=["Cs"],
        exclude_characters="".join(map(chr, range(32))) + "\ufffe\uffff",
    )
    | st.sampled_from("\t\n\r<>&\"' \x85\u2028"),
    min_size=1,
    max_size=12,
)
NUMBERS = st.integers(-(10**20), 10**20) | st.from_regex(
    r"-?(0|[1-9][0-9]{0,20})\.[0-9]{1,20}", fullmatch=True
).map(wire.number)
IDS = st.text(string.ascii_letters, min_size=1, max_size=5)


def extensions(depth: int = 2) -> st.SearchStrategy[list[Tree]]:
    values: list[st.SearchStrategy[Tree]] = [
        st.fixed_dictionaries({"url": TEXT, "valueString": TEXT}, optional={"id": IDS}),
        st.fixed_dictionaries({"url": TEXT, "valueDecimal": NUMBERS}),
        st.fixed_dictionaries({"url": TEXT, "_valueBoolean": st.fixed_dictionaries({"id": IDS})}),
    ]
    if depth:
        values.append(st.fixed_dictionaries({"url": TEXT, "extension": extensions(depth - 1)}))
    return st.lists(st.one_of(values), min_size=1, max_size=3)


BESIDE: st.SearchStrategy[Tree] = st.fixed_dictionaries({"id": IDS}, optional={"extension": extensions(1)})


@st.composite
def names(draw: st.DrawFn) -> Tree:
    given_names = draw(st.lists(st.tuples(st.none() | TEXT, st.none() | BESIDE), max_size=4))
    given_names = [pair for pair in given_names if pair != (None, None)]
    tree: Tree = {"family": draw(TEXT)}
    if any(value is not None for value, _ in given_names):
        tree["given"] = [value for value, _ in given_names]
    if any(beside is not None for _, beside in given_names):
        tree["_given"] = [beside for _, beside in given_names]
    return tree


def narrative(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")
    return f'<div xmlns="{XHTML}">{escaped}<!-- a --><p title=\'"\'/></div>'


PATIENTS: st.SearchStrategy[Tree] = st.fixed_dictionaries(
    {"resourceType": st.just("Patient")},
    optional={
        "text": st.fixed_dictionaries({"status": st.just("generated"), "div": TEXT.map(narrative)}),
        "name": st.lists(names(), min_size=1, max_size=2),
        "gender": TEXT,
        "_gender": BESIDE,
        "active": st.booleans(),
        "extension": extensions(),
        "multipleBirthInteger": st.integers(-(2**31), 2**31 - 1),
    },
)


@given(PATIENTS, st.booleans())
def test_any_tree_survives_the_way_through_xml(tree: Tree, pretty: bool) -> None:
    assert wire.same(tree_of(xml_of(tree, pretty=pretty)), tree)


@given(
    st.binary(max_size=60)
    | st.text(st.sampled_from("<>/!?[]-=\"' Patientdvxml:#&;"), max_size=60).map(str.encode)
)
def test_any_bytes_are_a_tree_or_a_refusal(body: bytes) -> None:
    for candidate in (body, xml(body.decode("latin-1"))):
        try:
            tree = tree_of(candidate)
        except Malformed:
            continue
        assert tree["resourceType"]


# Bad input

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
