"""XML and trees say the same, both ways."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.elements import resource_types
from fhir_server.kernel import wire
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.wire import Tree
from fhir_server.web.xml import tree_of, xml_of
from fhir_server.web.xml_fields import FHIR, table_of
from fhir_server.web.xml_narrative import XHTML
from tests.fhir_server.web.xml_bodies import canonical, xml

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
