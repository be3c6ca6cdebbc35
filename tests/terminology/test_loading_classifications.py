"""CIM-10 as lines with bars, and classifications in ClaML."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminology.loading import cim10, claml
from terminology.loading.archives import source_of
from terminology.loading.release import Unloadable, Wanted
from tests.releases import entries_of, folder, properties_of

LINES = (
    "Q00   |3|3|3|Chose|Chose inventée\r\n"
    "Q000  |0|1||Chose légère|Chose inventée, légère\r\n"
    "Q0001 |0|1||Chose très légère|Chose très légère\r\n"
    "\r\n"
    "Q01   |0|0|0|Autre|Autre chose\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_lines_with_bars_are_read_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    source = source_of(folder(tmp_path, {"LIBCIM10MULTI2024.TXT": LINES.encode(encoding)}))

    (found,) = cim10.read(source, "LIBCIM10MULTI2024.TXT", Wanted())
    entries = entries_of(found)

    assert (found.url, found.version, found.total) == ("http://hl7.org/fhir/sid/icd-10", "2024", 4)
    assert list(entries) == ["Q00", "Q00.0", "Q00.01", "Q01"]
    assert entries["Q00.0"].tree["display"] == "Chose inventée, légère"
    assert entries["Q00.0"].tree["designation"] == [{"language": "fr", "value": "Chose légère"}]
    assert properties_of(entries["Q00.01"]) == [
        ("parent", "Q00.0"),
        ("pmsi", "Q0001"),
        ("mco", "0"),
        ("ssr", "1"),
    ]
    assert ("notSelectable", True) in properties_of(entries["Q00"])


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (LINES + "Q02|0\r\n", r"c.txt, line 6: It has 2 fields; 6 were expected"),
        (LINES + "??|0|0|0|a|b\r\n", "line 6: It does not begin with a code"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, lines: str, reason: str) -> None:
    with pytest.raises(Unloadable, match=reason):
        list(cim10.read(source_of(folder(tmp_path, {"c.txt": lines})), "c.txt", Wanted()))


CLAML = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ClaML SYSTEM "ClaML.dtd">
<ClaML version="2.0.0">
  <Meta name="TopLevelSort" value="I"/>
  <Identifier authority="WHO" uid="%s"/>
  <Title name="Made up" version="2024" date="2024-01-01">Une classification</Title>
  <Class code="I" kind="chapter">
    <SubClass code="Q00-Q01"/>
    <Rubric kind="preferred"><Label xml:lang="fr">Choses <Reference>Q</Reference></Label></Rubric>
  </Class>
  <Class code="Q00-Q01" kind="block">
    <SuperClass code="I"/>
    <Rubric kind="preferred"><Label xml:lang="fr">Un bloc</Label></Rubric>
  </Class>
  <Class code="Q00" kind="category">
    <SuperClass code="Q00-Q01"/>
    <Rubric kind="preferred"><Label xml:lang="fr">Chose &amp; autres</Label></Rubric>
    <Rubric kind="inclusion"><Label xml:lang="fr">Truc</Label></Rubric>
    <Rubric kind="exclusion"><Label xml:lang="fr">Pas cela</Label></Rubric>
    <Rubric kind="definition"><Label xml:lang="fr">Ce que c'est</Label></Rubric>
  </Class>
</ClaML>
"""
ICD = "2.16.840.1.113883.6.3"


def test_classes_are_concepts_below_their_superclass(tmp_path: Path) -> None:
    (found,) = claml.read(source_of(folder(tmp_path, {"c.xml": CLAML % ICD})), "c.xml", Wanted())
    entries = entries_of(found)

    assert (found.url, found.version, found.total) == ("http://hl7.org/fhir/sid/icd-10", "2024", 3)
    assert found.head["title"] == "Une classification"
    assert entries["I"].tree["display"] == "Choses Q"
    assert properties_of(entries["Q00-Q01"]) == [("parent", "I"), ("kind", "block"), ("notSelectable", True)]
    assert entries["Q00"].tree == {
        "code": "Q00",
        "display": "Chose & autres",
        "definition": "Ce que c'est",
        "designation": [{"language": "fr", "value": "Truc"}],
        "property": [{"code": "parent", "valueCode": "Q00-Q01"}, {"code": "kind", "valueCode": "category"}],
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CLAML % "1.2.3", "--url says it"),
        ((CLAML % ICD).replace('code="Q00" ', ""), "c.xml, line 15: A class has no code"),
        ((CLAML % ICD).replace("</ClaML>", ""), "not well-formed"),
        (
            (CLAML % ICD).replace(
                '<!DOCTYPE ClaML SYSTEM "ClaML.dtd">',
                '<!DOCTYPE ClaML [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>',
            ),
            "declares entities",
        ),
    ],
)
def test_xml_that_is_wrong_or_dangerous_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(Unloadable, match=reason):
        for found in claml.read(source_of(folder(tmp_path, {"c.xml": text})), "c.xml", Wanted()):
            list(found.entries())
