"""perform(Call): picks, tries again, and says what a commit refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from fhir_server import engine
from fhir_server.interactions.call import Action
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.view import View
from fhir_server.store.contract import Missing, Referenced, Stale, Transaction
from fhir_server.store.memory import MemoryStore
from tests.builders import bundle, entry, extension, fhirpath_patch, observation, operation, patient, urn
from tests.fhir_server.interactions.performing import BASE, Performer, key_in, refused

A = Key("Patient", "a")


class Unlucky(MemoryStore):
    """A store whose first commits fail."""

    def __init__(self, failures: int, failure: Callable[[], Exception] = Stale) -> None:
        super().__init__()
        self.failures = failures
        self.failure = failure
        self.forms: list[bool] = []

    def begin(
        self, *, interactive: bool = False, view: View | None = None
    ) -> AbstractAsyncContextManager[Transaction]:
        self.forms.append(interactive)
        return self._unlucky(super().begin(interactive=interactive, view=view))

    @asynccontextmanager
    async def _unlucky(self, begun: AbstractAsyncContextManager[Transaction]) -> AsyncIterator[Transaction]:
        async with begun as tx:
            yield tx
            if self.failures:
                self.failures -= 1
                raise self.failure()


@pytest.fixture
def perform() -> Performer:
    return Performer(MemoryStore())


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No waiting between attempts."""
    monkeypatch.setattr("fhir_server.engine.random.uniform", lambda _low, _high: 0)


# Which way -------------------------------------------------------------------------------------------------------


async def test_an_operation_that_there_is_not_is_not_found(perform: Performer) -> None:
    with refused(404, "not-supported"):
        await perform(Action.OPERATION)


@pytest.mark.parametrize(
    ("tree", "status", "place"),
    [
        (patient(), 400, "resourceType"),
        ({}, 400, "resourceType"),
        (bundle("collection"), 400, "Bundle.type"),
        (bundle("searchset"), 400, "Bundle.type"),
        ({"resourceType": "Bundle"}, 400, "Bundle"),
        (bundle("batch", {"request": {"method": "GET", "url": 7}}), 400, "Bundle.entry[0].request.url"),
        (bundle("batch", {"request": "GET"}), 400, "Bundle.entry[0].request"),
        (
            bundle("batch", {"resource": "x", "request": {"method": "GET", "url": "x"}}),
            400,
            "Bundle.entry[0].resource",
        ),
        ({"resourceType": "Bundle", "type": "transaction", "entry": []}, 400, "Bundle.entry"),
        ({"resourceType": "Bundle", "type": "transaction", "entry": {}}, 400, "Bundle.entry"),
        ({"resourceType": "Bundle", "type": "transaction", "entry": [7]}, 400, "Bundle.entry[0]"),
        ({"resourceType": "Bundle", "type": ["transaction"]}, 400, "Bundle.type"),
    ],
)
async def test_the_base_takes_batches_and_transactions(
    perform: Performer, tree: Tree, status: int, place: str
) -> None:
    with refused(status, "", place):
        await perform(Action.BUNDLE, tree=tree)


async def test_a_bundle_over_the_cap_is_refused(perform: Performer) -> None:
    with refused(413, "too-long"):
        await perform.with_settings(max_body_bytes=1024)(Action.BUNDLE, body=b" " * 1025)


async def test_readiness_is_the_stores(perform: Performer) -> None:
    assert await perform.engine.ready()


# Again -----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("impatient")
async def test_a_lost_race_is_run_again_with_locks_after_the_second(perform: Performer) -> None:
    store = Unlucky(3)

    reply = await Performer(store).put(patient(id="a"))

    assert reply.status == 201
    assert store.forms == [False, False, True, True]


@pytest.mark.parametrize(
    ("ask", "forms"),
    [
        (lambda p: p.create(patient()), [False]),
        (lambda p: p.put(patient(id="a")), [False]),
        (lambda p: p.create(patient(), if_none_exist="identifier=1"), [True]),
        (lambda p: p.put(patient(), query="identifier=1"), [True]),
        (lambda p: p.delete(A), [True]),
        (lambda p: p(Action.DELETE, "Patient", query="identifier=1"), [True]),
        (lambda p: p.transaction(entry("POST", "Patient", patient())), [False]),
        (lambda p: p.transaction(entry("PUT", "Patient?identifier=1", patient())), [False, True]),
        (
            lambda p: p.transaction(entry("POST", "Patient", patient()), entry("GET", "Patient")),
            [False, True],
        ),
        (lambda p: p.batch(entry("POST", "Patient", patient()), entry("GET", "Patient")), [False]),
    ],
)
async def test_locks_are_held_where_something_is_decided_under_them(
    ask: Callable[[Performer], Any], forms: list[bool]
) -> None:
    store = Unlucky(0)

    await ask(Performer(store))

    assert store.forms == forms


@pytest.mark.usefixtures("impatient")
async def test_who_loses_every_race_may_come_again() -> None:
    store = Unlucky(1000)

    with refused(503, "transient"):
        await Performer(store).create(patient())

    assert len(store.forms) == engine.ATTEMPTS


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("type", ["batch", "transaction"])
async def test_each_attempt_begins_with_what_was_sent(type: str) -> None:
    store = Unlucky(0)
    perform = Performer(store)
    await perform.put(patient("1", id="a"))
    store.failures = 2
    entries = [
        entry("POST", "Observation", observation(urn(1)), urn(2)),
        entry("PUT", "Patient?identifier=1", patient("1", active=True), urn(1)),
        entry("PUT", "Patient?identifier=2", patient("2")),
    ]

    answers = await (perform.batch if type == "batch" else perform.transaction)(*entries)

    subject = (await perform.at(key_in(answers[0])))["subject"]["reference"]
    assert subject == (urn(1) if type == "batch" else "Patient/a")
    assert (await perform.at(A))["meta"]["versionId"] == "2"
    assert await perform.count("Patient") == 2


@pytest.mark.usefixtures("impatient")
async def test_a_conditional_update_in_a_batch_forgets_the_id_of_a_lost_attempt() -> None:
    store = Unlucky(2)
    strict = Performer(store, client_ids=False)

    (answer,) = await strict.batch(entry("PUT", "Patient?identifier=1", patient("1")))

    assert answer["response"]["status"] == "201 Created"


# What a commit refuses -------------------------------------------------------------------------------------------


async def test_every_place_of_a_reference_to_nothing_is_told(perform: Performer) -> None:
    tree = observation(
        "Patient/1",
        performer=[{"reference": f"{BASE}/Patient/1"}, {"reference": "Organization/2"}],
        extension=[extension(valueReference={"reference": "Patient/1/_history/3"})],
    )

    with refused(422, "not-found") as texts:
        await perform.create(tree)

    assert len(texts) == 4


@pytest.mark.parametrize(
    ("ask", "places"),
    [
        (lambda p: p.create(observation("Patient/x")), ("Observation.subject.reference",)),
        (lambda p: p.put(observation("Patient/x", id="o")), ("Observation.subject.reference",)),
        (
            lambda p: p.patch(
                Key("Observation", "o"),
                [
                    {
                        "op": "add",
                        "path": "/performer",
                        "value": [{"display": "x"}, {"reference": "Patient/x"}],
                    }
                ],
            ),
            ("Observation.performer[1].reference",),
        ),
        (
            lambda p: p(
                Action.PATCH,
                "Observation",
                "o",
                tree=fhirpath_patch(
                    operation(
                        "add",
                        "Observation",
                        name="subject",
                        value={"valueReference": {"reference": "Patient/x"}},
                    )
                ),
            ),
            ("Observation.subject.reference",),
        ),
        (
            lambda p: p.transaction(
                entry("POST", "Patient", patient()),
                entry("POST", "Observation", observation("Patient/x")),
                entry("POST", "Observation", observation("Patient/y")),
            ),
            ("Bundle.entry[1].resource.subject.reference", "Bundle.entry[2].resource.subject.reference"),
        ),
    ],
)
async def test_a_reference_to_nothing_is_told_by_its_place(
    perform: Performer, ask: Callable[[Performer], Any], places: tuple[str, ...]
) -> None:
    await perform.put(observation(id="o"))

    with refused(422, "not-found", *places):
        await ask(perform)

    assert await perform.count("Patient") == 0


async def test_endlessly_many_places_are_not_told(
    perform: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MAX_PLACES", 3)
    tree = observation(performer=[{"reference": "Patient/x"}] * 9)

    with refused(422, "not-found") as texts:
        await perform.create(tree)

    assert len(texts) == 3


@pytest.mark.parametrize(
    "ask", [lambda p: p.create(patient()), lambda p: p.transaction(entry("GET", "metadata"))]
)
async def test_what_is_missing_without_a_place_is_told_all_the_same(ask: Callable[[Performer], Any]) -> None:
    perform = Performer(Unlucky(1, lambda: Missing([Key("Patient", "x")])))

    with refused(422, "not-found", "") as texts:
        await ask(perform)

    assert texts[0].startswith("Patient/x does not exist here")


async def test_what_goes_missing_before_there_is_an_answer_is_told(
    perform: Performer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def missing(*_arguments: object) -> None:
        raise Missing([Key("Patient", "x")])

    monkeypatch.setitem(engine.WRITES, Action.CREATE, missing)

    with refused(422, "not-found", ""):
        await perform.create(patient())


async def test_what_a_commit_finds_referred_to_is_a_conflict() -> None:
    perform = Performer(Unlucky(1, lambda: Referenced(A, [Key("Observation", "o"), Key("Observation", "p")])))

    with refused(409, "conflict") as texts:
        await perform.create(patient())

    assert texts == ["Patient/a cannot be deleted: Observation/o, Observation/p refers to it"]
