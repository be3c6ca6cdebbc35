"""Our own profiles: what they accept, what they refuse and why, and that everybody can read what they say."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions.catalogue import OWN
from fhir_server.definitions.packaged import SHIPPED
from fhir_server.demo import dossier
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.judge import judge
from fhir_server.validation.world import World
from profiles import shipped
from terminology.codes import codes_of

ROOT = Path(__file__).parents[2]
TERMINOLOGY = ROOT / "../shared/terminology"
EXAMPLES = ROOT / "profiles/source/cordee.coordination/examples"
VALID = sorted((EXAMPLES / "valid").glob("*.json"))
INVALID = sorted((EXAMPLES / "invalid").glob("*.json"))
EXPECTED: dict[str, dict[str, str]] = tomllib.loads((EXAMPLES / "invalid/expected.toml").read_text("utf-8"))

INS_TEST = "urn:oid:1.2.250.1.213.1.4.10"
INS_REAL = {"urn:oid:1.2.250.1.213.1.4.8", "urn:oid:1.2.250.1.213.1.4.9"}

tables = pytest.mark.skipif(not TERMINOLOGY.is_dir(), reason="the tables of ../shared are not there")


@cache
def definitions() -> dict[tuple[str, str], Tree]:
    """What the package holds, by type and id."""
    return {(e.kind, e.id): json.loads(e.body()) for e in shipped.entries("cordee.coordination")}


def profiles() -> list[Tree]:
    return [
        tree
        for (kind, _), tree in definitions().items()
        if kind == "StructureDefinition" and tree["type"] != "Extension"
    ]


def constraints() -> Iterator[tuple[Tree, Tree]]:
    """Every constraint of ours with the profile that asks it; those of two profiles come twice."""
    for profile in profiles():
        for element in profile["differential"]["element"]:
            for constraint in element.get("constraint", ()):
                yield profile, constraint


def french_of(beside: Tree) -> str:
    [translation] = beside["extension"]
    lang, content = translation["extension"]
    assert lang["valueCode"] == "fr"
    return str(content.get("valueString") or content["valueMarkdown"])


def concepts(name: str) -> dict[str, str]:
    """The codes of one of our code systems with their displays."""
    return {concept["code"]: concept["display"] for concept in definitions()["CodeSystem", name]["concept"]}


def read(path: Path) -> Tree:
    tree: Tree = json.loads(path.read_text("utf-8"))
    return tree


def judged(tree: Tree, others: dict[str, Tree] | None = None) -> list[Issue]:
    known = others or {}
    return judge(tree, World(SHIPPED, codes_of(SHIPPED), known.get if others else None))


def errors(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity in {"error", "fatal"}]


def everything(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a tree, itself first."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from everything(item)


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_a_valid_example_has_no_error(path: Path) -> None:
    assert errors(judged(read(path))) == []


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_has_the_one_error_that_is_told(path: Path) -> None:
    expected = EXPECTED[path.stem]

    [error] = errors(judged(read(path)))

    assert error.expression == expected["place"]
    assert expected.get("key", "") in error.text
    assert error.french


@pytest.mark.parametrize(
    ("example", "change", "key"),
    [
        ("sollicitation-anonyme", {"status": "on-hold", "businessStatus": "en-attente"}, "sollicitation-7"),
        ("sollicitation-anonyme", {"status": "cancelled", "businessStatus": "annulee"}, "sollicitation-7"),
        ("ppcs", {"activity": [{"reference": {"reference": "Task/hoarau-repas"}}]}, "ppcs-6"),
    ],
)
def test_what_is_only_advised_is_a_warning(example: str, change: dict[str, Any], key: str) -> None:
    tree = {**read(EXAMPLES / f"valid/{example}.json"), **change}
    if "businessStatus" in change:
        coding = {"system": f"{OWN}/CodeSystem/statut-sollicitation", "code": change["businessStatus"]}
        tree["businessStatus"] = {"coding": [coding]}

    issues = judged(tree)

    assert errors(issues) == []
    assert [issue.severity for issue in issues if key in issue.text] == ["warning"]


def test_the_demonstration_dossier_conforms_to_our_profiles() -> None:
    resources = {entry["request"]["url"]: entry["resource"] for entry in json.loads(dossier())["entry"]}
    ours = {
        url: resource
        for url, resource in resources.items()
        if any(profile.startswith(OWN) for profile in resource.get("meta", {}).get("profile", ()))
    }

    found = {url: errors(judged(resource, resources)) for url, resource in ours.items()}

    assert len(ours) > 20
    assert {url: issues for url, issues in found.items() if issues} == {}


def test_every_profile_has_a_valid_example_and_one_that_is_refused() -> None:
    def claimed(paths: list[Path]) -> set[str]:
        return {url for path in paths for url in read(path).get("meta", {}).get("profile", ())}

    every = {profile["url"] for profile in profiles()}

    assert claimed(VALID) == every
    assert claimed(INVALID) == every


def test_every_constraint_that_refuses_has_an_example_that_it_refuses() -> None:
    refusing = {constraint["key"] for _, constraint in constraints() if constraint["severity"] == "error"}

    assert {expected["key"] for expected in EXPECTED.values() if "key" in expected} == refusing
    assert {path.stem for path in INVALID} == set(EXPECTED)


def test_every_profile_says_in_both_languages_what_it_is_and_who_it_is_for() -> None:
    for profile in profiles():
        assert profile["title"] != french_of(profile["_title"])
        assert len(profile["description"]) > 150
        assert len(french_of(profile["_description"])) > 150


def test_every_constraint_speaks_both_languages_and_stands_in_the_documentation() -> None:
    page = (ROOT / "docs/profiles.md").read_text("utf-8")

    for _, constraint in constraints():
        human, french = constraint["human"], french_of(constraint["_human"])
        assert human != french
        assert f"| `{constraint['key']}` | {constraint['severity']} | {human} | {french} |" in page


def test_every_definition_of_ours_is_named_in_the_documentation() -> None:
    page = (ROOT / "docs/profiles.md").read_text("utf-8")

    assert [name for kind, name in definitions() if kind != "Questionnaire" and f"`{name}`" not in page] == []


def test_every_code_of_ours_has_an_english_display_beside_the_french_one() -> None:
    for (kind, _), tree in definitions().items():
        if kind == "CodeSystem":
            assert tree["language"] == "fr"
            for concept in tree["concept"]:
                assert concept["display"]
                assert [d["language"] for d in concept["designation"]] == ["en"]


def test_the_examples_are_about_nobody() -> None:
    for path in VALID + INVALID:
        identifiers = [node for node in everything(read(path)) if "system" in node and "value" in node]
        assert not {node["system"] for node in identifiers} & INS_REAL
        for ins in (node["value"] for node in identifiers if node["system"] == INS_TEST):
            assert int(ins[13:]) == 97 - int(ins[:13]) % 97


@tables
def test_the_problems_of_a_plan_are_those_of_the_national_list() -> None:
    with (TERMINOLOGY / "coordination-codes.csv").open(encoding="utf-8") as file:
        national = {row["code"]: row["display"] for row in csv.DictReader(file)}
    [include] = definitions()["ValueSet", "probleme-ppcs"]["compose"]["include"]
    ours = {concept["code"]: concept["display"] for concept in include["concept"]}

    assert len(ours) == 10
    assert ours.items() <= national.items()


@tables
def test_the_categories_of_data_are_those_of_the_access_matrix() -> None:
    with (TERMINOLOGY / "access-matrix.csv").open(encoding="utf-8") as file:
        assert {row["category"] for row in csv.DictReader(file)} == set(concepts("categorie-donnee"))


@tables
def test_the_aggir_grid_asks_every_variable_in_its_order_and_requires_those_that_discriminate() -> None:
    with (TERMINOLOGY / "aggir-variables.csv").open(encoding="utf-8") as file:
        rows = {row["code"]: row for row in csv.DictReader(file)}
    grid = definitions()["Questionnaire", "aggir"]["item"]
    graded = [item for top in grid for item in (top["item"] if top["type"] == "group" else [top])]

    tops = [code for code, row in rows.items() if row["kind"] != "sous-variable"]
    assert [item["linkId"] for item in grid] == sorted(tops, key=lambda code: int(rows[code]["order"]))
    assert len(graded) == 17 + 7
    for item in graded:
        row = rows[item["linkId"]]
        assert item["required"] == (row["kind"] != "illustrative")
        assert [code["code"] for code in item.get("code", ())] == (
            [row["icf_code"]] if row["icf_code"] else []
        )
        assert [child["linkId"][-2:] for child in item["item"]] == [".S", ".T", ".C", ".H"]
