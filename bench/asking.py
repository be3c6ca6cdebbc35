"""What a workload asks of the server, as data: templates, for wrk in Lua and for Python as requests.

In a path, a header or a body a word between at-signs stands for something that differs from request to request:

- `@it@`: the value this request is about, drawn from the pool that `Ask.of` names;
- `@n@`: a number that no other request has;
- any other name: a value of that pool, drawn anew wherever it stands.

https://github.com/wg/wrk/blob/master/SCRIPTING
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

_PLACE = re.compile(r"@([a-z]+)@")
_OPERANDS = 50  # that one Lua expression may join; it has registers for about 200
_STEP = 1_000_000  # requests that a run may make before it meets another run's numbers
USED_UP = "used_up"  # not an id: what asks for more than a pool has is refused, and counted as a failure

Pools: TypeAlias = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Ask:
    """One kind of request. `bodies` are taken in turn; `status` is the answer that counts as right."""

    method: str
    path: str
    limit: str  # the floor that it is compared with: `select` or `insert`
    status: int = 200
    of: str = ""  # the pool of `@it@`
    headers: Mapping[str, str] = field(default_factory=dict)
    bodies: tuple[str, ...] = ()
    resources: int = 1  # that a request reads or writes: how many rows of the floor it stands for
    share: int = 1  # of the workload's requests
    holds: str = ""  # what the answer must contain: who finds nothing is not fast


@dataclass(frozen=True, slots=True)
class Workload:
    """`target` and `multiple` are what the project has set itself.

    The one is the least ratio to the limit at c=16, the other the most that one client may wait, in reads by id.
    """

    name: str
    asks: tuple[Ask, ...]
    target: float | None = None
    spends: str = ""  # a pool whose values serve once; it is refilled before every run
    multiple: float | None = None
    counts: bool = False  # it takes longer where there is more
    server: str = ""  # which of the suite's other servers is asked
    beside: str = ""  # the workload that asks the same with less around it
    costs: float | None = None  # the share of CPU and of throughput that this may cost
    slower: float | None = None  # the most that one client may wait, in times of what is beside
    adds: float | None = None  # the most CPU that it may add, in µs, and one commit to the time of one client
    crowded: bool = False  # its CPU is measured with more clients too, so that no processor idles

    def limit(self, floors: Mapping[str, float | None]) -> float | None:
        """Requests a second, if a resource took no longer than a row of the floor. `floors`: rows a second."""
        seconds = 0.0
        for ask in self.asks:
            rate = floors[ask.limit]
            if rate is None:
                return None
            seconds += ask.share * ask.resources / rate
        return sum(ask.share for ask in self.asks) / seconds

    @property
    def limits(self) -> str:
        """The names of the floors that `limit` is made of."""
        return " and ".join(dict.fromkeys(ask.limit for ask in self.asks))


@dataclass(frozen=True, slots=True)
class Request:
    """One request, ready to be sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int  # expected
    holds: str = ""  # what the answer must contain


def requests_of(workload: Workload, pools: Pools, rng: random.Random) -> Iterator[Request]:
    """Requests as wrk would send them, without end."""
    spent = iter(pools[workload.spends]) if workload.spends else iter(())
    shares = [ask.share for ask in workload.asks]
    for number in count(time.time_ns() // 1000):
        (ask,) = rng.choices(workload.asks, shares)
        it = ""
        if ask.of:
            it = next(spent, USED_UP) if ask.of == workload.spends else rng.choice(pools[ask.of])

        def value(place: re.Match[str], it: str = it, number: int = number) -> str:
            match place[1]:
                case "it":
                    return it
                case "n":
                    return str(number)
                case pool:
                    return rng.choice(pools[pool])

        yield Request(
            ask.method,
            _PLACE.sub(value, ask.path),
            {name: _PLACE.sub(value, text) for name, text in ask.headers.items()},
            _PLACE.sub(value, rng.choice(ask.bodies)) if ask.bodies else "",
            ask.status,
            ask.holds,
        )


def script_of(workload: Workload, pools: Pools) -> str:
    """The workload in Lua, defining `request`. What is the same every time is put together only once."""
    names = sorted(set().union(*map(_pools_of, workload.asks)))
    lines = [
        "math.randomseed(os.time())",
        f"local n, taken = math.random({_STEP}) * {_STEP}, 0",
        "local function any(pool) return pool[math.random(#pool)] end",
        *(f"local {name} = {_table([_quoted(value) for value in pools[name]])}" for name in names),
    ]
    for number, ask in enumerate(workload.asks):
        lines += _ask(f"ask{number}", ask, workload.spends)
    return "\n".join([*lines, *_request(workload.asks)]) + "\n"


def _ask(name: str, ask: Ask, spends: str) -> list[str]:
    """A Lua function that makes the request of `ask`."""
    headers = "{" + ", ".join(f"[{_quoted(k)}] = {_joined(v)}" for k, v in ask.headers.items()) + "}"
    if len(ask.bodies) < 2 and not any(map(_PLACE.search, (ask.path, *ask.headers.values(), *ask.bodies))):
        made = f"wrk.format({_quoted(ask.method)}, {_quoted(ask.path)}, {headers}, {_body(ask)})"
        return [
            f"local made_{name}",
            f"local function {name}() made_{name} = made_{name} or {made}",
            f"return made_{name} end",
        ]
    lines = [f"local function {name}()", "n = n + 1"]
    if ask.bodies:
        functions = [f"function(it, n) return {_joined(body)} end" for body in ask.bodies]
        lines.insert(0, f"local bodies_{name} = {_table(functions)}")
    if ask.of and ask.of == spends:
        lines += ["taken = taken + 1", f'local it = {ask.of}[taken] or "{USED_UP}"']
    elif ask.of:
        lines.append(f"local it = any({ask.of})")
    body = f"bodies_{name}[n % #bodies_{name} + 1](it, n)" if ask.bodies else "nil"
    return [*lines, f"return wrk.format({_quoted(ask.method)}, {_joined(ask.path)}, {headers}, {body}) end"]


def _request(asks: Sequence[Ask]) -> list[str]:
    """The function that wrk calls: one of `asks`, each as often as its share says."""
    if len(asks) == 1:
        return ["request = ask0"]
    lines = ["function request()", f"local r = math.random({sum(ask.share for ask in asks)})"]
    reached = 0
    for number, ask in enumerate(asks):
        reached += ask.share
        lines.append(f"if r <= {reached} then return ask{number}() end")
    return [*lines, "end"]


def _body(ask: Ask) -> str:
    return _quoted(ask.bodies[0]) if ask.bodies else "nil"


def _pools_of(ask: Ask) -> set[str]:
    texts = (ask.path, *ask.headers.values(), *ask.bodies)
    named = {name for text in texts for name in _PLACE.findall(text)} - {"it", "n"}
    return named | {ask.of} if ask.of else named


def _joined(text: str) -> str:
    """A template as a Lua expression of `it` and `n`."""
    parts = []
    for place, piece in enumerate(_PLACE.split(text)):
        if place % 2 == 0:
            parts += [_quoted(piece)] if piece else []
        else:
            parts.append(piece if piece in {"it", "n"} else f"any({piece})")
    if len(parts) > _OPERANDS:
        return f"table.concat({_table(parts)})"
    return " .. ".join(parts) or '""'


def _table(values: Sequence[str]) -> str:
    return "{" + ",\n".join(values) + "}"


def _quoted(text: str) -> str:
    """JSON's quoting is Lua's for text without control characters other than line breaks and tabs."""
    return json.dumps(text, ensure_ascii=False)
