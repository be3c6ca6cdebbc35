"""The trace of what is read, told before that: what can only be known then is left for the store to fill in.

So a read and its trace are one statement, and one commit is all that a trace takes. Only what is plainly asked can be
foretold: the current version of one resource, without conditions; a list of what is about one Patient. What becomes of
it otherwise is traced as usual.
"""

from __future__ import annotations

from typing import Final, Protocol

import orjson

from fhir_server.access.audit import SEARCH_OF_TYPE, acting, agents_of, shown
from fhir_server.access.caller import Caller
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import Foretold

_READ: Final = orjson.dumps("read")
_SEARCH: Final = orjson.dumps(SEARCH_OF_TYPE)


class Asked(Protocol):
    """What `interactions.call.Call` says of a request for the current version of a resource."""

    @property
    def address(self) -> str: ...
    @property
    def request(self) -> str: ...


def foretold(asked: Asked, thing: Key, caller: Caller, *, at: int) -> Foretold:
    """What `audit.trace_of` will make of it, if `thing` is given out. `at`: when the call began, in µs."""
    kind, name = orjson.dumps(thing.type), orjson.dumps(thing.id)
    persons = b',"persons":[%b]' % name if thing.type == "Patient" else b""
    return Foretold(
        thing,
        before=b'%b,"what":[[%b,%b,' % (_begun(_READ, caller, at), kind, name),
        middle=b',"","R"]]' + persons,
        ending=_end(asked),
        agents=agents_of(caller),
    )


def foretold_list(asked: Asked, type: str, query: str, caller: Caller, *, at: int) -> Foretold:
    """The same of a search: `query` finds what is about one Patient and, if anything, of them alone."""
    end = _end(asked)
    if said := shown(query):
        end = b',"query":%b%b' % (orjson.dumps(said), end)
    return Foretold(
        None,
        before=b'%b,"type":%b' % (_begun(_SEARCH, caller, at), orjson.dumps(type)),
        middle=b"",
        ending=end,
        agents=agents_of(caller),
    )


def _begun(kind: bytes, caller: Caller, at: int) -> bytes:
    return b'{"at":%d,"kind":%b,"status":200,"agent":%b' % (at, kind, acting(caller))


def _end(asked: Asked) -> bytes:
    end = b"}"
    if asked.request:
        end = b',"request":%b}' % orjson.dumps(asked.request)
    if asked.address:
        end = b',"address":%b%b' % (orjson.dumps(asked.address), end)
    return end
