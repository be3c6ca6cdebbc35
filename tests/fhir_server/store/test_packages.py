"""Packages in a database: added whole, side by side, known to every process at once."""

from __future__ import annotations

import asyncio
import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from fhir_server.kernel.errors import Conflict, Malformed, NotFound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import encode
from fhir_server.store.contract import Draft
from fhir_server.store.packages import add, installed, remove
from fhir_server.store.postgres import PostgresStore
from profiles.archives import Package, read

FRENCH = Path(__file__).parents[3] / "../shared/fhir-fr/definitions"
CORE = "http://hl7.org/fhir/StructureDefinition/Patient"
OURS = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient"


@pytest.fixture
async def stores(url: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    one, other = await PostgresStore.open(url), await PostgresStore.open(url)
    yield one, other
    await one.close()
    await other.close()


def archive(path: Path, name: str, version: str, *definitions: Any, **dependencies: str) -> Path:
    """A package as publishers pack it."""
    manifest = {"name": name, "version": version, "fhirVersions": ["4.0.1"], "dependencies": dependencies}
    with tarfile.open(path, mode="w:gz") as out:
        for member, tree in (
            ("package.json", manifest),
            *((f"{number}.json", tree) for number, tree in enumerate(definitions)),
        ):
            content = tree if isinstance(tree, bytes) else orjson.dumps(tree)
            info = tarfile.TarInfo(f"package/{member}")
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
    return path


def value_set(url: str = "https://example.org/ValueSet/a", version: str = "1", **rest: Any) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "id": "a",
        "status": "active",
        "url": url,
        "version": version,
        **rest,
    }


def package(
    folder: Path, name: str = "example.one", version: str = "1.0.0", *definitions: Any, **needs: str
) -> Package:
    needed = {key.replace("_", "."): wanted for key, wanted in needs.items()}
    file = folder / f"{name}-{version}.tgz"
    return read(archive(file, name, version, *(definitions or [value_set()]), **needed))


async def test_every_process_judges_by_a_package_at_once_and_without_it_again(
    stores: tuple[PostgresStore, PostgresStore], url: str, tmp_path: Path
) -> None:
    added, missing = await asyncio.to_thread(add, url, [package(tmp_path)])

    assert [(str(one.package), one.new) for one in added] == [("example.one#1.0.0", True)]
    assert missing == []
    assert all(knows(store, "https://example.org/ValueSet/a|1") for store in stores)
    await asyncio.to_thread(remove, url, "example.one", "1.0.0")
    assert not any(knows(store, "https://example.org/ValueSet/a|1") for store in stores)
    assert installed(url) == []


def knows(store: PostgresStore, canonical: str) -> bool:
    return store.definitions.current.registry.entry("ValueSet", canonical) is not None


async def test_a_process_that_starts_later_has_what_is_there(url: str, tmp_path: Path) -> None:
    add(url, [package(tmp_path, "example.one", "1.0.0", value_set(title="one"))])

    store = await PostgresStore.open(url)

    found = store.definitions.current.registry.find("ValueSet", "https://example.org/ValueSet/a")
    assert found is not None
    assert found["title"] == "one"
    await store.close()


@pytest.mark.skipif(not FRENCH.exists(), reason="the French definitions are not beside the repository")
async def test_both_generations_of_the_french_core_resolve_by_version(url: str, tmp_path: Path) -> None:
    packages = []
    for version, folder in (("2.1.0", "fr-core-2.1.0"), ("2.2.0", "fr-core")):
        files = sorted((FRENCH / folder).glob("*.json"))
        path = tmp_path / f"{version}.tgz"
        archive(path, "hl7.fhir.fr.core", version, *(file.read_bytes() for file in files))
        packages.append(read(path))
    store = await PostgresStore.open(url)

    for one in packages:
        await asyncio.to_thread(add, url, [one])

    registry = store.definitions.current.registry
    for canonical, version in ((f"{OURS}|2.1.0", "2.1.0"), (f"{OURS}|2.2.0", "2.2.0"), (OURS, "2.2.0")):
        found = registry.find("StructureDefinition", canonical)
        assert found is not None
        assert found["version"] == version
        assert "snapshot" in found, "the official definition wins over the restated one"
    await store.close()


def test_the_same_file_again_changes_nothing_and_another_one_is_refused(url: str, tmp_path: Path) -> None:
    one = package(tmp_path)
    add(url, [one])

    assert [added.new for added in add(url, [one])[0]] == [False]
    with pytest.raises(Conflict, match="from another file"):
        add(url, [package(tmp_path, "example.one", "1.0.0", value_set(title="another"))])


def test_what_a_package_depends_on_must_be_there(url: str, tmp_path: Path) -> None:
    needs = package(tmp_path, "example.two", "1.0.0", example_one="1.0.0", hl7_fhir_r4_core="4.0.1")

    with pytest.raises(Malformed, match=r"example\.two#1\.0\.0 depends on example\.one#1\.0\.0"):
        add(url, [needs])
    assert installed(url) == []

    add(url, [needs, package(tmp_path)])
    assert [str(one) for one in installed(url)] == ["example.two#1.0.0", "example.one#1.0.0"]


def test_packages_that_come_within_one_millisecond_are_listed_in_the_order_in_which_they_came(
    url: str, tmp_path: Path
) -> None:
    names = [f"example.{letter}" for letter in "hgfedcba"]

    add(url, [package(tmp_path, name) for name in names])

    assert [one.name for one in installed(url)] == names


def test_another_version_of_what_is_needed_is_told(url: str, tmp_path: Path) -> None:
    add(url, [package(tmp_path)])

    with pytest.raises(Malformed, match=r"1\.0\.1, which is not there \(1\.0\.0 is there\)"):
        add(url, [package(tmp_path, "example.two", "1.0.0", example_one="1.0.1")])


def test_what_most_places_do_not_have_is_told_and_taken(url: str, tmp_path: Path) -> None:
    _, missing = add(url, [package(tmp_path, hl7_terminology_r4="6.2.0", hl7_fhir_fr_core="2.2.0")])

    assert [one.name for one in missing] == ["hl7.terminology.r4"]


def test_a_package_is_taken_without_what_it_needs_if_that_is_asked(url: str, tmp_path: Path) -> None:
    add(url, [package(tmp_path, example_absent="1.0.0")], without_dependencies=True)

    assert len(installed(url)) == 1


def test_packages_in_a_circle_are_refused_also_when_one_is_there(url: str, tmp_path: Path) -> None:
    add(url, [package(tmp_path, "example.two", "1.0.0", example_one="1.0.0")], without_dependencies=True)

    with pytest.raises(Malformed, match="circle"):
        add(url, [package(tmp_path, "example.one", "1.0.0", example_two="1.0.0")])


def test_a_package_that_others_need_stays_unless_forced(url: str, tmp_path: Path) -> None:
    two = package(tmp_path, "example.two", "1.0.0", value_set(version="2"), example_one="1.0.0")
    add(url, [package(tmp_path), two])

    with pytest.raises(Conflict, match=r"example\.two#1\.0\.0 depends on it"):
        remove(url, "example.one", "1.0.0")

    assert remove(url, "example.one", "1.0.0", force=True).definitions == 1
    assert [str(one) for one in installed(url)] == ["example.two#1.0.0"]


def test_a_package_that_is_not_there_cannot_be_removed(url: str) -> None:
    with pytest.raises(NotFound, match="packages list"):
        remove(url, "example.one", "1.0.0")


async def test_a_package_wins_over_what_was_uploaded_before(
    stores: tuple[PostgresStore, PostgresStore], url: str, tmp_path: Path
) -> None:
    one, _ = stores
    async with one.begin() as tx:
        body = encode(value_set(title="uploaded"))
        await tx.write(Draft(Key("ValueSet", "x"), 1, await tx.stamp(), body, "PUT"))

    packaged = package(tmp_path, "example.one", "1.0.0", value_set(title="packaged"))
    await asyncio.to_thread(add, url, [packaged])

    for store in stores:
        found = store.definitions.current.registry.find("ValueSet", "https://example.org/ValueSet/a")
        assert found is not None
        assert found["title"] == "packaged"
