"""Releases in LOINC's format."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminology.loading.archives import source_of
from terminology.loading.loinc import read, recognises
from terminology.loading.release import Unloadable, Wanted
from tests.releases import entries_of, folder, properties_of, zipped

TERMS = (
    '"LOINC_NUM","COMPONENT","PROPERTY","SYSTEM","STATUS","LONG_COMMON_NAME","SHORTNAME","VersionLastChanged",'
    '"EXTERNAL_COPYRIGHT_NOTICE","DefinitionDescription"\n'
    '"1-1","Made up","MCnc","Ser","ACTIVE","Made up mass, in ""serum""","Made SerPl","2.9","",""\n'
    '"2-2","Made up","Prid","^Patient","DEPRECATED","Gone","Gone","2.10","Somebody","What it was"\n'
)
FILES = {
    "Loinc_2.10/LoincTable/Loinc.csv": TERMS,
    "Loinc_2.10/AccessoryFiles/PartFile/Part.csv": (
        "PartNumber,PartTypeName,PartName,PartDisplayName,Status\nLP1-1,COMPONENT,Made up,,ACTIVE\n"
    ),
    "Loinc_2.10/AccessoryFiles/ComponentHierarchyBySystem/ComponentHierarchyBySystem.csv": (
        "PATH_TO_ROOT,SEQUENCE,IMMEDIATE_PARENT,CODE,CODE_TEXT\n"
        ",1,,LP9-9,{component}\nLP9-9,1,LP9-9,LP1-1,Made up\nLP9-9.LP1-1,1,LP1-1,1-1,Made up mass\n"
    ),
    "Loinc_2.10/AccessoryFiles/AnswerFile/AnswerList.csv": (
        "AnswerListId,AnswerListName,AnswerStringId,DisplayText\n"
        "LL1-1,Sizes,LA1-1,small\nLL1-1,Sizes,LA2-2,large\nLL2-2,Other sizes,LA1-1,small\n"
    ),
    "Loinc_2.10/AccessoryFiles/AnswerFile/LoincAnswerListLink.csv": "LoincNumber,AnswerListId\n1-1,LL1-1\n",
    "Loinc_2.10/AccessoryFiles/GroupFile/Group.csv": "ParentGroupId,GroupId,Group\nLG0-0,LG1-1,A group\n",
    "Loinc_2.10/AccessoryFiles/GroupFile/GroupLoincTerms.csv": "Category,GroupId,LoincNumber\nx,LG1-1,1-1\n",
    "Loinc_2.10/AccessoryFiles/LinguisticVariants/frFR18LinguisticVariant.csv": (
        'LOINC_NUM,COMPONENT,PROPERTY,LONG_COMMON_NAME\n1-1,Inventé,Masse,\n2-2,Parti,,"Parti, jadis"\n'
    ),
    "Loinc_2.10/AccessoryFiles/LinguisticVariants/deDE15LinguisticVariant.csv": "LOINC_NUM\n1-1\n",
}


def test_a_release_says_what_it_is(tmp_path: Path) -> None:
    source = source_of(zipped(tmp_path / "z.zip", FILES))

    assert recognises(source)
    (found,) = read(source, Wanted())
    assert (found.url, found.version, found.total) == ("http://loinc.org", "2.10", 2)
    assert found.head["caseSensitive"] is False


def test_terms_parts_lists_answers_and_groups_are_concepts(tmp_path: Path) -> None:
    (found,) = read(source_of(folder(tmp_path, FILES)), Wanted())
    entries = entries_of(found)

    assert list(entries) == [
        *("1-1", "2-2"),
        *("LP1-1", "LL1-1", "LL2-2", "LA1-1", "LA2-2", "LG1-1", "LP9-9"),
    ]
    term, gone = entries["1-1"], entries["2-2"]
    assert term.tree["display"] == 'Made up mass, in "serum"'
    assert term.tree["designation"] == [
        {"value": "Made SerPl"},
        {"language": "fr-FR", "value": "Inventé:Masse"},
    ]
    assert {("parent", "LP1-1"), ("parent", "LG1-1"), ("answer-list", "LL1-1"), ("copyright", "LOINC")} < set(
        properties_of(term)
    )
    assert {("inactive", True), ("STATUS", "DEPRECATED"), ("copyright", "3rdParty")} < set(
        properties_of(gone)
    )
    assert gone.tree["definition"] == "What it was"
    assert properties_of(entries["LP1-1"]) == [("parent", "LP9-9")]
    assert properties_of(entries["LA1-1"]) == [("LIST", "LL1-1"), ("LIST", "LL2-2")]


def test_the_table_alone_is_enough(tmp_path: Path) -> None:
    (found,) = read(source_of(folder(tmp_path, {"Loinc.csv": TERMS})), Wanted(version="mine"))

    assert (found.version, list(entries_of(found))) == ("mine", ["1-1", "2-2"])


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (TERMS.replace("STATUS", "STATE"), "line 1: The column STATUS is missing"),
        (TERMS + '"3-3","x"\n', "Loinc.csv, line 4: It has 2 fields; 10 were expected"),
        (TERMS + '"3-3"x,\n', "line 4: It is not a table"),
        (TERMS + '"3-3","never closed\n', "It is not a table"),
        (TERMS + "\x00\n", "line 4: It has a NUL character"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(tmp_path: Path, table: str, reason: str) -> None:
    with pytest.raises(Unloadable, match=reason):
        list(read(source_of(folder(tmp_path, {"Loinc.csv": table})), Wanted()))
