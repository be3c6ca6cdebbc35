"""The trace of a read, told before the row is read: what can only be known then is left for the store to fill in.

So a read and its trace are one statement, and one commit is all that a trace takes. Only what is plainly asked can be
foretold: the current version of one resource, without conditions. What becomes of it otherwise is traced as usual.
"""

from __future__ import annotations

from typing import Final, Protocol

import orjson

from fhir_server.access.audit import acting, agents_of
from fhir_server.access.caller import Caller
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import Foretold
from fhir_server.kernel.wire import encode

_READ: Final = "read"


class Asked(Protocol):
    """What `interactions.call.Call` says of a request for the current version of a resource."""

    @property
    def address(self) -> str: ...
    @property
    def request(self) -> str: ...


def foretold(asked: Asked, thing: Key, caller: Caller, *, at: int) -> Foretold:
    """What `audit.trace_of` will make of it, if `thing` is given out. `at`: when the call began, in µs."""
    kind, name = orjson.dumps(thing.type), orjson.dumps(thing.id)
    begun = encode({"at": at, "kind": _READ, "status": 200, "agent": acting(caller)})
    persons = b',"persons":[%b]' % name if thing.type == "Patient" else b""
    end = b"}"
    if asked.request:
        end = b',"request":%b}' % orjson.dumps(asked.request)
    if asked.address:
        end = b',"address":%b%b' % (orjson.dumps(asked.address), end)
    told = b',"","R"]]' + persons
    return Foretold(
        thing,
        before=b'%b,"what":[[%b,%b,' % (begun[:-1], kind, name),
        between=told + b',"numbers":[',
        after=b"]" + end,
        ending=told + end,
        agents=agents_of(caller),
    )
