"""The members of a List: what an entry points to that is not marked as deleted.

A List is read before the search that asks about it, because the mark stands in its body alone.

https://hl7.org/fhir/R4/search.html#list
"""

from __future__ import annotations

from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import decode
from fhir_server.search.entries import Hasher
from fhir_server.search.sight import Sight
from fhir_server.store.binary import INT8, pack_int8, unpack_int8s
from fhir_server.store.pipeline import Statement
from fhir_server.store.seeing import OIDS, is_seen, numbered, packed
from fhir_server.store.watermark import Run

_LIST: Final = Statement(
    "list_members", "select refs, body from resource where self = $1 and not deleted", (INT8,)
)


_SEEN: Final = Statement(
    "list_members_seen",
    f"select refs, body from resource where self = $1 and not deleted and {is_seen('resource', numbered(2))}",
    (INT8, *OIDS),
)


async def members(run: Run, hasher: Hasher, key: Key, sight: Sight | None = None) -> list[int]:
    """What `self` they have. `refs` tells which references are to resources of this server."""
    number = pack_int8(hasher.self_of(key))
    rows = await (run(_LIST, (number,)) if sight is None else run(_SEEN, (number, *packed(sight, hasher))))
    if not rows:
        return []
    ((refs, body),) = rows
    numbers = unpack_int8s(refs or b"")
    item = hasher.seed("List", "item")
    held = {number for seed, number in zip(numbers[::2], numbers[1::2], strict=True) if seed == item}
    texts = [
        entry["item"]["reference"].partition("/_history/")[0]
        for entry in decode(body or b"{}").get("entry", ())
        if entry.get("deleted") is not True and "reference" in entry["item"]
    ]
    found = dict.fromkeys(hasher.of("/".join(text.rsplit("/", 2)[-2:])) for text in texts)
    return [number for number in found if number in held]
