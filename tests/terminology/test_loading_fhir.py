"""CodeSystems of FHIR in JSON and XML, Bundles of them, and the tables of the NOS."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminology.loading import fhir_json, fhir_xml
from terminology.loading.archives import Source, source_of
from terminology.loading.json_stream import Stream
from terminology.loading.release import Position, Release, Unloadable, Wanted
from tests.releases import entries_of, folder

NOTHING = Wanted()
NESTED: list[dict[str, Any]] = [
    {
        "code": "a",
        "display": 'A "quoted" {é}',
        "designation": [{"language": "fr", "value": "À"}],
        "concept": [
            {"code": "b", "concept": [{"code": "c", "property": [{"code": "n", "valueInteger": 3}]}]}
        ],
    },
    {"code": "d"},
]
TREE: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": "https://example.org/cs",
    "version": "1",
    "text": {"status": "generated", "div": "<div/>"},
    "content": "complete",
    "concept": NESTED,
}


def source(path: Path, text: str | bytes, name: str = "cs.json") -> Source:
    return source_of(folder(path, {name: text}))


def released(path: Path, tree: Any, wanted: Wanted = NOTHING, **style: Any) -> list[Release]:
    return list(fhir_json.read(source(path, json.dumps(tree, **style)), "cs.json", wanted))


@pytest.mark.parametrize("indent", [None, 2])
def test_concepts_come_one_by_one_each_after_the_one_it_is_nested_in(
    tmp_path: Path, indent: int | None
) -> None:
    (found,) = released(tmp_path, TREE, indent=indent)

    assert found.head == {key: TREE[key] for key in ("resourceType", "url", "version", "content")}
    assert [(one.tree["code"], one.inside) for one in found.entries()] == [
        ("a", None),
        ("b", 0),
        ("c", 1),
        ("d", None),
    ]
    assert found.total == 4
    first = entries_of(found)["a"].tree
    assert first == {key: value for key, value in NESTED[0].items() if key != "concept"}


def test_what_follows_nested_concepts_is_read_too(tmp_path: Path) -> None:
    tree = {**TREE, "concept": [{"concept": [{"code": "b"}], "code": "a"}]}

    (found,) = released(tmp_path, tree)

    assert [(one.tree["code"], one.inside) for one in found.entries()] == [("a", None), ("b", 0)]


class Dribble(io.BytesIO):
    """A file that comes in small pieces."""

    def __init__(self, data: bytes, piece: int) -> None:
        super().__init__(data)
        self._piece = piece

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._piece)


concepts: st.SearchStrategy[Any] = st.recursive(
    st.builds(lambda code, display: {"code": code, "display": display}, st.text(), st.text(max_size=20)),
    lambda inner: st.builds(
        lambda code, listed: {"code": code, "concept": listed}, st.text(), st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(concepts, max_size=3), st.integers(1, 40))
def test_the_stream_reads_what_a_parser_reads_however_it_is_cut(listed: list[Any], chunk: int) -> None:
    tree = {**TREE, "concept": listed, "date": "2024"}

    head, total = Stream(Dribble(orjson.dumps(tree), chunk)).survey()
    entries = list(Stream(Dribble(orjson.dumps(tree), chunk)).entries())

    assert head == {key: value for key, value in tree.items() if key != "concept"}
    assert total == len(entries)
    assert entries == list(fhir_json.nested(tree))


def test_a_bundle_holds_several_and_those_without_concepts_are_passed_over(tmp_path: Path) -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": TREE},
            {"resource": {**TREE, "url": "https://example.org/other"}},
            {"resource": {**TREE, "content": "not-present"}},
            {"resource": {"resourceType": "ValueSet"}},
        ],
    }

    found = released(tmp_path, bundle)

    assert [one.url for one in found] == ["https://example.org/cs", "https://example.org/other"]
    assert len({one.sha256 for one in found}) == 2


def test_url_and_version_may_be_given(tmp_path: Path) -> None:
    (found,) = released(tmp_path, TREE, Wanted("https://example.org/mine", "9"))

    assert (found.url, found.version) == ("https://example.org/mine", "9")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (json.dumps({**TREE, "content": "supplement"}), "Its content is 'supplement'"),
        (json.dumps({**TREE, "url": None}), "--url says it"),
        (json.dumps({**TREE, "resourceType": "ValueSet"}), "It is no CodeSystem"),
        (json.dumps({**TREE, "property": [1]}), "CodeSystem.property"),
        (json.dumps(TREE, indent=1)[:-5], r"cs.json, line \d\d: The text ends too early"),
        (json.dumps(TREE, indent=1).replace('"code": "b"', '"code" "b"'), "line 22: ':' was expected"),
        (json.dumps(TREE, indent=1).replace('"code": "d"', '"code": nothing'), "not JSON"),
        (json.dumps(TREE) + "{}", "Something follows"),
        ("[]", "'{' was expected"),
        ('{"concept": [1]}', "A concept was expected"),
        ('{"concept": {}}', r"'\[' was expected"),
        ('{"concept":' * 150, r"'\[' was expected"),
        ('{"concept":[' * 150, "nest more than 100 deep"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(Unloadable, match=reason):
        list(fhir_json.read(source(tmp_path, text), "cs.json", Wanted()))


def test_a_text_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    with pytest.raises(Unloadable, match="has no end"):
        list(fhir_json.read(source(tmp_path, '{"url": "' + "x" * 3_000_000), "cs.json", Wanted()))


XML = """\
<?xml version="1.0"?>
<CodeSystem xmlns="http://hl7.org/fhir">
  <text><status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml">x</div></text>
  <url value="https://example.org/cs"/>
  <version value="1"/>
  <caseSensitive value="true"/>
  <content value="complete"/>
  <property><code value="n"/><type value="integer"/></property>
  <concept>
    <code value="a"/>
    <designation><language value="fr"/><use><system value="s"/><code value="u"/></use><value value="À"/></designation>
    <property><code value="n"/><valueInteger value="3"/></property>
    <concept><code value="b"/><property><code value="x"/><valueBoolean value="true"/></property></concept>
  </concept>
</CodeSystem>
"""


def test_xml_says_the_same_as_json(tmp_path: Path) -> None:
    (found,) = fhir_xml.read(source(tmp_path, XML, "cs.xml"), "cs.xml", Wanted())

    assert found.head == {
        "resourceType": "CodeSystem",
        "url": "https://example.org/cs",
        "version": "1",
        "caseSensitive": True,
        "content": "complete",
        "property": [{"code": "n", "type": "integer"}],
    }
    a, b = found.entries()
    assert a.tree["designation"] == [{"language": "fr", "use": {"system": "s", "code": "u"}, "value": "À"}]
    assert a.tree["property"] == [{"code": "n", "valueInteger": 3}]
    assert (b.tree, b.inside) == ({"code": "b", "property": [{"code": "x", "valueBoolean": True}]}, 0)


def test_a_bundle_in_xml_holds_several(tmp_path: Path) -> None:
    one = XML.partition("\n")[2]
    bundle = f'<Bundle xmlns="http://hl7.org/fhir"><entry><resource>{one}</resource></entry></Bundle>'

    (found,) = fhir_xml.read(source(tmp_path, bundle, "b.xml"), "b.xml", Wanted())

    assert found.url == "https://example.org/cs"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (XML.replace('"3"', '"many"'), r"cs.xml, line 1\d: valueInteger is not a number"),
        (XML.replace("</CodeSystem>", ""), "not well-formed"),
        ('<ValueSet xmlns="http://hl7.org/fhir"/>', "no CodeSystem"),
        (
            XML.replace("<CodeSystem", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><CodeSystem'),
            "entities",
        ),
    ],
)
def test_xml_that_is_wrong_or_dangerous_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(Unloadable, match=reason):
        list(fhir_xml.read(source(tmp_path, text, "cs.xml"), "cs.xml", Wanted()))


TABLE = """\
<ns0:RetrieveValueSetResponse xmlns:ns0="urn:ihe:iti:svs:2008">
  <ns0:ValueSet id="1.2" displayName="JDV inventé" version="20240101">
    <ns0:ConceptList xml:lang="fr-FR">
      <ns0:Concept code="1" displayName="Un" codeSystem="1.2.250.1.1"/>
      <ns0:Concept code="2" displayName="Deux" codeSystem="1.2.250.1.2"/>
      <ns0:Concept code="3" displayName="Trois" codeSystem="1.2.250.1.1"/>
    </ns0:ConceptList>
  </ns0:ValueSet>
</ns0:RetrieveValueSetResponse>
"""


def test_a_table_of_the_nos_is_a_fragment_of_each_code_system_that_it_names(tmp_path: Path) -> None:
    first, second = fhir_xml.read_table(source(tmp_path, TABLE, "t.xml"), "t.xml", Wanted(version="7"))

    assert (first.url, first.version, first.head["content"]) == ("urn:oid:1.2.250.1.1", "7", "fragment")
    assert {code: one.tree["display"] for code, one in entries_of(first).items()} == {"1": "Un", "3": "Trois"}
    assert second.url == "urn:oid:1.2.250.1.2"


def test_with_a_url_a_table_of_the_nos_is_the_whole_code_system(tmp_path: Path) -> None:
    (found,) = fhir_xml.read_table(
        source(tmp_path, TABLE, "t.xml"), "t.xml", Wanted("https://example.org/tre")
    )

    assert (found.head["content"], len(entries_of(found))) == ("complete", 3)


def test_a_position_knows_its_line_only_where_there_is_one() -> None:
    assert [str(Position("a")), str(Position("a", 1200))] == ["a", "a, line 1,200"]
