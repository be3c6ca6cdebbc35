"""A code system as a plain table: a column `code`, and as far as it has them `display`, `parent`, `definition`.

Every other column is a property of that name; `display:fr` is a designation in French. Several parents stand between
semicolons. Commas, semicolons, tabs and bars may stand between columns. The `.tabs` tables of the NOS are such tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from terminology.indexing import Entry
from terminology.loading.archives import Source
from terminology.loading.release import Position, Release, Unloadable, Wanted, declared, head_of
from terminology.loading.tables import Fields, header_of, records

_DELIMITERS: Final = ",;\t|"
_OWN: Final = frozenset({"code", "display", "definition", "parent"})
_NAMES: Final = {"libelle": "display", "libellé": "display", "label": "display"}
_TRUE: Final = frozenset({"true", "1", "oui", "yes"})


def recognises(source: Source, name: str) -> bool:
    return "code" in header_of(source, name, _DELIMITERS)[0]


def read(source: Source, name: str, wanted: Wanted) -> Iterator[Release]:
    """The one code system of a file. Raises `Unloadable`."""
    position = Position(source.place(name))
    header, delimiter = header_of(source, name, _DELIMITERS)
    if "code" not in header:
        raise Unloadable(f"{position}, line 1", "The column code is missing")
    if not wanted.url:
        raise Unloadable(str(position), "A table does not say which code system it is: --url says it")
    others = [column for column in header if column and _name(column) not in _OWN and ":" not in column]
    head = head_of(
        wanted.url,
        wanted.version,
        "Table",
        name.rpartition("/")[2].rpartition(".")[0],
        case_sensitive=True,
        hierarchyMeaning="is-a",
        property=declared(
            ("parent", "code"),
            ("child", "code"),
            *((column, "boolean" if column == "inactive" else "string") for column in others),
        ),
    )

    def entries() -> Iterator[Entry]:
        for record in records(source, name, (), position, delimiter=delimiter):
            fields = {_name(column.strip().lower()): value.strip() for column, value in record.items()}
            if not fields["code"]:
                raise Unloadable(str(position), "It has no code")
            yield Entry(_tree_of(fields))

    yield Release(head, source.sha256([name]), entries, position)


def _tree_of(fields: Fields) -> dict[str, Any]:
    tree: dict[str, Any] = {key: fields[key] for key in ("code", "display", "definition") if fields.get(key)}
    designations = [
        {"language": column.partition(":")[2], "value": value}
        for column, value in fields.items()
        if column.startswith("display:") and value
    ]
    if designations:
        tree["designation"] = designations
    properties = [
        {"code": "parent", "valueCode": parent.strip()}
        for parent in fields.get("parent", "").split(";")
        if parent.strip()
    ]
    properties += [_property(name, value) for name, value in fields.items() if _is_property(name) and value]
    if properties:
        tree["property"] = properties
    return tree


def _property(name: str, value: str) -> dict[str, Any]:
    if name == "inactive":
        return {"code": name, "valueBoolean": value.lower() in _TRUE}
    return {"code": name, "valueString": value}


def _is_property(name: str) -> bool:
    return bool(name) and name not in _OWN and ":" not in name


def _name(column: str) -> str:
    return _NAMES.get(column, column)
