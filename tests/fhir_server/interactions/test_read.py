"""https://hl7.org/fhir/R4/http.html#read · https://hl7.org/fhir/R4/http.html#vread"""

from __future__ import annotations

from typing import Any

import pytest

from fhir_server.interactions.call import Action
from fhir_server.kernel.errors import Gone
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import http_text, instant_text
from fhir_server.kernel.wire import decode
from tests.builders import patient
from tests.fhir_server.interactions.performing import Performer, both, refused

A = Key("Patient", "a")


@both
async def test_a_read_gives_the_bytes_at_rest(perform: Performer) -> None:
    written = await perform.put(patient("1", id="a"))

    reply = await perform(Action.READ, *A)

    assert (reply.status, reply.body) == (200, written.body)
    assert (reply.key, reply.version, reply.updated) == (A, 1, written.updated)
    assert decode(reply.body)["meta"] == {"versionId": "1", "lastUpdated": instant_text(written.updated or 0)}


async def test_what_was_deleted_is_gone_with_its_version(perform: Performer) -> None:
    with refused(404, "not-found"):
        await perform(Action.READ, *A)

    await perform.put(patient(id="a"))
    await perform.delete(A)

    with pytest.raises(Gone) as caught:
        await perform(Action.READ, *A)
    assert caught.value.version == 2


@both
async def test_every_version_can_be_read(perform: Performer) -> None:
    for value in "12":
        await perform.put(patient(value, id="a"))
    await perform.delete(A)

    seen = [decode((await perform(Action.VREAD, *A, version=version)).body) for version in "12"]

    assert [tree["identifier"][0]["value"] for tree in seen] == ["1", "2"]
    with pytest.raises(Gone) as caught:
        await perform(Action.VREAD, *A, version="3")
    assert caught.value.version == 3


@pytest.mark.parametrize("version", ["2", "0", "01", "-1", "x", "", None, "1.0", "٣", "1" * 30, "999999999"])
async def test_a_version_that_never_was_is_not_found(perform: Performer, version: str | None) -> None:
    await perform.put(patient(id="a"))

    with refused(404, "not-found"):
        await perform(Action.VREAD, *A, version=version)


@pytest.mark.parametrize("action", [Action.READ, Action.VREAD])
@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ({}, 200),
        ({"if_none_match": 'W/"1"'}, 304),
        ({"if_none_match": '"1"'}, 304),
        ({"if_none_match": "*"}, 304),
        ({"if_none_match": 'W/"2", W/"1"'}, 304),
        ({"if_none_match": 'W/"2"'}, 200),
        ({"if_modified_since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 200),
        ({"if_modified_since": "Thu, 01 Jan 2099 00:00:00 GMT"}, 304),
        ({"if_modified_since": "Thu, 01 Jan 2099 00:00:00 -0000"}, 200),
        ({"if_modified_since": "Thu, 01 Jan 2099 00:00:00 +99999999999999999999"}, 200),
        ({"if_modified_since": "last week"}, 200),
        ({"if_modified_since": "Thu, 01 Jan 99999 00:00:00 GMT"}, 200),
        ({"if_none_match": 'W/"2"', "if_modified_since": "Thu, 01 Jan 2099 00:00:00 GMT"}, 200),
    ],
)
async def test_a_conditional_read(
    perform: Performer, action: Action, conditions: dict[str, Any], status: int
) -> None:
    await perform.put(patient(id="a"))

    reply = await perform(action, *A, version="1", **conditions)

    assert reply.status == status
    assert (reply.body == b"") == (status == 304)
    assert (reply.key, reply.version) == (A, 1)


async def test_the_second_of_its_last_change_is_no_change_since(perform: Performer) -> None:
    written = await perform.put(patient(id="a"))

    reply = await perform(Action.READ, *A, if_modified_since=http_text(written.updated or 0))

    assert reply.status == 304


async def test_a_tag_that_is_none_is_refused(perform: Performer) -> None:
    await perform.put(patient(id="a"))

    with refused(400, "value"):
        await perform(Action.READ, *A, if_none_match="1")
