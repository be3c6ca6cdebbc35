"""The tables of access that come with the server, and how a table is read: a CSV whose columns are known.

They lie in `terminology/data/access`; an operator may give others of the same columns.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Final

Row = Mapping[str, str]

_FOLDER: Final = files("terminology.data") / "access"


class BadTable(ValueError):
    """A table that cannot be used. The text says which line and what would be right."""

    def __init__(self, name: str, line: int, text: str) -> None:
        super().__init__(f"{name}, line {line}: {text}" if line else f"{name}: {text}")


def shipped(name: str) -> bytes:
    """The bytes of a table that comes with the server (`matrix`, `roles` …)."""
    return (_FOLDER / f"{name}.csv").read_bytes()


def rows_of(name: str, data: bytes, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """The rows of a table, each with the number of its line, from 2 on.

    Raises `BadTable` when the table is not UTF-8, its columns are others, or a row has more or fewer cells.
    """
    try:
        lines = csv.reader(data.decode("utf-8-sig").splitlines(), strict=True)
        head = next(lines, [])
        if head != list(columns):
            raise BadTable(name, 1, f"the columns are {', '.join(columns)}, in this order")
        for cells in lines:
            if len(cells) != len(columns):
                raise BadTable(name, lines.line_num, f"a row has {len(columns)} cells, this one {len(cells)}")
            yield lines.line_num, dict(zip(columns, cells, strict=True))
    except UnicodeDecodeError as error:
        raise BadTable(name, 0, "not UTF-8") from error
    except csv.Error as error:
        raise BadTable(name, 0, "not CSV: quotes do not match") from error
