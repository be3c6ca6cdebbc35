"""About whom each caller reads traces, which acts on traces there are, and what is traced of acts that fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from fhir_server.access.audit import trace_of
from fhir_server.access.audit_event import Observer
from fhir_server.access.caller import Caller
from fhir_server.access.decisions import LINK, WHO
from fhir_server.engine import Engine
from fhir_server.interactions.auditing import Auditor
from fhir_server.interactions.call import Action, Call, Reply
from fhir_server.kernel.errors import Forbidden, Malformed, MethodNotAllowed
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.trace import BROKEN, REFUSED, Outcome, TraceQuery
from fhir_server.kernel.wire import MAX_DEPTH_KEPT, Tree, depth_of
from tests.auditing import Auditing, auditing
from tests.builders import entry, nested, observation, organization
from tests.circles import CITIZEN, NURSE, PERSON, PHARMACIST, patient, relative, to
from tests.fhir_server.interactions.performing import refused, statuses
from tests.flows.test_audit_read import FED
from tests.flows.traced import FEEDER, RELATION, SON
from tests.guarded import DPO, OPERATOR, Guarded, decided

GUARDIAN: Final = (RELATION, "GUARD")
PARENT: Final = Caller("citizen", roles=("personne", "representant-legal"), actors=(PERSON, *SON.actors))
MINOR: Final = f"{datetime.now(UTC).year - 10}-01-01"
MEASURE: Final = ("mesure-protection", "RelatedPerson/son")
CHILD: Final[Tree] = {**patient(birthDate=MINOR), "id": "other"}


@pytest.fixture
async def log(url: str, tmp_path: Path) -> AsyncIterator[Auditing]:
    async with auditing(url, tmp_path) as opened:
        yield opened


@pytest.fixture
def auditor(guarded: Guarded, log: Auditing) -> Auditor:
    return Auditor(log.log, Observer(), guarded.server)


@pytest.fixture
def audited(guarded: Guarded, auditor: Auditor) -> Guarded:
    """A server that traces, and has no resources."""
    guarded.engine = Engine(guarded.server, auditor)
    return guarded


@pytest.fixture
async def traces(log: Auditing) -> Mapping[str, str]:
    """Three reads: whom each was about, by the id of its trace."""
    call, found = Call(Action.READ, "Observation", "1"), {}
    for name in (PERSON.id, "other", "nobody"):
        persons = [] if name == "nobody" else [Key("Patient", name)]
        found[await log.log.write(trace_of(call, Reply(200), NURSE, at=now(), persons=persons))] = name
    return found


async def newest(log: Auditing) -> tuple[Outcome, dict[str, Any]]:
    """How the act ended that was traced last, and what its trace says."""
    page = await log.log.search(TraceQuery(0, now() + 60_000_000, count=1))
    return page.items[0].outcome, orjson.loads(page.items[0].data)


async def about(reader: Guarded, traces: Mapping[str, str]) -> set[str]:
    """Whom the traces are about that somebody finds."""
    found = await reader.search("AuditEvent", "agent=PractitionerRole/nurse")
    events = [one["resource"] for one in found.get("entry", ()) if one["search"]["mode"] == "match"]
    return {traces[event["id"].partition(".")[0]] for event in events}


@pytest.mark.parametrize(
    ("reader", "persons"),
    [
        pytest.param(DPO, {"payet", "other", "nobody"}, id="the DPO"),
        pytest.param(OPERATOR, {"payet", "other", "nobody"}, id="an operator"),
        pytest.param(CITIZEN, {"payet"}, id="the person"),
        pytest.param(NURSE, set(), id="who acted"),
        pytest.param(FEEDER, set(), id="a system that feeds traces"),
        pytest.param(SON, set(), id="a relative who is not known here"),
    ],
)
async def test_who_reads_traces_about_whom(
    audited: Guarded, traces: Mapping[str, str], reader: Caller, persons: set[str]
) -> None:
    assert await about(audited.by(reader), traces) == persons


@pytest.mark.parametrize(
    ("trees", "persons"),
    [
        pytest.param([decided(*MEASURE)], {"payet"}, id="a measure of protection"),
        pytest.param([decided(*MEASURE, data=["trace"])], {"payet"}, id="one for traces"),
        pytest.param([decided(*MEASURE, data=["sante"])], set(), id="one that leaves traces out"),
        pytest.param([decided(*MEASURE, end="2021-01-01")], set(), id="one that is over"),
        pytest.param([decided("acces-aidant", MEASURE[1], data=["trace"])], set(), id="a carer"),
        pytest.param([relative("son", GUARDIAN)], set(), id="a guardian of somebody of age"),
        pytest.param([patient(birthDate=MINOR)], set(), id="a relative of a minor"),
        pytest.param([patient(birthDate=MINOR), relative("son", GUARDIAN)], {"payet"}, id="a guardian"),
        pytest.param(
            [CHILD, relative("son", GUARDIAN, patient=to("Patient/other"))], {"other"}, id="of another child"
        ),
    ],
)
async def test_a_relative_reads_what_is_traced_about_a_person_whom_they_represent_now(
    audited: Guarded, traces: Mapping[str, str], trees: list[Tree], persons: set[str]
) -> None:
    await audited.keep(patient(), relative("son", (RELATION, "SON")), *trees)

    assert await about(audited.by(SON), traces) == persons


async def test_which_version_of_the_person_a_relative_was_tied_to_is_of_no_importance(
    audited: Guarded, traces: Mapping[str, str]
) -> None:
    tied = relative("son", (RELATION, "SON"), patient=to("Patient/payet/_history/1"))
    await audited.keep(patient(), tied, decided(*MEASURE))

    assert await about(audited.by(SON), traces) == {"payet"}


async def test_a_parent_reads_their_own_traces_and_those_of_the_child_until_the_tie_is_gone(
    audited: Guarded, traces: Mapping[str, str]
) -> None:
    await audited.keep(patient(), CHILD, relative("son", GUARDIAN, patient=to("Patient/other")))

    assert await about(audited.by(PARENT), traces) == {"payet", "other"}
    await audited.delete(SON.actors[0])
    assert await about(audited.by(PARENT), traces) == {"payet"}


@pytest.mark.parametrize("id", ["a", None])
@pytest.mark.parametrize("action", [Action.UPDATE, Action.PATCH, Action.DELETE])
@pytest.mark.parametrize("alone", [True, False])
async def test_traces_are_kept_as_they_are(
    auditor: Auditor, action: Action, id: str | None, *, alone: bool
) -> None:
    with pytest.raises(MethodNotAllowed, match="Traces are kept as they are") as caught:
        await auditor.act(Call(action, "AuditEvent", id, caller=OPERATOR), alone=alone)

    assert caught.value.allow == ("GET", "POST")


async def test_a_transaction_reads_traces_and_keeps_none_and_says_what_would_be_right(
    audited: Guarded, traces: Mapping[str, str]
) -> None:
    await audited.keep()
    [trace] = (trace for trace, name in traces.items() if name == "nobody")

    read, searched = await audited.by(DPO).transaction(
        entry("GET", f"AuditEvent/{trace}"), entry("GET", "AuditEvent?agent=PractitionerRole/nurse")
    )
    assert read["resource"]["id"] == trace
    assert len(traces) == sum(one["search"]["mode"] == "match" for one in searched["resource"]["entry"])

    with refused(400, "not-supported") as texts:
        await audited.by(FEEDER).transaction(entry("POST", "AuditEvent", FED))
    assert "a POST of its own, or a batch, would be right" in texts[0]
    assert statuses(await audited.by(FEEDER).batch(entry("POST", "AuditEvent", FED))) == ["201"]


@pytest.mark.parametrize("padding", [0, 600_000], ids=["small", "large"])
async def test_a_transaction_is_traced_by_the_entry_that_failed(
    audited: Guarded, log: Auditing, padding: int
) -> None:
    await audited.keep(patient(), observation(PERSON, id="weight"))

    with refused(404):
        await audited.by(PHARMACIST).transaction(
            entry("GET", "Organization/dac"),
            {**entry("GET", "Observation/weight"), "resource": organization("x" * padding)},
        )

    outcome, said = await newest(log)
    assert (outcome, said["kind"], said["status"], said["gate"]) == (REFUSED, "transaction", 404, LINK)
    assert said["what"] == [["Observation", "weight", 0, "", "R"]]
    assert said["persons"] == ["payet"]


HEAD: Final = b'{"resourceType": "Bundle", "type": "transaction", "entry": [%s]}'
READ: Final = HEAD % b'{"request": {"method": "GET", "url": "Observation/1"}}'


@pytest.mark.parametrize(
    ("body", "place", "what"),
    [
        (READ, "Bundle.entry[0].request", [["Observation", "1", 0, "", "R"]]),
        (READ, "Bundle.type", None),
        (READ, "Bundle.entry[1]", None),
        (b"", "Bundle.entry[0]", None),
        *[
            (HEAD % entry, "Bundle.entry[0]", None)
            for entry in (
                b'{"request": {"method": "GET"}}',
                b"7",
                b"null",
                b'["x"]',
                b"{}",
                b'{"request": {"method": 7, "url": 7}}',
                b'{"request": {"method": "POST", "url": "Patient"}, "resource": []}',
                b'{"request": {"method": "GET", "url": "Patient/1", "ifModifiedSince": 7}}',
            )
        ],
    ],
)
async def test_a_bundle_is_traced_itself_where_it_is_not_clear_which_entry_failed(
    auditor: Auditor, log: Auditing, body: bytes, place: str, what: list[Any] | None
) -> None:
    await auditor.failed(Call(Action.BUNDLE, body=body, caller=NURSE), Malformed("Not this", place), now())

    _, said = await newest(log)
    assert (said["kind"], said["status"], said.get("what")) == ("transaction", 400, what)


@pytest.mark.parametrize("kind", ["transaction", "batch"])
async def test_a_bundle_of_what_are_no_entries_is_refused_and_traced(
    audited: Guarded, log: Auditing, kind: str
) -> None:
    body = b'{"resourceType": "Bundle", "type": "%s", "entry": [7]}' % kind.encode()

    with refused(400):
        await audited.engine.perform(Call(Action.BUNDLE, body=body, caller=NURSE))

    _, said = await newest(log)
    assert (said["kind"], said["status"]) == ("transaction", 400)


async def test_an_event_that_could_not_be_read_again_is_not_kept(audited: Guarded) -> None:
    feeder, dpo = audited.by(FEEDER), audited.by(DPO)
    deepest = {**FED, "extension": [nested(93, valueCoding={"code": "x"})]}
    deeper = {**FED, "extension": [nested(94, valueString="x")]}
    assert (depth_of(deepest), depth_of(deeper)) == (MAX_DEPTH_KEPT, MAX_DEPTH_KEPT + 1)

    await feeder.create(deepest)
    with refused(400, "structure", "AuditEvent") as texts:
        await feeder.create(deeper)

    assert f"at most {MAX_DEPTH_KEPT} levels" in texts[0]
    found, _remark = (await dpo.search("AuditEvent", "agent=PractitionerRole/gp"))["entry"]
    assert found["resource"]["extension"] == deepest["extension"]


@pytest.mark.parametrize(
    ("error", "outcome", "said"),
    [
        (Forbidden("chute"), REFUSED, {"status": 403, "gate": WHO, "rule": "not granted"}),
        (ValueError("chute"), BROKEN, {"status": 500}),
    ],
    ids=["the client was not granted it", "a defect of ours"],
)
async def test_a_trace_tells_how_an_act_failed_and_not_what_the_error_says(
    auditor: Auditor, log: Auditing, error: Exception, outcome: Outcome, said: dict[str, Any]
) -> None:
    await auditor.failed(Call(Action.READ, "Observation", "1", caller=NURSE), error, now())

    ended, found = await newest(log)
    assert (ended, {name: found[name] for name in ("status", "gate", "rule") if name in found}) == (
        outcome,
        said,
    )
    assert "chute" not in str(found)
