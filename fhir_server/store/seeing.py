"""Who sees a row of `resource` or `version`, as a condition in the statement that reads it: `search/sight.py` in SQL.

A row carries the stamp of its version: cell, labels, the person it is about (`compartment`; several: `persons`), its
parties and who owns it. The ties of persons are rows of `access`, read live: what ends, ends with the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.sight import HIDING, Label, Sight, Stamp
from fhir_server.store.binary import INT8, INT8_ARRAY, pack_int2s, pack_int8, pack_int8s
from fhir_server.store.binding import Kind

# What a statement is told of a sight: see `packed`.
COLUMNS: Final[tuple[Kind, ...]] = ("bigint[]",) * 8 + ("bigint",) * 4
ACTORS: Final = 0  # their places
NOW: Final = len(COLUMNS) - 1
OIDS: Final = (*[INT8_ARRAY] * 8, *[INT8] * 4)
# Authors are parties too, under a number of their own.
AUTHOR: Final = 0x4155_5448_4F52


def packed(sight: Sight, hasher: Hasher) -> tuple[bytes, ...]:
    """The values of `COLUMNS`, ready to be sent."""
    lasting: tuple[bytes, ...] | None = sight.made.get(hasher)
    if lasting is None:
        lasting = sight.made[hasher] = _packed(sight, hasher)
    return *lasting, pack_int8(sight.now)


def untied_cells(sight: Sight) -> bytes:
    """The cells of which something may be seen without a tie, ready to be sent."""
    cells: bytes | None = sight.made.get(untied_cells)
    if cells is None:
        mask = sight.unlinked | sight.kept
        cells = pack_int2s([cell for cell in range(mask.bit_length()) if mask >> cell & 1])
        sight.made[untied_cells] = cells
    return cells


def _packed(sight: Sight, hasher: Hasher) -> tuple[bytes, ...]:
    actors = [hasher.self_of(actor) for actor in sight.actors]
    arrays = (
        actors,
        [number ^ AUTHOR for number in actors],
        *(sight.full, sight.named, sight.least, sight.own, sight.shows, sight.opens),
    )
    return *map(pack_int8s, arrays), *map(pack_int8, (sight.sensitive, sight.unlinked, sight.kept))


def parties_of(stamp: Stamp, hasher: Hasher) -> list[int] | None:
    """The column `parties`."""
    numbers = [hasher.self_of(one) for one in stamp.parties]
    numbers += [hasher.self_of(one) ^ AUTHOR for one in stamp.authors]
    return numbers or None


def persons_of(stamp: Stamp, hasher: Hasher) -> list[int] | None:
    """The column `persons`: null, unless there are several."""
    return [hasher.self_of(one) for one in stamp.persons] if len(stamp.persons) > 1 else None


def labels_of(stamp: Stamp) -> int:
    """The column `labels`."""
    return int(stamp.labels | Label.SEVERAL if len(stamp.persons) > 1 else stamp.labels & ~Label.SEVERAL)


def person_of(stamp: Stamp) -> Key | None:
    """Whose the column `compartment` is."""
    return stamp.persons[0] if len(stamp.persons) == 1 else None


def text_of(stamp: Stamp) -> str | None:
    """The column `stamp`: who is in it, in names, for those who write the next version; null: nobody is."""
    if not (stamp.persons or stamp.parties or stamp.owner):
        return None
    each = (stamp.persons, stamp.parties, stamp.authors, () if stamp.owner is None else (stamp.owner,))
    return ";".join(",".join(map(str, keys)) for keys in each)


def stamp_in(cell: int, labels: int, text: bytes | None) -> Stamp:
    """From the columns `cell`, `labels` and `stamp`."""
    if text is None:
        return Stamp(cell, labels)
    persons, parties, authors, owners = [
        tuple([Key(*name.split("/", 1)) for name in part.split(",") if name])
        for part in text.decode().split(";")
    ]
    return Stamp(cell, labels, persons, parties, authors, owners[0] if owners else None)


def is_seen(row: str, names: Sequence[str]) -> str:
    """That the row is seen. `names`: the SQL of the `COLUMNS`."""
    actors, authors, full, named, least, own, shows, opens, sensitive, unlinked, kept, now = names
    mine = f"({row}.parties && {actors}) is true"
    authored = f"({row}.parties && {authors}) is true"

    def worth(mask: str) -> str:
        return f"({mask})[a.tie]"

    def holds(cells: str, cell: str) -> str:
        return f"(({cells}) >> ({cell})::int) & 1 = 1"

    cell = f"{row}.cell"
    whole = f"(a.allow & {worth(full)}) | (a.named & {worth(named)})"
    minimal = f"{holds(f'a.allow & {worth(least)}', cell)} and {row}.labels & {worth(opens)} <> 0"
    ties = (
        f"({row}.labels & {int(HIDING)} & ~{worth(shows)} = 0 or {authored})"
        f" and ({holds(f'a.allow & {worth(own)}', cell)} and {mine}"
        f" or ({row}.labels & {int(Label.SENSITIVE)} = 0 or {holds(whole, sensitive)})"
        f" and ({holds(whole, cell)} or {minimal}))"
    )
    is_sensitive = f"{row}.labels & {int(Label.SENSITIVE)} <> 0"

    def hides(mask: str) -> str:
        return f"({holds(mask, cell)} or {is_sensitive} and {holds(mask, sensitive)})"

    denies = f"{hides('a.deny')} or {hides('a.oppose')} and not {authored}"

    def tied(person: str) -> str:
        return (
            f"(select bool_or({ties}) and not bool_or({denies}) from access a where a.person = {person}"
            f" and a.actor = any({actors}) and a.since <= {now} and {now} < a.until) is true"
        )

    return (
        f"case when {holds(unlinked, cell)} then true"
        f" when {holds(kept, cell)} and {mine} then true"
        f" when {row}.labels & {int(Label.INTERNE)} <> 0 and ({row}.owner = any({actors})) is not true then false"
        f" when {row}.labels & {int(Label.SEVERAL)} = 0 then {tied(f'{row}.compartment')}"
        f" else not exists (select 1 from unnest({row}.persons) p(person) where not {tied('p.person')}) end"
    )


def numbered(first: int) -> list[str]:
    """The SQL of the `COLUMNS` in a statement that has them as its parameters from `first` on."""
    return [f"${number}::{kind}" for number, kind in enumerate(COLUMNS, first)]
