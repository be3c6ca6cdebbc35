"""What a statement is told of one, or of several, under the same names: as `u`, with a `place` counted from 1.

Of one, the values are parameters as they are: a lone reader waits for each array that is made and taken apart. Of
several, each column is an array. One is unnested, and the others are looked up by the place: what is unnested is
written to a store of rows first, column by column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from fhir_server.store.binding import ARRAYS, PACKS, Kind


class Columns:
    """`kinds`: by name. `first`: the number of the first parameter; `after`: of the next one behind them."""

    def __init__(self, kinds: Mapping[str, Kind], first: int) -> None:
        self._kinds: Final = dict(kinds)
        self._arrays: Final = [ARRAYS[kind] for kind in kinds.values()]
        self._first: Final = first
        self.after: Final = first + len(kinds)

    def of(self, *, several: bool) -> str:
        """The SQL of `u`."""
        told = [f"${number}::{kind}" for number, kind in enumerate(self._of(several=several), self._first)]
        if not several:
            return (
                f"(select 1 as place, {', '.join(map(' as '.join, zip(told, self._kinds, strict=True)))}) u"
            )
        (lead, *names), (array, *others) = self._kinds, told
        found = [f"({other})[n.place] as {name}" for name, other in zip(names, others, strict=True)]
        return (
            f"(select n.place, n.{lead}, {', '.join(found)}"
            f" from unnest({array}) with ordinality n({lead}, place)) u"
        )

    def oids(self, *, several: bool) -> Iterator[int]:
        """The types of the parameters."""
        return (PACKS[kind][1] for kind in self._of(several=several))

    def packed(self, columns: Sequence[Sequence[Any]]) -> list[bytes | None]:
        """The parameters, of the values of each column: of one if these are of one."""
        if len(columns[0]) == 1:
            return [
                PACKS[kind][0](value) for kind, (value,) in zip(self._kinds.values(), columns, strict=True)
            ]
        return [PACKS[kind][0](values) for kind, values in zip(self._arrays, columns, strict=True)]

    def _of(self, *, several: bool) -> Sequence[Kind]:
        return self._arrays if several else list(self._kinds.values())
