"""Our profiles in their source form: that the archives are made of them, and what their examples are worth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from fhir_server.definitions.packaged import SHIPPED
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import decode
from fhir_server.validation.judge import judge
from fhir_server.validation.world import World
from profiles import FRENCH
from terminology.codes import codes_of
from tests.profiles.made import made
from tools import archive
from tools.fsh.__main__ import PACKAGES
from tools.fsh.guides import ROOT, Workspace
from tools.fsh.packages import DATE, contents

PUBLISHED = Path(__file__).parents[2] / "../shared/fhir-fr/definitions"
WORKSPACE = Workspace()
GUIDES = sorted(WORKSPACE.guides)
DEFINING = {"StructureDefinition", "ValueSet", "CodeSystem"}
TEXTS = (
    "title",
    "description",
    "purpose",
    "copyright",
    "short",
    "definition",
    "comment",
    "requirements",
    "human",
)


def examples(kind: str) -> list[Any]:
    """Of the restated guides; those of cordee.coordination are judged in `test_coordination`."""
    paths = sorted((ROOT / FRENCH).glob(f"*/examples/{kind}/*.json"))
    return [pytest.param(path, id=f"{path.parts[-4]}/{path.stem}") for path in paths]


def errors(path: Path) -> list[Issue]:
    tree = decode(path.read_bytes())
    found = judge(tree, World(SHIPPED, codes_of(SHIPPED)))
    return [issue for issue in found if issue.severity in {"error", "fatal"}]


@pytest.mark.parametrize("package", WORKSPACE.packages())
def test_a_package_is_what_its_sources_compile_to(package: str, tmp_path: Path) -> None:
    found = contents(WORKSPACE, package)
    archive.write(tmp_path / "made.zip", found.members, DATE, found.packages)

    assert _digest(tmp_path / "made.zip") == _digest(PACKAGES / f"{package}.zip"), "run `make profiles`"


@pytest.mark.parametrize("guide", GUIDES)
def test_everything_has_a_title_in_english_and_in_french(guide: str) -> None:
    lacking = [
        tree["id"]
        for tree in made()[guide]
        if tree["resourceType"] in DEFINING and ("_title" not in tree or not tree.get("title"))
    ]

    assert lacking == []


@pytest.mark.parametrize("path", examples("valid"))
def test_a_valid_example_has_no_mistake(path: Path) -> None:
    assert errors(path) == []


@pytest.mark.parametrize("path", examples("invalid"))
def test_an_invalid_example_has_a_mistake_that_a_profile_sees(path: Path) -> None:
    assert any(issue.profile for issue in errors(path))


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="../shared/fhir-fr, the published guides, is not there")
def test_no_sentence_of_a_published_guide_is_ours() -> None:
    theirs = {
        text
        for path in PUBLISHED.glob("*/*.json")
        for text in _sentences(orjson.loads(path.read_bytes()))
        if path.name.startswith(("StructureDefinition-", "ValueSet-", "CodeSystem-"))
    }
    ours = {
        text
        for guide in GUIDES
        if guide.startswith(FRENCH)
        for tree in made()[guide]
        for text in _sentences(tree)
    }

    assert sorted(ours & theirs) == []


def _sentences(tree: Any) -> Iterator[str]:
    """The texts for people, as far as they are more than a few words."""
    if isinstance(tree, dict):
        yield from (text for name in TEXTS if isinstance(text := tree.get(name), str) and text.count(" ") > 3)
        for value in tree.values():
            yield from _sentences(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _sentences(value)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
