"""Who sees a row of `resource` or `version`, as a condition in the statement that reads it: `search/sight.py` in SQL.

A row carries the stamp of its version: cell, labels, the person it is about (`compartment`; several: `persons`), its
parties and who owns it. The ties of persons are rows of `access`, read live: what ends, ends with the clock.

To decide takes longer than to find a row by its key. What most reads are about is simpler: one person's, without a
label that hides, of a cell that a tie shows whole and that nothing denies. `is_plain` asks for that alone; a row of
which it is true is seen, and of another row `is_seen` tells: by masks as well that most others are hidden, and by a
function of the database (migration 0014) what is left. That knows the order of `_KINDS` and `_SINGLE`, and the numbers
of labels and of `RELEASED`: who changes one of these writes the function anew.

A tie also tells which cells of its person are `contested`, denied to anybody: of others one tie tells enough, and
those who are not denied anything need not be looked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.kernel.keys import Key
from fhir_server.search.entries import Hasher
from fhir_server.search.sight import HIDING, Label, Sight, Stamp, Tie
from fhir_server.store.binary import INT8, INT8_ARRAY, pack_int2s, pack_int8, pack_int8_rows, pack_int8s
from fhir_server.store.binding import Kind

# What a statement is told of a sight: the actors, the same as authors, and what ties are worth. The latter are one
# array, because each parameter takes its time: masks by tie, of one kind after the other, and then single values.
COLUMNS: Final[tuple[Kind, ...]] = ("bigint[]",) * 3
OIDS: Final = (INT8_ARRAY,) * 3
_KINDS: Final = ("full", "named", "least", "own", "shows", "opens")
_SINGLE: Final = ("sensitive", "unlinked", "kept", "moment")
# What `is_plain` is told: the actors; for each tie what is full and what is named, and then `unlinked`; and the time.
PLAIN_COLUMNS: Final[tuple[Kind, ...]] = ("bigint[]", "bigint[]", "bigint")
PLAIN_OIDS: Final = (INT8_ARRAY, INT8_ARRAY, INT8)
_PLAIN_KINDS: Final = _KINDS[:2]
_SPECIAL: Final = int(HIDING | Label.SENSITIVE | Label.INTERNE | Label.SEVERAL)
# Of a row, what the function of the database is told, in its order.
_STAMP: Final = ("pk", "cell", "labels", "compartment", "persons", "parties", "owner")
# Authors are parties too, under a number of their own.
AUTHOR: Final = 0x4155_5448_4F52
# And organisations that have released their working notes to the caller stand among the authors, under another one.
RELEASED: Final = 0x5245_4C45_4153


def packed(sight: Sight, hasher: Hasher) -> tuple[bytes, ...]:
    """The values of `COLUMNS`, ready to be sent."""
    lasting: tuple[bytes, ...] | None = sight.made.get(hasher)
    if lasting is None:
        lasting = sight.made[hasher] = _packed(sight, hasher)
    actors, authors, worth = lasting
    return actors, authors, worth + pack_int8(sight.moment)


def packed_plainly(sight: Sight, hasher: Hasher) -> tuple[bytes, ...]:
    """The values of `PLAIN_COLUMNS`, ready to be sent."""
    return *_packed_plainly(sight, hasher), pack_int8(sight.moment)


def packed_in_rows(sights: Sequence[Sight], hasher: Hasher) -> tuple[bytes, ...]:
    """The values of `PLAIN_COLUMNS` of several, a row each, at one time. A sight without actors has no row."""
    actors, masks = zip(*[_packed_plainly(sight, hasher) for sight in sights], strict=True)
    return pack_int8_rows(actors), pack_int8_rows(masks), pack_int8(sights[-1].moment)


def untied_cells(sight: Sight) -> bytes:
    """The cells of which something may be seen without a tie, ready to be sent."""
    cells: bytes | None = sight.made.get(untied_cells)
    if cells is None:
        mask = sight.unlinked | sight.kept
        cells = pack_int2s([cell for cell in range(mask.bit_length()) if mask >> cell & 1])
        sight.made[untied_cells] = cells
    return cells


def _packed_plainly(sight: Sight, hasher: Hasher) -> tuple[bytes, bytes]:
    """What lasts of them."""
    lasting: tuple[bytes, bytes] | None = sight.made.get((_packed_plainly, hasher))
    if lasting is None:
        worth = [mask for kind in _PLAIN_KINDS for mask in getattr(sight, kind)]
        actors = pack_int8s([hasher.self_of(actor) for actor in sight.actors])
        lasting = sight.made[_packed_plainly, hasher] = actors, pack_int8s([*worth, sight.unlinked])
    return lasting


def _packed(sight: Sight, hasher: Hasher) -> tuple[bytes, ...]:
    """The same, without the moment, which comes last."""
    actors = [hasher.self_of(actor) for actor in sight.actors]
    worth = [mask for kind in _KINDS for mask in getattr(sight, kind)]
    worth += [getattr(sight, name) for name in _SINGLE]
    authors = [number ^ AUTHOR for number in actors]
    authors += [hasher.self_of(one) ^ RELEASED for one in sight.released]
    return pack_int8s(actors), pack_int8s(authors), pack_int8s(worth)[:-8]


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


def is_seen(row: str, names: Sequence[str], person: str = "") -> str:
    """That the row is seen. `names`: the SQL of the `COLUMNS`.

    `person`: the SQL of one whom most rows are about, if there is such a one: their ties are looked up once.

    What is not told by masks alone is told by a function of the database: a statement is not set up with all that.
    """
    actors, authors, masks = names
    cell, now = f"{row}.cell", single(names, "moment")
    plain, shown = _plain(f"({masks})"), _shown(f"({masks})")
    is_mine = f"({row}.parties && {actors}) is true"
    told = f"is_seen({', '.join(f'{row}.{column}' for column in _STAMP)}, {actors}, {authors}, {masks})"
    unlinked = _holds(single(names, "unlinked"), cell)
    if person:
        ties = _ties(person, actors, now)
        whole, least = f"(select {plain} from {ties})", f"(select {shown} from {ties})"
        return (
            f"case when {unlinked} then true when {row}.compartment = {person} then"
            f" case when {row}.labels & {_SPECIAL} = 0 and {_holds(whole, cell)} then true"
            f" when {_holds(least, cell)} or {is_mine} then {told} else false end else {told} end"
        )
    by_masks = (
        f"(select case when {row}.labels & {_SPECIAL} = 0 and {_holds(plain, cell)} then true"
        f" when {row}.labels & {int(Label.SEVERAL)} = 0 and ({_holds(shown, cell)} or {is_mine}) is not true"
        f" then false end from {_ties(f'{row}.compartment', actors, now)})"
    )
    return f"case when {unlinked} then true else coalesce({by_masks}, {told}) end"


def is_plain(row: str, names: Sequence[str], place: str = "", person: str = "") -> str:
    """That the row is seen, whatever else may be asked of it. `names`: the SQL of the `PLAIN_COLUMNS`.

    `place`: the SQL of whose turn it is, where the values are those of several (`packed_in_rows`). `person`: as above;
    what is not about them is not plain. Without one, nor is a row of a cell that of its person anybody is denied.
    """
    actors, masks = _of_turn(names, place)
    cell = f"{row}.cell"
    if person:
        shown = f"{row}.compartment = {person} and {is_shown(row, plain_cells(names, person, place))}"
    else:
        one = f"{_ties(f'{row}.compartment', actors, names[2])} and {_holds(f'({_whole(masks)}) & ~a.contested', cell)}"
        shown = f"{row}.labels & {_SPECIAL} = 0 and exists (select from {one})"
    unlinked = f"{masks}[{len(_PLAIN_KINDS) * len(Tie) + 1}]"
    return f"case when {_holds(unlinked, cell)} then true else {shown} end"


def plain_cells(names: Sequence[str], person: str, place: str = "") -> str:
    """The cells of which the ties to a person show all that has no label which hides."""
    actors, masks = _of_turn(names, place)
    return f"(select {_plain(masks)} from {_ties(person, actors, names[2])})"


def is_shown(row: str, cells: str) -> str:
    """That a row is of one of the `plain_cells` of whom it is about, and has no such label."""
    return f"{row}.labels & {_SPECIAL} = 0 and {_holds(cells, f'{row}.cell')}"


def _of_turn(names: Sequence[str], place: str) -> tuple[str, str]:
    """Actors and masks of whose turn it is."""
    actors, masks, _ = names
    return (f"({actors})[{place}:{place}]", f"({masks})[{place}]") if place else (actors, f"({masks})")


def _ties(person: str, actors: str, now: str) -> str:
    return f"access a where a.person = {person} and a.actor = any({actors}) and a.since <= {now} and {now} < a.until"


def _plain(masks: str) -> str:
    """Of the `_ties` of a person, the cells of which all is seen that has no label which hides.

    `masks`: beginning with those of `_PLAIN_KINDS`, which have none for a tie about data of some time alone.
    """
    return f"bit_or({_whole(masks)}) & ~bit_or(a.deny | a.oppose)"


def _whole(masks: str) -> str:
    """The cells that one of them shows whole."""
    full, named = [_worth(masks, kind) for kind in _PLAIN_KINDS]
    return f"(a.allow & {full}) | (a.named & {named})"


def _shown(masks: str) -> str:
    """Of the same, the cells of which anything may be seen by who is no party of it."""
    full, named, least = [_worth(masks, kind) for kind in _KINDS[:3]]
    some = f"(a.allow & {full}) | (a.named & {named}) | (a.allow & {least})"
    return f"bit_or(coalesce({some}, a.allow | a.named))"


def _worth(masks: str, kind: str) -> str:
    return f"{masks}[a.tie + {_KINDS.index(kind) * len(Tie)}]"


def _holds(cells: str, cell: str) -> str:
    return f"(({cells}) >> ({cell})::int) & 1 = 1"


def single(names: Sequence[str], name: str) -> str:
    """One of the single values. `names`: the SQL of the `COLUMNS`."""
    return f"({names[2]})[{len(_KINDS) * len(Tie) + _SINGLE.index(name) + 1}]"


def numbered(first: int, columns: Sequence[Kind] = COLUMNS) -> list[str]:
    """The SQL of the `columns` in a statement that has them as its parameters from `first` on."""
    return [f"${number}::{kind}" for number, kind in enumerate(columns, first)]
