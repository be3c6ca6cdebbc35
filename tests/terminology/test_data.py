"""The tables that Cordée brings."""

from __future__ import annotations

import csv
from pathlib import Path

import orjson
import pytest

from fhir_server.definitions.packaged import SHIPPED
from fhir_server.validation.validator import check
from terminology.codes import codes_of
from terminology.data import entries
from terminology.data.reader import resource_of
from terminology.expansion import expand
from terminology.library import Library
from terminology.membership import Code, Held
from terminology.stock import stock_of

SHARED = Path(__file__).parents[2] / "../shared/terminology"
ENTRIES = {entry.canonical: entry for entry in entries()}
SERAFIN = "https://smt.esante.gouv.fr/terminologie-SERAFINPH"

needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the folder ../shared/terminology is not here")


@pytest.mark.parametrize("canonical", sorted(ENTRIES))
def test_a_table_is_a_sound_resource(canonical: str) -> None:
    entry = ENTRIES[canonical]
    tree = orjson.loads(entry.body())

    assert check(tree) == []
    assert (tree["resourceType"], tree["url"], tree["id"]) == (entry.kind, entry.url, entry.id)


@pytest.mark.parametrize(
    "canonical", sorted(name for name, entry in ENTRIES.items() if entry.kind == "ValueSet")
)
def test_a_value_set_can_be_listed(canonical: str) -> None:
    library = Library(stock_of(SHIPPED))

    assert expand(library.value_set(canonical), library).members


@pytest.mark.parametrize(
    "canonical", sorted(name for name, entry in ENTRIES.items() if entry.kind == "ConceptMap")
)
def test_a_map_leads_from_codes_that_exist(canonical: str) -> None:
    codes = codes_of(SHIPPED)
    for group in orjson.loads(ENTRIES[canonical].body())["group"]:
        for element in group["element"]:
            assert codes.known(Code(group["source"], element["code"])) is not Held.NO
            for target in element["target"]:
                assert codes.known(Code(group["target"], target["code"])) is not Held.NO


@needs_shared
def test_the_nomenclature_of_needs_is_whole() -> None:
    found = stock_of(SHIPPED).system(SERAFIN)

    assert found is not None
    with (SHARED / "serafin-ph.csv").open(encoding="utf-8") as file:
        listed = {row["code"]: (row["display"], row["parent"]) for row in csv.DictReader(file)}
    assert {code: concept.display for code, concept in found.concepts.items()} == {
        code: display for code, (display, _) in listed.items()
    }
    assert {code: next(iter(found.parents(code)), "") for code in found.concepts} == {
        code: parent for code, (_, parent) in listed.items()
    }


@pytest.mark.parametrize(
    ("system", "code", "texts"),
    [
        ("urn:iso:std:iso:3166", "DE", {"Germany"}),
        ("urn:iso:std:iso:3166", "DEU", {"Germany"}),
        ("urn:iso:std:iso:3166", "276", {"Germany"}),
        ("urn:iso:std:iso:4217", "CHF", {"Swiss Franc"}),
    ],
)
def test_lists_of_iso_have_english_texts(system: str, code: str, texts: set[str]) -> None:
    found = codes_of(SHIPPED).displays(Code(system, code))

    assert found is not None
    assert {text.casefold() for text in found} == {text.casefold() for text in texts}


def test_a_table_becomes_a_code_system() -> None:
    text = """# kind: CodeSystem
# url: urn:t
# id: t
# title: T
# language: fr
code,display,en,parent,notSelectable,order
a,Un,One,,true,1
b,Deux,,a,,
"""

    assert resource_of(text) == {
        "resourceType": "CodeSystem",
        "id": "t",
        "url": "urn:t",
        "title": "T",
        "language": "fr",
        "status": "active",
        "experimental": False,
        "caseSensitive": True,
        "content": "complete",
        "hierarchyMeaning": "is-a",
        "count": 2,
        "property": [
            {
                "code": "notSelectable",
                "uri": "http://hl7.org/fhir/concept-properties#notSelectable",
                "type": "boolean",
            },
            {"code": "order", "type": "integer"},
        ],
        "concept": [
            {
                "code": "a",
                "display": "Un",
                "designation": [{"language": "en", "value": "One"}],
                "property": [
                    {"code": "notSelectable", "valueBoolean": True},
                    {"code": "order", "valueInteger": 1},
                ],
                "concept": [{"code": "b", "display": "Deux"}],
            }
        ],
    }


def test_a_table_becomes_a_value_set() -> None:
    text = "# kind: ValueSet\n# url: urn:v\n# id: v\nsystem,below,code\ns,,a\ns,,b\ns,c,\nt,,\n"

    assert resource_of(text)["compose"]["include"] == [
        {"system": "s", "concept": [{"code": "a"}, {"code": "b"}]},
        {"system": "s", "filter": [{"property": "concept", "op": "is-a", "value": "c"}]},
        {"system": "t"},
    ]
