"""How all processes come to judge by the same definitions: whoever changes some tells the others, and waits for them.

Every commit that changes definitions has a number, the *edition*. The row of it is taken last in a transaction and held
until its end, so commits come in the order of their numbers, and so do the notifications, which name the number and
what has changed. Who listens (`watch.py`) holds a shared lock that names the last edition it has dealt with.

So a writer that has committed an edition and then sees no lock of a smaller one knows: every process that listens has
what it wrote. It is answered after that, or after a second at the latest.

https://www.postgresql.org/docs/current/sql-notify.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable
from fhir_server.store.binary import INT8, TEXT_ARRAY, pack_int8, pack_texts, unpack_bool, unpack_int
from fhir_server.store.pipeline import Statement
from fhir_server.store.watermark import Run

CHANNEL: Final = "cordee"  # on which all processes hear of what has changed
PACKAGES: Final = "packages"  # what a notification names when they have changed, and not a resource
HEARD_LOCKS: Final = 0x4348 << 48  # the advisory lock of who knows an edition is this plus its number

_FIRST_WAIT_SECONDS: Final = 0.001
_LONGEST_WAIT_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 1.0  # with a process that is busy

TELL_SQL: Final = f"""
    edited as (update edition set number = number + 1 {{condition}} returning number),
    told as materialized (
        select pg_notify('{CHANNEL}', e.number || ' ' || u.name) from edited e, unnest({{names}}) u(name))"""
TOLD_SQL: Final = "(select max(e.number) from edited e, (select count(*) from told) t)"
TELL: Final = Statement(
    "tell",
    f"with {TELL_SQL.format(condition='', names='$1::text[]')} select {TOLD_SQL}",
    (TEXT_ARRAY,),
)
BEHIND: Final = Statement(
    "behind",
    """
    select exists (
        select from pg_locks
        where locktype = 'advisory' and objsubid = 1 and granted and mode = 'ShareLock'
          and classid::bigint >> 16 = $1 and ((classid::bigint & 65535) << 32 | objid::bigint) < $2
          and database = (select oid from pg_database where datname = current_database()))""",
    (INT8, INT8),
)


@immutable
class News:
    """What notifications say."""

    parameters: bool  # the search parameters in force, or the jobs of the index
    packages: bool
    keys: frozenset[Key]  # definitions that were written
    edition: int  # the greatest; 0: none


def news_of(payloads: Iterable[str]) -> News:
    parameters = packages = False
    keys = set()
    edition = 0
    for payload in payloads:
        number, _, name = payload.partition(" ")
        if not name:
            parameters = True
            continue
        edition = max(edition, int(number))
        if name == PACKAGES:
            packages = True
        else:
            keys.add(Key(*name.split("/")))
    return News(parameters, packages, frozenset(keys), edition)


async def tell(run: Run, names: Sequence[str]) -> int:
    """Have an edition begin with the commit of the transaction of `run`, as its last act: the number."""
    ((number,),) = await run(TELL, (pack_texts(list(names)),))
    assert number is not None, "a migration has put the row there"
    return unpack_int(number)


async def known_everywhere(run: Run, edition: int) -> bool:
    """Wait until every process that listens knows a committed edition. False: one does not even now."""
    wait = _FIRST_WAIT_SECONDS
    clock = asyncio.get_running_loop().time
    end = clock() + _PATIENCE_SECONDS
    while clock() < end:
        ((behind,),) = await run(BEHIND, (pack_int8(HEARD_LOCKS >> 48), pack_int8(edition)))
        assert behind is not None
        if not unpack_bool(behind):
            return True
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
    return False
