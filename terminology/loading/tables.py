"""Tables of text: one record a line, fields by the names in the first line, and every mistake with its line.

https://www.rfc-editor.org/rfc/rfc4180
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from typing import IO, Final

from terminology.loading.archives import Source
from terminology.loading.release import Position, Unloadable

_LONGEST: Final = 1_000_000  # characters of one field, or of a line of tab-separated text
_CHUNK: Final = 1 << 20

Fields = dict[str, str]


def records(
    source: Source,
    name: str,
    columns: Sequence[str],
    position: Position,
    *,
    delimiter: str = ",",
) -> Iterator[Fields]:
    """The records of a table with quotes. Raises `Unloadable`: a column of `columns` is missing, or a line is wrong."""
    csv.field_size_limit(_LONGEST)
    with source.open(name) as file:
        lines = _numbered(file, position, source.place(name), encoding_of(source, name))
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        try:
            header = [one.strip() for one in next(reader, [])]
            _require_columns(header, columns, position)
            for fields in reader:
                if fields:
                    yield _record(header, fields, position)
        except csv.Error as error:
            raise Unloadable(str(position), f"It is not a table ({error})") from None


def rows(
    source: Source, name: str, columns: Sequence[str], position: Position, *, delimiter: str = "\t"
) -> Iterator[Sequence[str]]:
    """The lines of a table without quotes, as the fields named in `columns`, in that order."""
    with source.open(name) as file:
        lines = _numbered(file, position, source.place(name), "utf-8")
        header = next(lines, "").rstrip("\r\n").split(delimiter)
        _require_columns(header, columns, position)
        width = len(header)
        at = [header.index(column) for column in columns]
        for line in lines:
            fields = line.rstrip("\r\n").split(delimiter)
            if len(fields) != width:
                if not line.strip():
                    continue
                raise Unloadable(str(position), f"It has {len(fields)} fields; {width} were expected")
            yield [fields[number] for number in at]


def lines_of(source: Source, name: str, position: Position) -> Iterator[str]:
    """The lines of a text without a header."""
    with source.open(name) as file:
        yield from _numbered(file, position, source.place(name), encoding_of(source, name))


def encoding_of(source: Source, name: str) -> str:
    """UTF-8 if all of it is; else what Windows wrote in western Europe."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with source.open(name) as file:
        try:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def header_of(source: Source, name: str, delimiters: str) -> tuple[list[str], str]:
    """The names in the first line, in lower case, and what stands between them."""
    first = source.beginning(name, 4096).removeprefix(codecs.BOM_UTF8).partition(b"\n")[0]
    line = first.decode("cp1252", "replace")
    delimiter = max(delimiters, key=line.count)
    return [one.strip().strip('"').lower() for one in line.split(delimiter)], delimiter


def _numbered(file: IO[bytes], position: Position, label: str, encoding: str) -> Iterator[str]:
    position.file, position.line = label, 0
    for line in _bounded(file, position):
        position.line += 1
        try:
            text = line.removeprefix(codecs.BOM_UTF8 if position.line == 1 else b"").decode(encoding)
        except UnicodeDecodeError:
            raise Unloadable(str(position), f"It is not {encoding.upper()}") from None
        if "\x00" in text:
            raise Unloadable(str(position), "It has a NUL character")
        yield text


def _bounded(file: IO[bytes], position: Position) -> Iterator[bytes]:
    """The lines, none of them without end."""
    while line := file.readline(_LONGEST + 1):
        if len(line) > _LONGEST:
            position.line += 1
            raise Unloadable(str(position), f"It is longer than {_LONGEST:,} bytes")
        yield line


def _require_columns(header: Sequence[str], columns: Sequence[str], position: Position) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        raise Unloadable(str(position), f"The column {missing[0]} is missing")


def _record(header: Sequence[str], fields: Sequence[str], position: Position) -> Fields:
    if len(fields) != len(header):
        raise Unloadable(str(position), f"It has {len(fields)} fields; {len(header)} were expected")
    return dict(zip(header, fields, strict=True))
