"""https://hl7.org/fhir/R4/resource-operation-meta.html"""

from __future__ import annotations

import pytest

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.validation.validator import check
from tests.builders import entry, patient
from tests.fhir_server.interactions.performing import refused, statuses
from tests.fhir_server.operations.asking import Operator, parameters

TAG = {"system": "urn:t", "code": "a"}
LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
P = Key("Patient", "p")


def labels(**meta: object) -> Tree:
    return parameters({"name": "meta", "valueMeta": meta})


async def meta_at(server: Operator, address: str, body: Tree | None = None) -> Tree:
    """The Meta that an operation returns; empty: it returns none."""
    reply = await server.ask(address, body)
    assert reply.status == 200
    tree = decode(reply.body)
    assert check(tree) == []
    found: list[Tree] = tree.get("parameter", [])
    if not found:
        return {}
    assert [parameter["name"] for parameter in found] == ["return"]
    meta: Tree = found[0]["valueMeta"]
    return meta


async def test_meta_of_a_resource_is_that_of_the_resource(server: Operator) -> None:
    await server.keep(patient(id="p", meta={"tag": [TAG]}))

    assert await meta_at(server, "Patient/p/$meta") == (await server.at(P))["meta"]


async def test_meta_of_a_version_is_that_of_the_version(server: Operator) -> None:
    await server.keep(patient(id="p", meta={"tag": [TAG]}), patient(id="p"))

    assert (await meta_at(server, "Patient/p/_history/1/$meta"))["tag"] == [TAG]
    assert "tag" not in await meta_at(server, "Patient/p/$meta")


async def test_meta_of_a_type_and_of_the_system_are_the_labels_in_use(server: Operator) -> None:
    await server.keep(
        patient(id="p", meta={"tag": [TAG], "profile": ["urn:x:1"]}),
        patient(id="q", meta={"tag": [TAG, {"code": "b"}], "security": [LABEL]}),
        {"resourceType": "Organization", "id": "o", "name": "A", "meta": {"profile": ["urn:x:2"]}},
        patient(id="gone", meta={"tag": [{"code": "gone"}]}),
    )
    await server.delete(Key("Patient", "gone"))

    of_type, of_system = await meta_at(server, "Patient/$meta"), await meta_at(server, "$meta")

    assert of_type == {"profile": ["urn:x:1"], "security": [LABEL], "tag": [{"code": "b"}, TAG]}
    assert of_system == {**of_type, "profile": ["urn:x:1", "urn:x:2"]}


async def test_where_no_label_is_in_use_none_is_returned(server: Operator) -> None:
    assert await meta_at(server, "Patient/$meta") == {}


async def test_adding_labels_makes_a_version_with_them(server: Operator) -> None:
    await server.keep(patient(id="p", active=True, meta={"tag": [TAG]}))

    meta = await meta_at(
        server, "Patient/p/$meta-add", labels(tag=[TAG], security=[LABEL], profile=["urn:x:1"])
    )

    now = await server.at(P)
    assert meta == now["meta"]
    assert now["active"] is True
    assert (meta["versionId"], meta["tag"], meta["security"], meta["profile"]) == (
        "2",
        [TAG],
        [LABEL],
        ["urn:x:1"],
    )
    assert await server.count("Patient", f"_security={LABEL['system']}|R") == 1


async def test_deleting_labels_makes_a_version_without_them(server: Operator) -> None:
    await server.keep(patient(id="p", meta={"tag": [TAG, {"code": "b"}], "security": [LABEL]}))

    meta = await meta_at(server, "Patient/p/$meta-delete", labels(tag=[{"code": "b"}], security=[LABEL]))

    assert (meta["versionId"], meta["tag"]) == ("2", [TAG])
    assert "security" not in meta
    assert await server.count("Patient", "_security=R") == 0


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("$meta-add", labels(tag=[{**TAG, "display": "other"}])),
        ("$meta-delete", labels(tag=[{"code": "never"}])),
    ],
)
async def test_a_change_that_changes_nothing_makes_no_version(
    server: Operator, name: str, body: Tree
) -> None:
    await server.keep(patient(id="p", meta={"tag": [TAG]}))

    meta = await meta_at(server, f"Patient/p/{name}", body)

    assert meta["versionId"] == "1"


async def test_a_change_of_labels_is_in_the_history(server: Operator) -> None:
    await server.keep(patient(id="p"))
    await meta_at(server, "Patient/p/$meta-add", labels(tag=[TAG]))

    entries = (await server.history("Patient", "p"))["entry"]

    assert [one["request"]["method"] for one in entries] == ["PATCH", "PUT"]


async def test_the_version_and_time_in_the_input_are_not_taken_over(server: Operator) -> None:
    await server.keep(patient(id="p"))

    meta = await meta_at(server, "Patient/p/$meta-add", labels(versionId="9", source="urn:x", tag=[TAG]))

    assert meta["versionId"] == "2"
    assert "source" not in meta


async def test_if_match_guards_labels_too(server: Operator) -> None:
    await server.keep(patient(id="p"), patient(id="p", active=True))

    with refused(412):
        await server.ask("Patient/p/$meta-add", labels(tag=[TAG]), if_match='W/"1"')
    await server.ask("Patient/p/$meta-add", labels(tag=[TAG]), if_match='W/"2"')

    assert (await server.at(P))["meta"]["tag"] == [TAG]


@pytest.mark.parametrize("name", ["$meta-add", "$meta-delete"])
async def test_labels_of_what_is_not_there_cannot_change(server: Operator, name: str) -> None:
    await server.keep(patient(id="gone"))
    await server.delete(Key("Patient", "gone"))

    with refused(404, "not-found"):
        await server.ask(f"Patient/never/{name}", labels(tag=[TAG]))
    with refused(410, "deleted"):
        await server.ask(f"Patient/gone/{name}", labels(tag=[TAG]))
    with refused(400, "required"):
        await server.ask(f"Patient/gone/{name}", {})


async def test_meta_of_what_is_not_there_is_refused(server: Operator) -> None:
    with refused(404):
        await server.ask("Patient/never/$meta")
    with refused(404):
        await server.ask("Patient/never/_history/1/$meta")


async def test_labels_change_inside_a_batch_and_a_transaction(server: Operator) -> None:
    await server.keep(patient(id="p"), patient(id="q"))
    change = entry("POST", "Patient/p/$meta-add", labels(tag=[TAG]))

    batch = await server.batch(change, entry("GET", "Patient/p/$meta"), entry("GET", "Patient/p/$meta-add"))
    transaction = await server.transaction(
        entry("POST", "Patient/q/$meta-add", labels(tag=[TAG])),
        entry("PUT", "Patient/r", patient(id="r")),
        entry("GET", "Patient/q/$meta"),
    )

    assert statuses(batch) == ["200", "200", "405"]
    assert statuses(transaction) == ["200", "201", "200"]
    for answers in (batch, transaction):
        assert answers[0]["resource"]["parameter"][0]["valueMeta"]["tag"] == [TAG]
    assert transaction[2]["resource"] == transaction[0]["resource"]
    assert "location" not in transaction[0]["response"]


async def test_a_transaction_changes_no_resource_twice(server: Operator) -> None:
    await server.keep(patient(id="p"))

    with refused(400, "duplicate"):
        await server.transaction(
            entry("POST", "Patient/p/$meta-add", labels(tag=[TAG])),
            entry("PUT", "Patient/p", patient(id="p", active=True)),
        )


async def test_a_client_that_has_the_version_needs_no_meta(server: Operator) -> None:
    await server.keep(patient(id="p"))

    assert (await server.ask("Patient/p/$meta", if_none_match='W/"1"')).status == 304


async def test_labels_in_use_are_read_page_by_page_up_to_a_limit(
    server: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_server.operations.meta._SLICE", 2)
    await server.keep(*(patient(id=code, meta={"tag": [{"code": code}]}) for code in "abcde"))

    assert [tag["code"] for tag in (await meta_at(server, "Patient/$meta"))["tag"]] == list("abcde")

    monkeypatch.setattr("fhir_server.operations.meta.MOST", 3)
    with refused(422, "too-costly"):
        await server.ask("Patient/$meta")
