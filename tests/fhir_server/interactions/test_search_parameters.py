"""What a SearchParameter that is written changes in what the server says of itself."""

from __future__ import annotations

from typing import Any

from fhir_server.interactions.call import Action
from fhir_server.kernel.wire import Tree, decode
from fhir_server.operations.reindexing import Reindexing
from fhir_server.validation.validator import check
from tests.builders import entry, patient, search_parameter
from tests.fhir_server.interactions.performing import Performer, statuses


async def told(perform: Performer, type: str, code: str) -> Tree | None:
    """What the CapabilityStatement says of a search parameter."""
    statement = decode((await perform(Action.CAPABILITIES)).body)
    assert check(statement) == []
    (resource,) = [one for one in statement["rest"][0]["resource"] if one["type"] == type]
    found: list[dict[str, Any]] = [one for one in resource["searchParam"] if one["name"] == code]
    assert len(found) <= 1
    return found[0] if found else None


async def test_the_statement_marks_a_parameter_until_it_is_complete(perform: Performer) -> None:
    for number in range(4):
        await perform.made(patient(str(number)))
    reindexing = Reindexing(perform.server, slice=1)

    await perform.made(search_parameter("marital"))
    seen = []
    while await reindexing.step():
        parameter = await told(perform, "Patient", "marital")
        assert parameter
        seen.append(parameter.get("documentation", "").partition(";")[0])

    assert list(dict.fromkeys(seen)) == [f"indexing: {percent} %" for percent in (25, 50, 75, 99)] + [""]
    assert await told(perform, "Patient", "marital") == {
        "name": "marital",
        "definition": "https://example.org/SearchParameter/marital",
        "type": "token",
    }


async def test_a_deleted_parameter_is_told_no_more(perform: Performer) -> None:
    key = await perform.made(search_parameter("marital"))

    await perform.delete(key)

    assert await told(perform, "Patient", "marital") is None


async def test_national_parameters_are_told_under_their_canonical_url(perform: Performer) -> None:
    assert await told(perform, "CareTeam", "start") == {
        "name": "start",
        "definition": "https://interop.esante.gouv.fr/ig/fhir/cds/SearchParameter/cds-careteam-start",
        "type": "date",
    }


async def test_words_about_a_parameter_may_change_without_any_work(perform: Performer) -> None:
    key = await perform.made(search_parameter("marital"))
    generation = perform.store.definitions.current.generation

    await perform.put(search_parameter("marital", id=key.id, description="In other words."))

    assert perform.store.definitions.current.generation == generation


async def test_a_patched_definition_counts(perform: Performer) -> None:
    key = await perform.made(search_parameter("marital"))

    await perform.patch(key, [{"op": "replace", "path": "/status", "value": "retired"}])

    assert "marital" not in perform.server.parameters.of("Patient")


async def test_definitions_of_a_batch_come_one_by_one(perform: Performer) -> None:
    entries = await perform.batch(
        entry("POST", "SearchParameter", search_parameter("one")),
        entry("POST", "SearchParameter", search_parameter("family")),
        entry("POST", "SearchParameter", search_parameter("two")),
    )

    assert statuses(entries) == ["201", "422", "201"]
    assert {"one", "two"} <= perform.server.parameters.of("Patient").keys()


async def test_a_code_may_begin_as_r4_advises_for_a_servers_own(perform: Performer) -> None:
    await perform.made(search_parameter("-called", type="string", expression="Patient.name.text"))
    reindexing = Reindexing(perform.server, slice=10)
    while await reindexing.step():
        pass
    for name in "bac":
        await perform.made(patient(name, name=[{"text": name}]))

    async def found(query: str) -> list[str]:
        bundle = await perform.search("Patient", query, prefer_handling="strict")
        return [one["resource"]["name"][0]["text"] for one in bundle.get("entry", ())]

    assert await found("-called=b") == ["b"]
    assert await found("_sort=-called") == ["a", "b", "c"]
    assert await found("_sort=--called") == ["c", "b", "a"]
