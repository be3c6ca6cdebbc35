"""Another stamp for a resource and all its versions, without a new version: what it says is the same as before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.sight import Stamp
from fhir_server.store.binary import (
    INT2,
    INT8,
    INT8_ARRAY,
    TEXT,
    pack_int2,
    pack_int8,
    pack_int8s,
    pack_text,
    unpack_int,
)
from fhir_server.store.pipeline import Statement
from fhir_server.store.seeing import labels_of, parties_of, person_of, persons_of, stamp_in, text_of
from fhir_server.store.watermark import Run

_COLUMNS: Final = ("cell", "labels", "owner", "compartment", "parties", "persons", "stamp")
_SET: Final = ", ".join(f"{name} = ${number}" for number, name in enumerate(_COLUMNS, 2))

_HELD: Final = Statement(
    "stamp_held", "select cell, labels, stamp from resource where self = $1 for no key update", (INT8,)
)
_RESTAMP: Final = Statement(
    "restamp",
    f"""
    with own as (update resource set {_SET} where self = $1 returning pk)
    update version v set {_SET} from own where v.pk = own.pk""",
    (INT8, INT2, INT2, INT8, INT8, INT8_ARRAY, INT8_ARRAY, TEXT),
)


async def restamp(run: Run, hasher: Hasher, key: Key, change: Callable[[Stamp], Stamp]) -> None:
    """Nobody else changes the stamp in between. Nothing happens to a key that is not there."""
    number = pack_int8(hasher.self_of(key))
    rows = await run(_HELD, (number,))
    if not rows:
        return
    cell, labels, text = rows[0]
    old = stamp_in(unpack_int(cell or b""), unpack_int(labels or b""), text)
    new = change(old)
    if new == old:
        return
    person, parties, persons, names = (
        person_of(new),
        parties_of(new, hasher),
        persons_of(new, hasher),
        text_of(new),
    )
    await run(
        _RESTAMP,
        (
            number,
            pack_int2(new.cell),
            pack_int2(labels_of(new)),
            None if new.owner is None else pack_int8(hasher.self_of(new.owner)),
            None if person is None else pack_int8(hasher.self_of(person)),
            None if parties is None else pack_int8s(parties),
            None if persons is None else pack_int8s(persons),
            None if names is None else pack_text(names),
        ),
    )
