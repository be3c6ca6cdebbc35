"""Plain tables, and telling kinds apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from terminology.loading.archives import source_of
from terminology.loading.csv_table import read
from terminology.loading.kinds import KINDS, parts_of
from terminology.loading.release import Unloadable, Wanted
from tests.releases import entries_of, folder, properties_of, small_rf2, zipped
from tests.terminology.test_loading_classifications import CLAML, LINES
from tests.terminology.test_loading_fhir import TABLE, TREE, XML
from tests.terminology.test_loading_loinc import FILES

URL = Wanted("https://example.org/table", "1")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_is_a_code_system(tmp_path: Path, delimiter: str) -> None:
    text = (
        (
            "\ufeffCode,Display,Display:en,Parent,Colour,Inactive\n"
            '1,"Un, l\'unique",One,,red,\n'
            "2,Deux,Two,1,,oui\n"
        )
        .replace(",", delimiter)
        .replace(f"Un{delimiter} ", "Un, ")
    )

    (found,) = read(source_of(folder(tmp_path, {"t.csv": text})), "t.csv", URL)
    entries = entries_of(found)

    assert (found.url, found.version, found.head["title"]) == ("https://example.org/table", "1", "t")
    assert entries["1"].tree == {
        "code": "1",
        "display": "Un, l'unique",
        "designation": [{"language": "en", "value": "One"}],
        "property": [{"code": "colour", "valueString": "red"}],
    }
    assert properties_of(entries["2"]) == [("parent", "1"), ("inactive", True)]


@pytest.mark.parametrize(
    ("text", "wanted", "reason"),
    [
        ("code,display\n1,Un\n", Wanted(), "--url says it"),
        ("a,b\n1,Un\n", URL, "line 1: The column code is missing"),
        ("code,display\n1,Un\n2\n", URL, "t.csv, line 3: It has 1 fields; 2 were expected"),
        ("code,display\n1,Un\n,Deux\n", URL, "line 3: It has no code"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, wanted: Wanted, reason: str) -> None:
    with pytest.raises(Unloadable, match=reason):
        for found in read(source_of(folder(tmp_path, {"t.csv": text})), "t.csv", wanted):
            list(found.entries())


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("loinc", FILES),
        ("snomed", small_rf2().files()),
        ("fhir", {"a.json": json.dumps(TREE, indent=2)}),
        ("fhir", {"a.xml": XML}),
        ("fhir", {"a.json": json.dumps({"resourceType": "Bundle", "entry": []})}),
        ("svs", {"a.xml": TABLE}),
        ("claml", {"a.xml": CLAML}),
        ("cim10", {"a.txt": LINES}),
        ("csv", {"a.csv": "code;display\n"}),
        ("csv", {"a.tabs": "OID\tCODE\tLibelle\n"}),
    ],
)
def test_a_kind_is_told_by_the_content(tmp_path: Path, kind: str, files: dict[str, str]) -> None:
    (part,) = parts_of(source_of(zipped(tmp_path / "z.zip", files)))

    assert part.kind == kind
    assert kind in KINDS


def test_an_archive_of_many_files_is_read_file_by_file_and_others_are_left(tmp_path: Path) -> None:
    files = {
        "TRE_1/a.json": json.dumps(TREE),
        "TRE_1/a.xml": XML,
        "lisez-moi.pdf": "%PDF",
        "JDV_1.json": json.dumps({"resourceType": "ValueSet"}),
        "note.txt": "code de rien",
        "empty": "",
    }

    parts = parts_of(source_of(zipped(tmp_path / "z.zip", files)))

    assert [(part.kind, part.name) for part in parts] == [("fhir", "TRE_1/a.json"), ("fhir", "TRE_1/a.xml")]


def test_a_kind_may_be_given(tmp_path: Path) -> None:
    (part,) = parts_of(source_of(folder(tmp_path, {"a.txt": "code|display\n"})), "csv")

    assert [one.url for one in part.read(URL)] == [URL.url]


def test_files_of_no_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unloadable, match="--kind says which it is"):
        parts_of(source_of(folder(tmp_path, {"a.txt": "nothing\n"})))
