"""Whether the guides we restate ask the same of a resource as the published ones, element by element."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import orjson
import pytest

from fhir_server.definitions.snapshots import snapshot_of
from profiles.registry import Registry
from tests.profiles.made import entry_of, made, registry

PUBLISHED: Final = Path(__file__).parents[2] / "../shared/fhir-fr/definitions"
# The folder of our sources and the one of the published definitions.
GUIDES: Final = {
    "fr-core-2.1.0": "fr-core-2.1.0",
    "fr-core-2.2.0": "fr-core",
    "annuaire": "annuaire",
    "cds": "cds",
    "cdl": "cdl",
    "pdsm": "pdsm",
    "nde": "nde",
    "tde": "tde",
    "tddui": "tddui-reconstructed",
    "sdo": "sdo",
    "gap": "gap",
}

# What differs, and why that is right. Patterns of `profile element aspect`.
KNOWN: Final = (
    # What fr-core asks of every identifier, some published snapshots of derived profiles have lost on the way.
    r"\S+ \w+\.identifier(:[\w-]+)?\.type binding",
    r"cds-organization Organization\.identifier(:identifierOI)?\.(system|value) min",
    # A slice that is optional and asks nothing but its own name, which the publisher of cds pinned.
    r"cds-\S+ \w+\.meta\.profile:fr-canonical patternCanonical",
    # Slices of ours repeat what the sliced element asks, here by the profile of its type.
    r"(fr-core|tddui)-patient\S* Patient\.name:(usual|official)Name(\.prefix|\.suffix)? (type|binding|max)",
    # R4 4.0.1 asks for a unit of its value set; these snapshots were made with definitions that do not.
    r"fr-core-observation-\S+ Observation\.(component\S*\.)?value\[x\] (binding|slicing)",
    # fr-core 2.0.1, which gap depends on, lets any PractitionerRole have an agenda; 2.1.0 stands for it.
    r"gap-fr-schedule Schedule\.actor type",
)

# Not compared: texts, flags (a slice of ours has those of its element), what FHIR itself says, and constraints without
# expression, which are prose.
_FIXED: Final = re.compile(r"(fixed|pattern)[A-Z]")
# In the snapshots of sdo, which were compiled with the definitions of a server of its own.
_NOT_OF_R4: Final = re.compile(r".*\.meta\.(account|accounts|author|compartment|onBehalfOf|project)")
_FHIRS_OWN: Final = re.compile(r"[a-z]{2,4}-\d+[a-z]?$")
_LABEL: Final = re.compile(r":[^.]*")

Asked: TypeAlias = Mapping[str, Mapping[str, Any]]  # by the id of an element

needs_published = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason="the published definitions of the shared material are not here"
)


@pytest.mark.parametrize("guide", GUIDES)
@needs_published
def test_a_restated_profile_asks_what_the_published_one_asks(guide: str) -> None:
    found = {
        difference
        for published in _published(guide, "StructureDefinition")
        for difference in _differences(published, _ours(guide)["StructureDefinition", published["url"]])
    }

    assert [one for one in sorted(found) if not any(re.fullmatch(known, one) for known in KNOWN)] == []


@pytest.mark.parametrize("guide", GUIDES)
@needs_published
def test_a_restated_code_system_has_the_published_codes(guide: str) -> None:
    for published in _published(guide, "CodeSystem"):
        ours = _ours(guide)["CodeSystem", published["url"]]

        assert [concept["code"] for concept in ours["concept"]] == [
            concept["code"] for concept in published["concept"]
        ]
        assert ours["content"] == published["content"]


@pytest.mark.parametrize("guide", GUIDES)
@needs_published
def test_a_restated_value_set_includes_what_the_published_one_does(guide: str) -> None:
    for published in _published(guide, "ValueSet"):
        assert _included(_ours(guide)["ValueSet", published["url"]]) == _included(published)


@pytest.mark.parametrize("guide", GUIDES)
@needs_published
def test_a_restated_guide_defines_what_the_published_one_does_and_nothing_else(guide: str) -> None:
    published = {
        (kind, definition["url"])
        for kind in ("StructureDefinition", "CodeSystem", "ValueSet")
        for definition in _published(guide, kind)
    }

    assert set(_ours(guide)) == published


def _differences(published: Mapping[str, Any], ours: Mapping[str, Any]) -> Iterator[str]:
    for field in ("version", "name", "status", "kind", "type", "abstract", "derivation", "context"):
        if published.get(field) != ours.get(field):
            yield f"{ours['id']} {field}"
    theirs, own = _both(published, ours)
    for path in theirs.keys() & own.keys():
        yield from (
            f"{ours['id']} {path} {aspect}"
            for aspect in theirs[path].keys() | own[path].keys()
            if theirs[path].get(aspect) != own[path].get(aspect) and not _follows(aspect, path, theirs, own)
        )


def _both(published: Mapping[str, Any], ours: Mapping[str, Any]) -> tuple[Asked, Asked]:
    """The elements of both snapshots, each opened wherever the other one is."""
    told = [element["id"] for element in published["snapshot"]["element"]]
    told = [path for path in told if not _NOT_OF_R4.fullmatch(path)]
    own = [element["id"] for element in snapshot_of(ours, registry())]
    return _opened(published, told, own), _opened(ours, own, told)


def _opened(definition: Mapping[str, Any], paths: list[str], others: list[str]) -> Asked:
    """A snapshot with all `paths`, and with `others` besides."""
    opening = [{"id": path, "path": _LABEL.sub("", path)} for path in others if path not in paths]
    derived = {
        **{name: definition[name] for name in ("resourceType", "type", "kind")},
        "url": f"{definition['url']}-opened",
        "baseDefinition": f"{definition['url']}|{definition['version']}",
        "derivation": "constraint",
        "differential": {"element": opening},
    }
    with_it = Registry([registry().entries(), [entry_of(definition, "")]])
    elements = snapshot_of(derived, with_it)
    return {one["id"]: _asked(one) for one in elements if not _NOT_OF_R4.fullmatch(one["id"])}


def _follows(aspect: str, path: str, theirs: Asked, own: Asked) -> bool:
    """Whether a difference in an aspect makes none for a resource."""
    match aspect:
        case "min":  # as many as its slices ask for
            slices = (one for other, one in own.items() if re.fullmatch(rf"{re.escape(path)}:[^.]*", other))
            return bool(theirs[path]["min"] == sum(one["min"] for one in slices))
        case "slicing":  # extensions are sliced by their url, said or not
            return path.endswith("xtension") and None in (theirs[path].get(aspect), own[path].get(aspect))
        case "type":  # some snapshots were made with a corrected R4
            return path.endswith(".response.outcome")
        case "binding":  # what the sliced element asks, its slices need not repeat
            return bool(theirs.get(_LABEL.sub("", path), {}).get(aspect) == own[path].get(aspect))
    return False


def _asked(element: Mapping[str, Any]) -> dict[str, Any]:
    """What an element asks of a resource, in a form that can be compared."""
    asked: dict[str, Any] = {"min": element.get("min", 0), "max": element.get("max", "*")}
    if "sliceName" in element:
        asked["slice"] = element["sliceName"]
    if "type" in element:
        asked["type"] = sorted(map(_type, element["type"]))
    binding = element.get("binding", {})
    if binding.get("strength", "example") != "example":
        asked["binding"] = (binding["strength"], _unversioned(binding.get("valueSet", "")))
    asked.update({name: value for name, value in element.items() if _FIXED.match(name)})
    if "slicing" in element:
        slicing = element["slicing"]
        by = sorted((one["type"], one["path"]) for one in slicing.get("discriminator", ()))
        asked["slicing"] = (by, slicing.get("rules"))
    own = {
        constraint["key"]: constraint["expression"]
        for constraint in element.get("constraint", ())
        if "expression" in constraint and not _FHIRS_OWN.match(constraint["key"])
    }
    if own:
        asked["constraint"] = own
    return asked


def _type(type: Mapping[str, Any]) -> str:
    profiles = sorted(map(_unversioned, type.get("profile", ())))
    targets = sorted(map(_unversioned, type.get("targetProfile", ())))
    return f"{type['code']} {profiles} {targets} {type.get('aggregation', [])}"


def _unversioned(canonical: str) -> str:
    return canonical.partition("|")[0]


def _included(value_set: Mapping[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    return [
        (
            include.get("system", ""),
            [_unversioned(one) for one in include.get("valueSet", ())],
            [one["code"] for one in include.get("concept", ())],
        )
        for include in value_set["compose"]["include"]
    ]


def _published(guide: str, kind: str) -> list[dict[str, Any]]:
    paths = sorted((PUBLISHED / GUIDES[guide]).glob(f"{kind}-*.json"))
    return [orjson.loads(path.read_bytes()) for path in paths]


@cache
def _ours(guide: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(tree["resourceType"], tree["url"]): tree for tree in made()[f"cordee.fr/{guide}"]}
