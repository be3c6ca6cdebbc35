"""Definitions that clients write: in force with their commit, and never against a package."""

from __future__ import annotations

import orjson

from fhir_server.definitions.packaged import SHIPPED, key_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, number
from tests.builders import entry, patient
from tests.fhir_server.interactions.performing import Performer, both, refused

URL = "https://example.org/ValueSet/colours"


def value_set(title: str = "one", **elements: object) -> Tree:
    return {"resourceType": "ValueSet", "status": "active", "url": URL, "title": title, **elements}


def title(perform: Performer, canonical: str = URL) -> str | None:
    found = perform.store.definitions.current.registry.find("ValueSet", canonical)
    return None if found is None else found.get("title")


def packaged_value_set() -> Tree:
    """One of R4's own, as R4 says it."""
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    found = SHIPPED.exactly("ValueSet", url, "4.0.1")
    assert found is not None
    tree: Tree = orjson.loads(found.body())
    return tree


@both
async def test_a_definition_is_in_force_from_its_write_until_its_deletion(perform: Performer) -> None:
    assert title(perform) is None

    key = await perform.made(value_set())
    assert title(perform) == "one"
    await perform.put({**value_set("two"), "id": key.id})
    assert title(perform) == "two"
    await perform.delete(key)
    assert title(perform) is None
    await perform.put({**value_set("three"), "id": key.id})
    assert title(perform) == "three"


@both
async def test_a_definition_with_a_decimal_beyond_a_float_is_in_force(perform: Performer) -> None:
    much = {"url": "https://example.org/extension", "valueDecimal": number("1e400")}

    await perform.made(value_set(extension=[much]))

    assert title(perform) == "one"


@both
async def test_versions_stand_side_by_side_and_the_newest_answers_for_all(perform: Performer) -> None:
    url = f"{URL}/in-versions"
    for version in ("1.10.0", "1.9.0"):
        await perform.made(value_set(version, version=version, url=url))

    assert title(perform, url) == title(perform, f"{url}|1.10.0") == "1.10.0"
    assert title(perform, f"{url}|1.9") == "1.9.0"


@both
async def test_a_definition_takes_effect_with_its_transaction(perform: Performer) -> None:
    await perform.transaction(entry("POST", "ValueSet", value_set()), entry("POST", "Patient", patient()))

    assert title(perform) == "one"


@both
async def test_a_definition_does_not_make_other_writes_begin_again(perform: Performer) -> None:
    before = perform.store.definitions.current.generation

    await perform.made(value_set())

    assert perform.store.definitions.current.generation == before


@both
async def test_what_a_package_says_cannot_be_said_otherwise(perform: Performer) -> None:
    tree = {**packaged_value_set(), "title": "Another"}

    with refused(409, "duplicate", "ValueSet.url") as texts:
        await perform.create(tree)

    assert "hl7.fhir.r4.core#4.0.1" in texts[0]


@both
async def test_a_copy_of_what_a_package_says_is_taken(perform: Performer) -> None:
    tree = packaged_value_set()
    narrative = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}

    await perform.made({**tree, "text": narrative, "meta": {"profile": ["https://example.org/a"]}})

    registry = perform.store.definitions.current.registry
    found = registry.entry("ValueSet", tree["url"])
    assert found is not None
    assert found.package == "hl7.fhir.r4.core#4.0.1"


@both
async def test_another_version_than_the_packaged_one_is_taken(perform: Performer) -> None:
    tree = packaged_value_set()

    await perform.made({**tree, "title": "Newer", "version": "99.0.0"})

    assert title(perform, tree["url"]) == "Newer"


@both
async def test_the_resource_of_a_packaged_definition_is_no_client_s_to_write(perform: Performer) -> None:
    (found, *_) = [one for one in SHIPPED.entries("ValueSet") if one.package.startswith("cordee.terminology")]
    key = key_of(found)

    with refused(409, "conflict") as texts:
        await perform.put({**value_set(), "id": key.id})

    assert found.package in texts[0]


@both
async def test_a_server_that_is_closed_takes_no_definitions(perform: Performer) -> None:
    key = await perform.made(value_set())
    closed = perform.with_settings(definitions="closed")

    for write in (
        closed.create(value_set()),
        closed.put({**value_set(), "id": key.id}),
        closed.delete(key),
    ):
        with refused(403):
            await write
    await closed.made({"resourceType": "Questionnaire", "status": "active"})
    await closed.made(patient())


def test_the_resources_of_two_versions_have_two_ids_that_fhir_allows() -> None:
    keys = [key_of(one) for one in SHIPPED.entries()]

    assert len(set(keys)) == len(keys)
    assert all(len(key.id) <= 64 for key in keys)
    assert Key("StructureDefinition", "hl7.fhir.r4.core-4.0.1-Patient") in keys


async def test_a_definition_without_a_url_is_a_resource_and_no_more(perform: Performer) -> None:
    before = perform.store.definitions.current.registry

    await perform.made({"resourceType": "ValueSet", "status": "active"})

    assert perform.store.definitions.current.registry is before
