"""What one resource of each of ten types costs in Python, step by step, in µs.

Patient and Observation are those of the workloads; the others are of the demonstration dossier, with its real shapes.
One more Patient, with a national identity, is judged by the profile that it declares.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Final

import orjson

from bench.data import observation, patient
from fhir_server.definitions.packaged import SHIPPED
from fhir_server.demo import dossier
from fhir_server.interactions.references import targets_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode, encode, stamp
from fhir_server.search.entries import Hasher
from fhir_server.search.extract import entries_of
from fhir_server.store.contract import Draft
from fhir_server.store.flush import Flush
from fhir_server.validation.base import base_issues
from fhir_server.validation.judge import judge
from fhir_server.validation.validator import check
from fhir_server.validation.world import World
from terminology.codes import codes_of

TYPES: Final = (
    "Patient",
    "Observation",
    "Condition",
    "Encounter",
    "CarePlan",
    "Task",
    "DocumentReference",
    "QuestionnaireResponse",
    "Consent",
    "Practitioner",
)
# Component → the profile that its resource is asked to conform to.
PROFILES: Final = {
    "Patient (fr-core-patient-ins)": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient-ins"
}
COMPONENTS: Final = (*TYPES, *PROFILES)
_INS: Final = (
    Path(__file__).parents[1] / "profiles/source/cordee.fr/fr-core-2.2.0/examples/valid/patient-ins.json"
)


def micros(work: Callable[[], object], seconds: float = 0.1) -> float:
    """Median over 5 rounds of the CPU time of one call, in µs."""
    work()
    times = []
    for _ in range(5):
        count = 0
        start = time.process_time_ns()
        while time.process_time_ns() - start < seconds * 1e9 / 5:
            for _ in range(20):
                work()
            count += 20
        times.append((time.process_time_ns() - start) / 1000 / count)
    return median(times)


def bodies() -> dict[str, bytes]:
    """One resource of each type: the dossier's longest that is no longer than 10 kB."""
    rng = random.Random(1)
    found = {"Patient": orjson.dumps(patient(1, rng)), "Observation": orjson.dumps(observation("1", rng))}
    entries = decode(dossier())["entry"]
    for name in TYPES[2:]:
        told = [encode(e["resource"]) for e in entries if e["resource"]["resourceType"] == name]
        found[name] = max((body for body in told if len(body) <= 10_000), key=len)
    found |= dict.fromkeys(PROFILES, orjson.dumps(orjson.loads(_INS.read_bytes())))
    return found


def measured(body: bytes, profile: str = "") -> dict[str, float]:
    """Step → µs. `profile`: one that the resource is judged by, too."""
    return {step: micros(work) for step, work in _steps(body, profile)}


def _steps(body: bytes, profile: str) -> Iterator[tuple[str, Callable[[], object]]]:
    tree = decode(body)
    world = World(SHIPPED, codes_of(SHIPPED))
    issues = check(tree)
    assert not issues, issues
    hasher = Hasher(b"bench" * 4)
    key = Key(tree["resourceType"], "x")

    def written() -> bytes:
        stamp(tree, "x", 1, 0)
        return encode(tree)

    yield "orjson.loads (limit)", lambda: orjson.loads(body)
    yield "decode", lambda: decode(body)
    yield "validate", lambda: check(tree)
    yield "base constraints", lambda: list(base_issues(tree, world))
    if profile:
        assert not any(issue.severity == "error" for issue in judge(tree, world, (profile,)))
        yield "judge by its profile", lambda: judge(tree, world, (profile,))
    yield "extract and hash", lambda: entries_of(tree, hasher, "")
    yield "targets", lambda: targets_of(tree, "")
    yield "stamp and encode", written
    draft = _draft(tree, key, written(), hasher)
    yield "pack the write", lambda: _packed(draft, hasher)


def _draft(tree: Tree, key: Key, body: bytes, hasher: Hasher) -> Draft:
    entries, targets = entries_of(tree, hasher, ""), targets_of(tree, "")
    return Draft(key, 1, 0, body, "POST", entries, targets=targets)


def _packed(draft: Draft, hasher: Hasher) -> object:
    flush = Flush(hasher, 0)
    flush.add(draft, 1)
    flush.require(draft.targets)
    return flush.statement(0, 0)
