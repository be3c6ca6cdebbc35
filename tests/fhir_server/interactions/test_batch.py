"""https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from fhir_server.interactions.call import Action
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode
from fhir_server.validation.validator import check
from tests.builders import bundle, entry, fhirpath_patch, observation, operation, patient, urn
from tests.fhir_server.interactions.performing import Performer, both, key_in, refused, statuses


@both
async def test_each_entry_stands_for_itself(perform: Performer) -> None:
    key = await perform.made(patient("1"))
    add = fhirpath_patch(operation("add", "Patient", name="active", value={"valueBoolean": True}))

    answers = await perform.batch(
        entry("POST", "Patient", patient("2")),
        entry("POST", "Patient", patient(gender="blue")),
        entry("GET", "Patient/nobody"),
        entry("PUT", "Patient/a", patient(id="a")),
        entry("PATCH", str(key), add),
        entry("GET", str(key)),
        {"resource": patient()},
        entry("POST", "Observation", observation("Patient/nobody")),
        entry("GET", "$everything"),
        entry("POST", "Patient", patient("1"), ifNoneExist="identifier=1"),
    )

    assert statuses(answers) == ["201", "422", "404", "201", "200", "200", "400", "422", "404", "200"]
    assert answers[5]["resource"]["active"] is True
    assert await perform.count("Patient") == 3


async def test_a_failure_says_its_place_in_the_bundle(perform: Performer) -> None:
    answers = await perform.batch(
        entry("GET", "metadata"),
        entry("POST", "Patient", patient(gender="blue")),
        entry("POST", "Observation", observation("Patient/nobody")),
        entry("PUT", "Shoe/1", patient()),
    )

    places = [
        answer["response"].get("outcome", {}).get("issue", [{}])[0].get("expression") for answer in answers
    ]
    assert places == [
        None,
        ["Bundle.entry[1].resource.gender"],
        ["Bundle.entry[2].resource.subject.reference"],
        ["Bundle.entry[3].request.url"],
    ]


async def test_an_empty_batch_has_an_empty_answer(perform: Performer) -> None:
    reply = await perform(Action.BUNDLE, tree=bundle("batch"))

    assert reply.body == b'{"resourceType":"Bundle","type":"batch-response"}'
    assert check(decode(reply.body)) == []


async def test_links_between_entries_are_no_part_of_a_batch(perform: Performer) -> None:
    answers = await perform.batch(
        entry("POST", "Patient", patient(), urn(1)), entry("POST", "Observation", observation(urn(1)))
    )

    assert (await perform.at(key_in(answers[1])))["subject"]["reference"] == urn(1)


async def test_changes_of_all_entries_are_told(perform: Performer) -> None:
    reply = await perform(
        Action.BUNDLE,
        tree=bundle(
            "batch", entry("PUT", "Patient/b", patient(id="b")), entry("PUT", "Patient/a", patient(id="a"))
        ),
    )

    assert [change.key for change in reply.changes] == [Key("Patient", "b"), Key("Patient", "a")]


async def test_the_cap_is_for_batches_too(perform: Performer) -> None:
    with refused(413, "too-long"):
        await perform.with_settings(max_bundle_entries=1).batch(*[entry("GET", "metadata")] * 2)
