"""https://hl7.org/fhir/R4/search.html#summary"""

from __future__ import annotations

from fhir_server.interactions.subsetted import SUBSETTED
from fhir_server.kernel.keys import Key
from tests.builders import patient
from tests.fhir_server.interactions.performing import Performer, refused

PART = patient("of all", id="a", meta={"tag": [{"system": "urn:other", "code": "x"}, SUBSETTED]})
WHOLE = patient("whole", id="a", gender="female")


async def test_a_part_is_not_written_over_the_whole(perform: Performer) -> None:
    await perform.put(WHOLE)

    with refused(422, "business-rule", "Patient.meta.tag"):
        await perform.put(PART)
    with refused(422, "business-rule", "Patient.meta.tag"):
        await perform.put(PART, query="_id=a")

    assert (await perform.at(Key("Patient", "a")))["gender"] == "female"


async def test_what_is_here_in_part_may_be_brought_up_to_date_and_made_whole(perform: Performer) -> None:
    assert (await perform.put(PART)).status == 201
    assert (await perform.put({**PART, "gender": "male"})).status == 200
    assert (await perform.put(WHOLE)).status == 200


async def test_another_tag_is_no_sign_of_a_part(perform: Performer) -> None:
    await perform.put(WHOLE)

    other = {**PART, "meta": {"tag": [{"system": "urn:other", "code": "SUBSETTED"}]}}

    assert (await perform.put(other)).status == 200
