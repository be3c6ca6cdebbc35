"""Packaged definitions as resources that clients read and find."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from fhir_server.definitions.packaged import KINDS, SHIPPED
from fhir_server.kernel.keys import Key
from fhir_server.operations.publishing import Publishing
from fhir_server.store.memory import MemoryStore
from profiles.registry import Entry, Registry
from tests.builders import patient, search_parameter
from tests.fhir_server.interactions.performing import Performer, refused

KEY = Key("ValueSet", "example.one-1.0.0-colours")
URL = "https://example.org/ValueSet/colours"


def value_set(version: str = "1.0.0", title: str = "one", **elements: Any) -> Entry:
    tree = {
        "resourceType": "ValueSet",
        "id": "colours",
        "url": URL,
        "version": version,
        "status": "active",
        "title": title,
        **elements,
    }
    return entry(tree, f"example.one#{version}")


def entry(tree: dict[str, Any], package: str = "example.one#1.0.0") -> Entry:
    kind, url, version = tree["resourceType"], tree["url"], tree.get("version", "")
    return Entry(kind, url, version, tree["id"], package, lambda: orjson.dumps(tree))


class Packages:
    """A server, and the packages that are installed on it; nothing is shipped."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.perform = Performer(self.store)

    async def are(self, *entries: Entry, slice: int = 20) -> int:
        """Publish these, as a process does that has just begun to lead. Gives the number of steps."""
        self.store.definitions.install(entries, Registry([]))
        publishing = Publishing(self.perform.server, slice=slice)
        steps = 0
        while await publishing.step():
            steps += 1
        return steps


@pytest.fixture
def packages() -> Packages:
    return Packages()


async def test_a_packaged_definition_is_read_and_found_like_any_other(packages: Packages) -> None:
    await packages.are(value_set("1.0.0"), value_set("2.0.0"))

    assert (await packages.perform.at(KEY))["meta"]["source"] == "example.one#1.0.0"
    assert await packages.perform.count("ValueSet", f"url={URL}") == 2
    found = await packages.perform.search("ValueSet", f"url={URL}&version=2.0.0")
    assert [one["resource"]["id"] for one in found["entry"]] == ["example.one-2.0.0-colours"]


async def test_what_is_published_already_is_not_written_again(packages: Packages) -> None:
    for _ in range(2):
        await packages.are(value_set())

    assert (await packages.perform.at(KEY))["meta"]["versionId"] == "1"


async def test_a_definition_that_is_another_now_is_written_again(packages: Packages) -> None:
    await packages.are(value_set(title="one"))
    await packages.are(value_set(title="two"))

    assert (await packages.perform.at(KEY))["title"] == "two"


async def test_the_definitions_of_a_package_go_with_it_and_come_again(packages: Packages) -> None:
    await packages.are(value_set())
    await packages.are()
    assert await packages.perform.is_gone(KEY)

    await packages.are(value_set())

    assert (await packages.perform.at(KEY))["title"] == "one"


async def test_a_published_copy_is_no_upload(packages: Packages) -> None:
    await packages.are(value_set())

    assert packages.store.definitions.current.registry.versions("ValueSet", URL) == ("1.0.0",)
    await packages.are()
    assert packages.store.definitions.current.registry.versions("ValueSet", URL) == ()


async def test_clients_cannot_change_a_published_definition(packages: Packages) -> None:
    await packages.are(value_set())
    tree = await packages.perform.at(KEY)

    with refused(409):
        await packages.perform.put({**tree, "title": "mine"})
    with refused(409):
        await packages.perform.delete(KEY)


async def test_a_resource_that_was_there_before_stays(packages: Packages) -> None:
    mine = {"resourceType": "ValueSet", "status": "draft", "id": KEY.id}
    packages.store.definitions.install([], Registry([]))
    await packages.perform.put(mine)

    await packages.are(value_set())
    await packages.are()

    assert (await packages.perform.at(KEY))["status"] == "draft"


async def test_what_is_not_valid_is_not_published_and_keeps_nothing_up(packages: Packages) -> None:
    broken = value_set("2.0.0", colour="blue")

    await packages.are(broken, value_set("1.0.0"))

    assert await packages.perform.count("ValueSet", f"url={URL}") == 1


async def test_slices_are_bounded(packages: Packages) -> None:
    assert await packages.are(*(value_set(f"1.{number}") for number in range(5)), slice=2) == 3


async def test_a_search_parameter_of_a_package_comes_into_force(packages: Packages) -> None:
    await packages.perform.made(patient())

    await packages.are(entry(search_parameter("marital", id="marital")))

    assert "marital" in packages.perform.server.parameters.of("Patient")
    await packages.are()
    assert "marital" not in packages.perform.server.parameters.of("Patient")


async def test_a_search_parameter_that_cannot_be_in_force_keeps_nothing_up(packages: Packages) -> None:
    taken = entry(search_parameter("birthdate", id="taken", type="date", expression="Patient.deceased"))

    await packages.are(taken, value_set())

    assert await packages.perform.count("SearchParameter") == 0
    assert await packages.perform.count("ValueSet", f"url={URL}") == 1


async def test_everything_that_is_shipped_can_be_published() -> None:
    perform = Performer(MemoryStore())
    publishing = Publishing(perform.server)

    while await publishing.step():
        pass

    ours = [one for one in SHIPPED.entries() if not one.package.startswith("hl7.fhir.r4.core#")]
    for kind in KINDS:
        assert await perform.count(kind) == sum(one.kind == kind for one in ours)
