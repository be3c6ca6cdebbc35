"""Transactions: order, all or nothing, what each entry may see, and what is answered.

https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import base64
from typing import Any

import pytest

from fhir_server.interactions.call import Action
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode, encode
from tests.builders import (
    SYSTEM,
    bundle,
    entry,
    extension,
    fhirpath_patch,
    observation,
    operation,
    organization,
    patient,
    urn,
)
from tests.fhir_server.interactions.performing import Performer, both, key_in, refused, statuses


async def test_a_transaction_of_nothing_is_answered_by_nothing(perform: Performer) -> None:
    reply = await perform(Action.BUNDLE, tree=bundle("transaction"))

    assert reply.body == b'{"resourceType":"Bundle","type":"transaction-response"}'
    assert reply.changes == ()


@both
async def test_entries_are_performed_in_the_order_of_fhir_and_answered_in_their_own(
    perform: Performer,
) -> None:
    old = await perform.made(patient("1"))
    kept = await perform.made(patient("2"))

    answers = await perform.transaction(
        entry("GET", f"Patient?identifier={SYSTEM}|1"),
        entry(
            "PATCH",
            str(kept),
            fhirpath_patch(operation("add", "Patient", name="active", value={"valueBoolean": True})),
        ),
        entry("PUT", "Patient/new", patient("4", id="new")),
        entry("POST", "Patient", patient("1", active=False)),
        entry("GET", str(kept)),
        entry("DELETE", str(old)),
    )

    assert statuses(answers) == ["200", "200", "201", "201", "200", "204"]
    found = answers[0]["resource"]
    assert [one["resource"]["id"] for one in found["entry"]] == [key_in(answers[3]).id]
    assert answers[4]["resource"]["active"] is True
    assert await perform.is_gone(old)


@both
async def test_one_failure_undoes_everything_and_names_the_entry(perform: Performer) -> None:
    old = await perform.made(patient("1"))

    with refused(422, "code-invalid", "Bundle.entry[2].resource.gender"):
        await perform.transaction(
            entry("DELETE", str(old)),
            entry("POST", "Patient", patient("2")),
            entry("POST", "Patient", patient(gender="blue")),
        )

    assert not await perform.is_gone(old)
    assert await perform.count("Patient") == 1


@pytest.mark.parametrize(
    ("broken", "status", "place"),
    [
        (entry("GET", "Patient/nobody"), 404, "Bundle.entry[1]"),
        (entry("GET", "Patient?_sort:x=1"), 400, "Bundle.entry[1]"),
        (entry("GET", "$everything"), 404, "Bundle.entry[1]"),
        (entry("PUT", "Patient/a", patient(id="b")), 400, "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient/a", patient(id="a"), ifMatch='W/"1"'), 412, "Bundle.entry[1]"),
        (entry("PUT", "Patient?nonsense=1", patient()), 400, "Bundle.entry[1].request.url"),
        (entry("PUT", "Patient?identifier=1", patient(id="not an id")), 400, "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient?identifier=1", patient(id=[1])), 400, "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient?identifier=1", patient(id={})), 400, "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient?identifier=1", patient(id="other")), 409, "Bundle.entry[1].resource.id"),
        (entry("PUT", "Patient?identifier=1", patient(gender=7)), 422, "Bundle.entry[1].resource.gender"),
        (entry("PATCH", "Patient?identifier=1", fhirpath_patch()), 404, "Bundle.entry[1].request.url"),
        (entry("PATCH", "Patient/nobody", fhirpath_patch()), 404, "Bundle.entry[1]"),
        (entry("DELETE", "Patient"), 400, "Bundle.entry[1].request.url"),
        (entry("DELETE", "Patient?identifier=1", ifMatch='W/"1"'), 412, "Bundle.entry[1]"),
        (entry("DELETE", "Patient?_count=1"), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "Patient", patient(), ifNoneExist="x=1"), 400, "Bundle.entry[1].request.ifNoneExist"),
        (entry("POST", "Observation", observation("Patient?x=1")), 400, "Bundle.entry[1].resource"),
        (entry("POST", "Observation", observation("Patient?")), 400, "Bundle.entry[1].resource"),
        (
            entry("POST", "Observation", observation("patient?x=1")),
            422,
            "Bundle.entry[1].resource.subject",
        ),
        (
            entry("POST", "Observation", observation("Patient/nobody")),
            422,
            "Bundle.entry[1].resource.subject.reference",
        ),
    ],
)
async def test_a_refusal_names_its_place(
    perform: Performer, broken: dict[str, Any], status: int, place: str
) -> None:
    await perform.put(patient(id="other"))

    with refused(status, "", place):
        await perform.transaction(entry("POST", "Organization", organization()), broken)

    assert await perform.count("Organization") == 0


async def test_a_create_ignores_the_id_that_it_is_given(perform: Performer) -> None:
    (answer,) = await perform.transaction(entry("POST", "Patient", patient(id="mine")))

    assert key_in(answer).id != "mine"
    assert (await perform.at(key_in(answer)))["id"] == key_in(answer).id


# References ------------------------------------------------------------------------------------------------------


@both
async def test_entries_may_refer_to_each_other_in_circles(perform: Performer) -> None:
    a, b = urn(1), "urn:oid:1.2.3"

    answers = await perform.transaction(
        entry("POST", "Patient", patient(link=[{"other": {"reference": b}, "type": "seealso"}]), a),
        entry("POST", "Patient", patient(link=[{"other": {"reference": a}, "type": "seealso"}]), b),
    )

    one, two = (
        (await perform.at(key_in(answer)) for answer in answers)
        if False
        else [await perform.at(key_in(answer)) for answer in answers]
    )
    assert one["link"][0]["other"]["reference"] == str(key_in(answers[1]))
    assert two["link"][0]["other"]["reference"] == str(key_in(answers[0]))


@both
@pytest.mark.parametrize("matches", [0, 1, 2])
async def test_a_conditional_reference_becomes_the_one_that_matches(perform: Performer, matches: int) -> None:
    kept = [await perform.made(patient("1")) for _ in range(matches)]
    entries = [
        entry("POST", "Observation", observation(f"Patient?identifier={SYSTEM}|1")),
        entry("POST", "Observation", observation(f"Patient?identifier={SYSTEM}|1")),
    ]

    if matches != 1:
        with refused(412, "multiple-matches" if matches else "not-found", "Bundle.entry[0].resource"):
            await perform.transaction(*entries)
        return
    answers = await perform.transaction(*entries)

    for answer in answers:
        assert (await perform.at(key_in(answer)))["subject"]["reference"] == str(kept[0])


@both
@pytest.mark.parametrize(
    "other",
    [
        entry("POST", "Patient", patient("1")),
        entry("PUT", "Patient/a", patient("1", id="a")),
        entry("PUT", "Patient?identifier=1", patient("1")),
        entry(
            "PATCH",
            "Patient/a",
            fhirpath_patch(operation("replace", "Patient.identifier.value", value={"valueString": "1"})),
        ),
    ],
)
async def test_a_conditional_reference_sees_what_the_transaction_writes(
    perform: Performer, other: dict[str, Any]
) -> None:
    await perform.put(patient("0", id="a"))

    answers = await perform.transaction(
        entry("POST", "Observation", observation("Patient?identifier=1")),
        entry("POST", "Patient", patient("3")),
        other,
    )

    assert (await perform.at(key_in(answers[0])))["subject"]["reference"] == str(key_in(answers[2]))


@pytest.mark.parametrize(
    ("other", "status", "place"),
    [
        (entry("PUT", "Patient/a", patient("2", id="a")), 412, "Bundle.entry[0].resource"),
        (entry("DELETE", "Patient/a"), 412, "Bundle.entry[0].resource"),
        (entry("DELETE", "Patient?identifier=1"), 412, "Bundle.entry[0].resource"),
        (entry("POST", "Patient", patient("1")), 412, "Bundle.entry[0].resource"),
        (entry("POST", "Patient", patient("1", gender=1)), 422, "Bundle.entry[1].resource.gender"),
        (entry("PATCH", "Patient/b", fhirpath_patch()), 404, "Bundle.entry[1]"),
        (entry("PATCH", "Patient/c", fhirpath_patch()), 410, "Bundle.entry[1]"),
        (
            entry("PATCH", "Patient/a", fhirpath_patch(operation("delete", "Nothing.here"))),
            422,
            "Bundle.entry[1].resource.parameter[0]",
        ),
    ],
)
async def test_a_conditional_reference_is_judged_on_what_will_be(
    perform: Performer, other: dict[str, Any], status: int, place: str
) -> None:
    await perform.put(patient("1", id="a"))
    await perform.put(patient("9", id="c"))
    await perform.delete(Key("Patient", "c"))

    with refused(status, "", place):
        await perform.transaction(entry("POST", "Observation", observation("Patient?identifier=1")), other)


async def test_a_conditional_reference_may_mean_what_a_conditional_create_found(perform: Performer) -> None:
    key = await perform.made(patient("1"))

    answers = await perform.transaction(
        entry("POST", "Observation", observation("Patient?identifier=1")),
        entry("POST", "Patient", patient("1"), ifNoneExist="identifier=1"),
    )

    assert (await perform.at(key_in(answers[0])))["subject"]["reference"] == str(key)


async def test_what_a_conditional_create_found_is_asked_nothing_about_its_own_references(
    perform: Performer,
) -> None:
    key = await perform.made(patient("1"))
    tree = patient("1", managingOrganization={"reference": "Organization?name=nobody"})

    (answer,) = await perform.transaction(entry("POST", "Patient", tree, ifNoneExist="identifier=1"))

    assert key_in(answer) == key


@both
async def test_what_is_deleted_may_no_longer_be_referred_to(perform: Performer) -> None:
    who = await perform.made(patient())
    what = await perform.made(observation(who))

    with refused(409, "conflict", "Bundle.entry[1]"):
        await perform.transaction(entry("POST", "Patient", patient()), entry("DELETE", str(who)))
    with refused({409, 422}):
        await perform.transaction(
            entry("DELETE", str(who)), entry("PUT", str(what), observation(who, id=what.id, status="amended"))
        )

    assert not await perform.is_gone(who)


@both
@pytest.mark.parametrize("way", ["deleted", "updated", "patched"])
async def test_what_refers_may_go_along(perform: Performer, way: str) -> None:
    who = await perform.made(patient())
    what = await perform.made(observation(who))
    last = {
        "deleted": entry("DELETE", str(what)),
        "updated": entry("PUT", str(what), observation(id=what.id)),
        "patched": entry("PATCH", str(what), fhirpath_patch(operation("delete", "Observation.subject"))),
    }

    answers = await perform.transaction(entry("DELETE", str(who)), last[way])

    assert statuses(answers) == ["204", "204" if way == "deleted" else "200"]


async def test_a_patch_may_refer_to_another_entry(perform: Performer) -> None:
    what = await perform.made(observation())
    add = operation("add", "Observation", name="subject", value={"valueReference": {"reference": urn(1)}})

    answers = await perform.transaction(
        entry("PATCH", str(what), fhirpath_patch(add)), entry("POST", "Patient", patient(), urn(1))
    )

    assert (await perform.at(what))["subject"]["reference"] == str(key_in(answers[1]))


async def test_a_json_patch_travels_in_a_binary(perform: Performer) -> None:
    key = await perform.made(patient())
    data = base64.b64encode(encode([{"op": "add", "path": "/active", "value": True}])).decode()

    (answer,) = await perform.transaction(
        entry(
            "PATCH",
            str(key),
            {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data},
            ifMatch='W/"1"',
        )
    )

    assert answer["response"]["etag"] == 'W/"2"'
    assert (await perform.at(key))["active"] is True


async def test_an_entry_that_refers_to_a_deleted_entry_is_refused(perform: Performer) -> None:
    key = await perform.made(patient())

    with refused({409, 422}):
        await perform.transaction(
            entry("DELETE", str(key), None, urn(1)), entry("POST", "Observation", observation(urn(1)))
        )


async def test_a_resource_may_refer_to_itself(perform: Performer) -> None:
    tree = patient(extension=[extension(valueReference={"reference": urn(1)})])

    (answer,) = await perform.transaction(entry("POST", "Patient", tree, urn(1)))
    key = key_in(answer)

    assert (await perform.at(key))["extension"][0]["valueReference"]["reference"] == str(key)
    assert statuses(await perform.transaction(entry("DELETE", str(key)))) == ["204"]


# Answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefer", ["", "minimal", "representation", "OperationOutcome"])
async def test_prefer_shapes_the_answers(perform: Performer, prefer: str) -> None:
    key = await perform.made(patient("1"))

    answers = await perform.transaction(
        entry("POST", "Patient", patient("2")),
        entry("POST", "Patient", patient("1"), ifNoneExist="identifier=1"),
        entry("GET", str(key)),
        prefer_return=prefer,
    )

    shown = ["resource" in answer for answer in answers]
    assert shown == [prefer == "representation", prefer == "representation", True]
    told = ["outcome" in answer["response"] for answer in answers]
    assert told == [prefer == "OperationOutcome", prefer == "OperationOutcome", False]


async def test_an_answer_says_where_which_version_and_when(perform: Performer) -> None:
    (answer,) = await perform.transaction(entry("PUT", "Patient/a", patient(id="a")))

    meta = (await perform.at(Key("Patient", "a")))["meta"]
    assert answer == {
        "fullUrl": "https://fhir.example.org/fhir/Patient/a",
        "response": {
            "status": "201 Created",
            "location": "Patient/a/_history/1",
            "etag": 'W/"1"',
            "lastModified": meta["lastUpdated"],
        },
    }


async def test_an_update_that_changes_nothing_keeps_the_version(perform: Performer) -> None:
    await perform.put(patient("1", id="a"))

    reply = await perform(
        Action.BUNDLE, tree=bundle("transaction", entry("PUT", "Patient/a", patient("1", id="a")))
    )

    (answer,) = decode(reply.body)["entry"]
    assert (answer["response"]["status"], answer["response"]["etag"]) == ("200 OK", 'W/"1"')
    assert reply.changes == ()


async def test_changes_are_told_in_the_order_of_the_entries(perform: Performer) -> None:
    old = await perform.made(patient())

    reply = await perform(
        Action.BUNDLE,
        tree=bundle("transaction", entry("PUT", "Patient/a", patient(id="a")), entry("DELETE", str(old))),
    )

    assert [(change.key, change.method) for change in reply.changes] == [
        (Key("Patient", "a"), "PUT"),
        (old, "DELETE"),
    ]


@both
async def test_reads_see_what_was_written_before(perform: Performer) -> None:
    answers = await perform.transaction(
        entry("GET", "Patient/a/_history"),
        entry("GET", "Patient/a/_history/1"),
        entry("GET", "Patient?identifier=1&_summary=count"),
        entry("GET", "metadata"),
        entry("HEAD", "Patient/a"),
        entry("PUT", "Patient/a", patient("1", id="a")),
    )

    assert statuses(answers) == ["200", "200", "200", "200", "200", "201"]
    assert answers[0]["resource"]["total"] == 1
    assert answers[1]["resource"]["id"] == "a"
    assert answers[2]["resource"]["total"] == 1
    assert answers[3]["resource"]["resourceType"] == "CapabilityStatement"
    assert "resource" not in answers[4]


async def test_a_read_may_be_conditional(perform: Performer) -> None:
    key = await perform.made(patient())
    seen = (await perform.at(key))["meta"]["lastUpdated"]

    answers = await perform.transaction(
        entry("GET", str(key), ifNoneMatch='W/"1"'),
        entry("GET", str(key), ifModifiedSince=seen),
        entry("GET", str(key), ifModifiedSince="2001-01-01T00:00:00Z"),
    )

    assert statuses(answers) == ["304", "304", "200"]


async def test_a_large_transaction_is_performed_whole(perform: Performer) -> None:
    entries = [entry("POST", "Patient", patient(str(number)), urn(number)) for number in range(100)]

    answers = await perform.transaction(*entries)

    assert statuses(answers) == ["201"] * 100
    assert await perform.count("Patient") == 100


# Files -----------------------------------------------------------------------------------------------------------


@both
async def test_the_content_of_a_file_is_performed_once(perform: Performer) -> None:
    one, two, three = "a" * 64, "b" * 64, "c" * 64
    await perform.transaction(entry("POST", "Patient", patient()), files=(one, two))

    for files, place in (((one,), 0), ((three, two), 1)):
        with refused(412, "duplicate", f"http.X-Import-File[{place}]"):
            await perform.transaction(entry("POST", "Patient", patient()), files=files)

    await perform.transaction(entry("POST", "Patient", patient()), files=(three,))
    assert await perform.count("Patient") == 2


async def test_a_file_that_was_refused_may_come_again(perform: Performer) -> None:
    with refused(422):
        await perform.transaction(entry("POST", "Patient", patient(gender="x")), files=("a" * 64,))

    await perform.transaction(entry("POST", "Patient", patient()), files=("a" * 64,))
    assert await perform.count("Patient") == 1


async def test_the_same_file_twice_in_one_transaction_is_refused(perform: Performer) -> None:
    with refused(412, "duplicate", "http.X-Import-File[1]"):
        await perform.transaction(entry("POST", "Patient", patient()), files=("a" * 64,) * 2)
