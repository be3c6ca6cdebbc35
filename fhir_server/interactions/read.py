"""read and vread: stored bytes, as they are.

https://hl7.org/fhir/R4/http.html#read · https://hl7.org/fhir/R4/http.html#vread
"""

from __future__ import annotations

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.conditional import not_modified
from fhir_server.kernel.errors import Gone, NotFound
from fhir_server.kernel.keys import Key
from fhir_server.store.contract import Reader, Stored


async def read(call: Call, reader: Reader, server: Server) -> Reply:
    key = key_of(call)
    stored = await reader.read(key)
    if stored is None:
        raise NotFound(f"{key} is not known here")
    if stored.deleted:
        raise Gone(f"{key} was deleted", version=stored.version)
    return _shown(stored, call)


async def vread(call: Call, reader: Reader, server: Server) -> Reply:
    key = key_of(call)
    text = call.version or ""
    # Version ids of this server are plain counters; any other text names a version that never was.
    if not text.isascii() or not text.isdigit() or len(text) > 9 or text.startswith("0"):
        raise NotFound(f"{key} has no such version")
    stored = await reader.read(key, int(text))
    if stored is None:
        raise NotFound(f"{key} has no version {int(text)}")
    if stored.deleted:
        raise Gone(f"{key} was deleted by version {stored.version}", version=stored.version)
    return _shown(stored, call)


def key_of(call: Call) -> Key:
    """The key that an instance-level call is about."""
    assert call.type is not None, "the web layer gives instance calls a type"
    assert call.id is not None, "and an id"
    return Key(call.type, call.id)


def _shown(stored: Stored, call: Call) -> Reply:
    if not_modified(call.conditions, stored):
        return Reply(304, b"", stored.key, stored.version, stored.updated)
    return Reply(200, stored.body, stored.key, stored.version, stored.updated)
