"""The interactions of FHIR REST as workloads, over the pools of `seeding.py`.

https://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from bench.asking import Ask, Workload
from bench.data import SYSTEM, observation, patient

_FHIR: Final = {"Content-Type": "application/fhir+json"}
_SYSTEM: Final = SYSTEM.replace(":", "%3A")


def _text(resource: dict[str, Any]) -> str:
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":"))


def _patients(seed: int, count: int = 50) -> list[dict[str, Any]]:
    """Each with an identifier of its own, so that no key of the index is shared by all."""
    rng = random.Random(seed)
    made = [patient(n, rng) for n in range(count)]
    for one in made:
        one["identifier"][0]["value"] = "@n@"
    return made


def _observations(seed: int, count: int) -> list[dict[str, Any]]:
    """Of some patient; each with an identifier of its own."""
    rng = random.Random(seed)
    made = [observation("@quiet@", rng) for _ in range(count)]
    for number, one in enumerate(made):
        one["identifier"] = [{"system": SYSTEM, "value": f"@n@-{number}"}]
    return made


def _bundle(type: str, entries: Sequence[dict[str, Any]]) -> tuple[str]:
    return (_text({"resourceType": "Bundle", "type": type, "entry": entries}),)


def _creates(type: str, seed: int, size: int) -> tuple[str]:
    """A batch or a transaction of `size` new Observations."""
    return _bundle(
        type,
        [
            {
                "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
                "resource": one,
                "request": {"method": "POST", "url": "Observation"},
            }
            for number, one in enumerate(_observations(seed, size))
        ],
    )


def _transaction(size: int, target: float | None = None) -> Workload:
    bodies = _creates("transaction", 9, size)
    ask = Ask("POST", "/fhir", "insert", headers=_FHIR, bodies=bodies, resources=size)
    return Workload(f"transaction of {size}", (ask,), target)


_READ = Ask("GET", "/fhir/Patient/@it@", "select", of="quiet")
_IDENTIFIER = Ask("GET", f"/fhir/Patient?identifier={_SYSTEM}%7C@it@", "select", of="numbers")
_CREATE_PATIENT = Ask(
    "POST", "/fhir/Patient", "insert", 201, headers=_FHIR, bodies=tuple(map(_text, _patients(7)))
)
_CREATE_OBSERVATION = Ask(
    "POST", "/fhir/Observation", "insert", 201, headers=_FHIR, bodies=tuple(map(_text, _observations(8, 200)))
)
_UPDATE = Ask(
    "PUT",
    "/fhir/Patient/@it@",
    "insert",
    of="changing",
    headers=_FHIR,
    bodies=tuple(_text({**one, "id": "@it@"}) for one in _patients(10)),
)

WORKLOADS: Final = (
    Workload("read", (_READ,), 0.25),
    Workload("vread", (Ask("GET", "/fhir/Patient/@it@/_history/2", "select", of="storied"),)),
    Workload(
        "conditional read",
        (Ask("GET", "/fhir/Patient/@it@", "select", 304, of="quiet", headers={"If-None-Match": 'W/"1"'}),),
    ),
    Workload("history", (Ask("GET", "/fhir/Patient/@it@/_history", "select", of="storied"),)),
    Workload("identifier", (_IDENTIFIER,), 0.16),
    Workload("create Patient", (_CREATE_PATIENT,), 0.15),
    Workload("create Observation", (_CREATE_OBSERVATION,), 0.20),
    Workload(
        "conditional create",  # there is one already
        (
            Ask(
                "POST",
                "/fhir/Patient",
                "select",
                of="numbers",
                headers={**_FHIR, "If-None-Exist": f"identifier={_SYSTEM}%7C@it@"},
                bodies=tuple(map(_text, _patients(11))),
            ),
        ),
    ),
    Workload("update", (_UPDATE,)),
    Workload(
        "patch",
        (
            Ask(
                "PATCH",
                "/fhir/Patient/@it@",
                "insert",
                of="changing",
                headers={"Content-Type": "application/json-patch+json"},
                bodies=(json.dumps([{"op": "replace", "path": "/identifier/1/value", "value": "L@n@"}]),),
            ),
        ),
    ),
    Workload(
        "delete", (Ask("DELETE", "/fhir/Observation/@it@", "insert", 204, of="doomed"),), spends="doomed"
    ),
    Workload(
        "batch of 10 reads",
        (
            Ask(
                "POST",
                "/fhir",
                "select",
                headers=_FHIR,
                bodies=_bundle(
                    "batch", [{"request": {"method": "GET", "url": "Patient/@quiet@"}} for _ in range(10)]
                ),
                resources=10,
            ),
        ),
    ),
    Workload(
        "batch of 10 creates",
        (Ask("POST", "/fhir", "insert", headers=_FHIR, bodies=_creates("batch", 12, 10), resources=10),),
    ),
    _transaction(1),
    _transaction(10),
    _transaction(100, 0.50),
    Workload(
        "mix",
        tuple(
            replace(ask, share=share)
            for ask, share in ((_READ, 80), (_IDENTIFIER, 10), (_CREATE_OBSERVATION, 5), (_UPDATE, 5))
        ),
    ),
)
