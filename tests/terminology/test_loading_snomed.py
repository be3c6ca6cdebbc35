"""Releases in SNOMED CT's format RF2."""

from __future__ import annotations

from pathlib import Path

import pytest

from terminology.loading.archives import Source, joined, source_of
from terminology.loading.release import Release, Unloadable, Wanted
from terminology.loading.snomed import read, recognises
from tests.releases import FR, IS_A, ROOT, SYNONYM, Rf2, entries_of, folder, properties_of, small_rf2, zipped


def source(path: Path, *made: Rf2) -> Source:
    return joined(source_of(zipped(path / f"{number}.zip", one.files())) for number, one in enumerate(made))


def release(path: Path, *made: Rf2) -> Release:
    (found,) = read(source(path, *made), Wanted())
    return found


def test_a_snapshot_is_recognised_by_its_files(tmp_path: Path) -> None:
    assert recognises(source(tmp_path, small_rf2()))
    assert not recognises(source_of(folder(tmp_path / "f", {"sct2_Concept_Full_INT_20240101.txt": ""})))


def test_a_release_says_what_it_is(tmp_path: Path) -> None:
    found = release(tmp_path, small_rf2())

    assert found.url == "http://snomed.info/sct"
    assert found.version == "http://snomed.info/sct/900000000000207008/version/20240101"
    assert found.total == 5
    assert {"parent", "inactive", "refset", "363698007"} <= {one["code"] for one in found.head["property"]}


def test_concepts_come_in_the_order_of_the_hierarchy_and_inactive_ones_last(tmp_path: Path) -> None:
    made = Rf2()
    made.concept("1004", "Old", active=False)
    made.concept("1003", "Below one", ["1001"])
    made.concept("1002", "Two", [ROOT])
    made.concept("1001", "One", [ROOT])
    made.concept(ROOT, "Root")

    assert list(entries_of(release(tmp_path, made))) == [ROOT, "1002", "1001", "1003", "1004"]


def test_a_concept_has_its_terms_parents_attributes_and_reference_sets(tmp_path: Path) -> None:
    leaf = entries_of(release(tmp_path, small_rf2()))["1003"]

    assert leaf.tree["display"] == "Leaf of both"
    assert [one["value"] for one in leaf.tree["designation"]] == ["Leaf of both (thing)", "Leaf of both"]
    assert leaf.tree["designation"][0]["use"]["display"] == "Fully specified name"
    assert {
        ("inactive", False),
        ("sufficientlyDefined", False),
        ("moduleId", "900000000000207008"),
        ("effectiveTime", "20240101"),
        ("parent", "1001"),
        ("parent", "1002"),
        ("363698007", "1002"),
        ("refset", "733990004"),
    } == set(properties_of(leaf))


def test_what_is_not_active_any_more_says_so_or_is_left_out(tmp_path: Path) -> None:
    made = small_rf2()
    made.relate("1001", "1002", active=False)
    found = entries_of(release(tmp_path, made))

    assert ("inactive", True) in properties_of(found["1004"])
    assert ("parent", "1002") not in properties_of(found["1001"])


def test_the_display_is_the_term_that_american_english_prefers(tmp_path: Path) -> None:
    made = Rf2()
    made.concept(ROOT, "")
    made.describe(ROOT, "Acceptable", preferred="")
    made.describe(ROOT, "British", preferred="900000000000508004")
    made.describe(ROOT, "American")

    assert entries_of(release(tmp_path, made))[ROOT].tree["display"] == "American"


def test_a_french_extension_adds_terms_concepts_and_its_version(tmp_path: Path) -> None:
    french = Rf2("11000315107", "20240621", "FR")
    french.concept("2001", "", ["1001"])
    french.describe("2001", "Concept français", language="fr", preferred=FR)
    french.describe("1003", "Feuille des deux", language="fr", preferred=FR)
    french.concepts.append(("1002", "20240621", "0", "11000315107", "x"))  # retired by the extension

    found = release(tmp_path, small_rf2(), french)

    assert found.version == "http://snomed.info/sct/11000315107/version/20240621"
    entries = entries_of(found)
    assert ("fr", "Feuille des deux") in {
        (one["language"], one["value"]) for one in entries["1003"].tree["designation"]
    }
    assert entries["2001"].tree["display"] == "Concept français"
    assert ("parent", "1001") in properties_of(entries["2001"])
    assert ("inactive", True) in properties_of(entries["1002"])


@pytest.mark.parametrize(
    ("part", "old", "new", "reason"),
    [
        (
            "Concept",
            "1003\t20240101\t1",
            "1003\t20240101",
            r"Concept.*, line 5: It has 4 fields; 5 were expected",
        ),
        ("Concept", "1003\t", "x\t", "line 5: It is not a concept"),
        ("Concept", "effectiveTime", "time", "line 1: The column effectiveTime is missing"),
        ("Concept", "1001\t2024", "\udcff\t2024", "line 3: It is not UTF-8"),
        (
            "Relationship",
            f"\t1001\t{ROOT}\t0\t{IS_A}",
            f"\t1001\t77\t0\t{IS_A}",
            "line 2: It relates a concept",
        ),
        ("Relationship", f"\t{ROOT}\t0\t{IS_A}", f"\t1003\t0\t{IS_A}", "A concept stands below itself"),
        ("Language", "\t1235013\t", "\tx1\t", "An identifier is not a number"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(
    tmp_path: Path, part: str, old: str, new: str, reason: str
) -> None:
    files = {
        name: (content.replace(old, new) if f"_{part}" in name else content).encode(
            "utf-8", "surrogateescape"
        )
        for name, content in small_rf2().files().items()
    }
    broken = source_of(zipped(tmp_path / "z.zip", files))

    with pytest.raises(Unloadable, match=reason):
        for found in read(broken, Wanted()):
            list(found.entries())


@pytest.mark.parametrize("part", ["Description", "Relationship"])
def test_a_release_without_one_of_its_snapshots_is_refused(tmp_path: Path, part: str) -> None:
    files = {name: text for name, text in small_rf2().files().items() if f"_{part}_" not in name}

    with pytest.raises(Unloadable, match=f"no snapshot of {part.lower()}s"):
        list(read(source_of(folder(tmp_path, files)), Wanted()))


def test_a_version_may_be_given(tmp_path: Path) -> None:
    (found,) = read(source(tmp_path, small_rf2()), Wanted(version="mine"))

    assert found.version == "mine"
    assert SYNONYM in {one["use"]["code"] for one in entries_of(found)[ROOT].tree["designation"]}
