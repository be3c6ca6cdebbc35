"""wrk scripts: what each workload asks for, in Lua. Every script defines `request`."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

from bench.data import SYSTEM, observation, patient

_HEAD = 'math.randomseed(os.time())\nlocal json = {["Content-Type"] = "application/fhir+json"}\n'


def _table(name: str, values: Sequence[str]) -> str:
    return f"local {name} = {{{','.join(json.dumps(v, ensure_ascii=False) for v in values)}}}\n"


def read(ids: Sequence[str]) -> str:
    return (
        _HEAD
        + _table("ids", ids)
        + 'function request() return wrk.format("GET", "/fhir/Patient/" .. ids[math.random(#ids)]) end\n'
    )


def identifier(numbers: Sequence[int]) -> str:
    return (
        _HEAD
        + _table("numbers", [f"{n:015d}" for n in numbers])
        + f'local path = "/fhir/Patient?identifier={SYSTEM}%7C"\n'
        + 'function request() return wrk.format("GET", path .. numbers[math.random(#numbers)]) end\n'
    )


def create(resources: Sequence[dict[str, Any]], kind: str) -> str:
    """Bodies with a `@@` in place of something that differs every time, so that no index key is shared by all."""
    bodies = [json.dumps(r, ensure_ascii=False, separators=(",", ":")) for r in resources]
    return (
        _HEAD
        + _table("bodies", bodies)
        + "local n = math.random(1000000) * 1000000\n"
        + "function request() n = n + 1; local body = bodies[n % #bodies + 1]:gsub('@@', tostring(n), 1)\n"
        + f'return wrk.format("POST", "/fhir/{kind}", json, body) end\n'
    )


def patients(seed: int, count: int = 50) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    made = [patient(n, rng) for n in range(count)]
    for one in made:
        one["identifier"][0]["value"] = "@@"
    return made


def observations(ids: Sequence[str], seed: int, count: int = 200) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    made = [observation(rng.choice(ids), rng) for _ in range(count)]
    for one in made:
        one["identifier"] = [{"system": SYSTEM, "value": "@@"}]
    return made


def transaction(ids: Sequence[str], seed: int, size: int = 100) -> str:
    """One transaction of `size` creates, Observations of known patients."""
    made = observations(ids, seed, size)
    for number, one in enumerate(made):
        one["identifier"][0]["value"] = f"{seed}-{number}"
    entries = [
        {
            "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
            "resource": one,
            "request": {"method": "POST", "url": "Observation"},
        }
        for number, one in enumerate(made)
    ]
    body = json.dumps(
        {"resourceType": "Bundle", "type": "transaction", "entry": entries}, separators=(",", ":")
    )
    return (
        _HEAD
        + _table("bodies", [body])
        + 'function request() return wrk.format("POST", "/fhir", json, bodies[1]) end\n'
    )


def vread(ids: Sequence[str]) -> str:
    return (
        _HEAD
        + _table("ids", ids)
        + "function request() local id = ids[math.random(#ids)]\n"
        + 'return wrk.format("GET", "/fhir/Patient/" .. id .. "/_history/1") end\n'
    )


def update(ids: Sequence[str], seed: int) -> str:
    """A new version of a known patient, with an identifier of its own."""
    made = patients(seed)
    for one in made:
        one["id"] = "##"
    return (
        _HEAD
        + _table("ids", ids)
        + _table("bodies", [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in made])
        + "local n = math.random(1000000) * 1000000\n"
        + "function request() n = n + 1; local id = ids[math.random(#ids)]\n"
        + "local body = bodies[n % #bodies + 1]:gsub('@@', tostring(n), 1):gsub('##', id, 1)\n"
        + 'return wrk.format("PUT", "/fhir/Patient/" .. id, json, body) end\n'
    )
