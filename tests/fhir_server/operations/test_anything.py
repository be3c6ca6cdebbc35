"""Whatever is asked of an operation, the answer is one, or a refusal: never a failure of the server."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from fhir_server.interactions.call import Reply
from fhir_server.interactions.outcome import reply_of
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.wire import Tree, decode
from fhir_server.operations.registry import operations
from fhir_server.store.memory import MemoryStore
from fhir_server.validation.validator import check
from tests.builders import observation, patient
from tests.fhir_server.operations.asking import Operator, reference

NAMES = sorted(
    {name for operation in operations() for name in operation.inputs} | {"patient", "code", "_cursor", "x"}
)
TEXTS = [
    "p", "Patient/p", "2024", "2024-13-01", "2024-01-01T00:00:00Z", "0", "1", "-1", "99999999999999999999", "true", "",
    "Observation,Patient", "Observation:", "included:Patient/p", "included:", ":", "/", "a|b", "é", "\x00", "%",
    "a,b\\,c",
]  # fmt: skip
VALUES: list[Tree] = [
    *({"valueString": text} for text in TEXTS if text.strip("\x00")),
    {"valueInteger": 1},
    {"valueBoolean": True},
    {"valueDecimal": 1},
    {"valueReference": reference("Patient/p")},
    {"valueMeta": {"tag": [{"code": "a"}], "profile": ["urn:x"]}},
    {"valueMeta": {"tag": [{"display": "a"}], "_profile": [{"extension": [{"url": "urn:x", "valueCode": "x"}]}]}},
    {"resource": {"resourceType": "Patient"}},
    {"resource": {"resourceType": []}},
    {"resource": {"resourceType": "Observation", "meta": 7, "code": {"coding": [None]}, "subject": "x"}},
    {"resource": {"resourceType": "Patient", "name": [{"use": "official", "given": [None], "_given": [{"id": "x"}]}]}},
    {"valueString": "x", "resource": {"resourceType": "Patient"}},
    {"part": [{"name": "element", "valueUri": "urn:x", "part": [{"name": "a"}]}]},
    {"part": [{"name": "a", "valueString": "x"}]},
    {"_valueString": {"extension": [{"url": "urn:x", "valueCode": "x"}]}},
    {},
]  # fmt: skip
ADDRESSES = st.builds(
    lambda place, name: f"{place}{name}",
    st.sampled_from(["", "Patient/", "Patient/p/", "Patient/p/_history/1/", "Observation/", "Observation/o/",
                     "EpisodeOfCare/e/", "CareTeam/t/", "CareTeam/u/", "Composition/", "Composition/c/"]),
    st.sampled_from(sorted({operation.name for operation in operations()})),
)  # fmt: skip
QUERIES = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(TEXTS)), max_size=4).map(
    lambda pairs: "&".join(f"{name}={text}" for name, text in pairs)
)
BODIES = st.none() | st.lists(
    st.builds(lambda name, value: {"name": name, **value}, st.sampled_from(NAMES), st.sampled_from(VALUES)),
    max_size=3,
).map(lambda listed: {"resourceType": "Parameters", **({"parameter": listed} if listed else {})})


async def answer(server: Operator, address: str, body: Tree | None) -> Reply:
    try:
        return await server.ask(address, body)
    except FhirError as error:
        return reply_of(error)


@given(st.lists(st.tuples(ADDRESSES, QUERIES, BODIES), min_size=1, max_size=5))
def test_an_operation_answers_or_refuses(asked: list[tuple[str, str, Tree | None]]) -> None:
    async def story() -> None:
        server = Operator(MemoryStore())
        p = reference("Patient/p")
        await server.keep(
            patient(id="p"),
            observation("Patient/p", id="o"),
            {"resourceType": "CareTeam", "id": "t", "subject": p},
            {"resourceType": "CareTeam", "id": "u", "subject": {"display": "x"}},
            {"resourceType": "EpisodeOfCare", "id": "e", "status": "active", "patient": p,
             "team": [reference("CareTeam/t")]},
            {"resourceType": "Composition", "id": "c", "status": "final", "type": {"text": "x"}, "subject": p,
             "date": "2024", "author": [p], "title": "x"},
        )  # fmt: skip
        for address, query, body in asked:
            reply = await answer(server, f"{address}?{query}", body)
            assert reply.status < 500
            assert check(decode(reply.body)) == []

    asyncio.run(story())
