"""Who sees a row of `resource` or `version`, as a condition in the statement that reads it: `search/sight.py` in SQL.

A row carries the stamp of its version: cell, labels, the person it is about (`compartment`; several: `persons`), its
parties and who owns it. The ties of persons are rows of `access`, read live: what ends, ends with the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.sight import HIDING, Label, Sight, Stamp, Tie
from fhir_server.store.binary import INT8_ARRAY, pack_int2s, pack_int8, pack_int8s
from fhir_server.store.binding import Kind

About: TypeAlias = Literal["any", "one", "none or several"]
"""How many persons: one is in `compartment`."""

# What a statement is told of a sight: the actors, the same as authors, and what ties are worth. The latter are one
# array, because each parameter takes its time: masks by tie, of one kind after the other, and then single values.
COLUMNS: Final[tuple[Kind, ...]] = ("bigint[]",) * 3
OIDS: Final = (INT8_ARRAY,) * 3
_KINDS: Final = ("full", "named", "least", "own", "shows", "opens")
_SINGLE: Final = ("sensitive", "unlinked", "kept", "now")
# Authors are parties too, under a number of their own.
AUTHOR: Final = 0x4155_5448_4F52


def packed(sight: Sight, hasher: Hasher) -> tuple[bytes, ...]:
    """The values of `COLUMNS`, ready to be sent."""
    lasting: tuple[bytes, ...] | None = sight.made.get(hasher)
    if lasting is None:
        lasting = sight.made[hasher] = _packed(sight, hasher)
    actors, authors, worth = lasting
    return actors, authors, worth + pack_int8(sight.now)


def untied_cells(sight: Sight) -> bytes:
    """The cells of which something may be seen without a tie, ready to be sent."""
    cells: bytes | None = sight.made.get(untied_cells)
    if cells is None:
        mask = sight.unlinked | sight.kept
        cells = pack_int2s([cell for cell in range(mask.bit_length()) if mask >> cell & 1])
        sight.made[untied_cells] = cells
    return cells


def _packed(sight: Sight, hasher: Hasher) -> tuple[bytes, ...]:
    """The same, without the time, which comes last."""
    actors = [hasher.self_of(actor) for actor in sight.actors]
    worth = [mask for kind in _KINDS for mask in getattr(sight, kind)]
    worth += [getattr(sight, name) for name in _SINGLE]
    return pack_int8s(actors), pack_int8s([number ^ AUTHOR for number in actors]), pack_int8s(worth)[:-8]


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


def is_seen(row: str, names: Sequence[str], about: About = "any") -> str:
    """That the row is seen. `names`: the SQL of the `COLUMNS`. `about`: what is known of whom it is about."""
    actors, authors, _ = names
    sensitive, unlinked, kept, now = [single(names, name) for name in _SINGLE]
    mine = f"({row}.parties && {actors}) is true"
    authored = f"({row}.parties && {authors}) is true"

    def worth(kind: str) -> str:
        place = _KINDS.index(kind) * len(Tie)
        return f"({names[2]})[a.tie + {place}]"

    def holds(cells: str, cell: str) -> str:
        return f"(({cells}) >> ({cell})::int) & 1 = 1"

    full, named, least, own, shows, opens = [worth(kind) for kind in _KINDS]
    cell = f"{row}.cell"
    whole = f"(a.allow & {full}) | (a.named & {named})"
    minimal = f"{holds(f'a.allow & {least}', cell)} and {row}.labels & {opens} <> 0"
    ties = (
        f"({row}.labels & {int(HIDING)} & ~{shows} = 0 or {authored})"
        f" and ({holds(f'a.allow & {own}', cell)} and {mine}"
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

    one = tied(f"{row}.compartment")
    several = f"{row}.labels & {int(Label.SEVERAL)}"
    every = f"not exists (select 1 from unnest({row}.persons) p(person) where not {tied('p.person')})"
    through = {
        "any": f"when {several} = 0 then {one} else {every}",
        "one": f"else {one}",
        "none or several": f"when {several} = 0 then false else {every}",
    }
    return (
        f"case when {holds(unlinked, cell)} then true"
        f" when {holds(kept, cell)} and {mine} then true"
        f" when {row}.labels & {int(Label.INTERNE)} <> 0 and ({row}.owner = any({actors})) is not true then false"
        f" {through[about]} end"
    )


def single(names: Sequence[str], name: str) -> str:
    """One of the single values. `names`: the SQL of the `COLUMNS`."""
    return f"({names[2]})[{len(_KINDS) * len(Tie) + _SINGLE.index(name) + 1}]"


def numbered(first: int) -> list[str]:
    """The SQL of the `COLUMNS` in a statement that has them as its parameters from `first` on."""
    return [f"${number}::{kind}" for number, kind in enumerate(COLUMNS, first)]
