"""Tables of codes as FHIR resources.

A table is a CSV with a head of lines `# name: value`. The head's `kind`, `url`, `version`, `id`, `title` and so on say
what the resource says of itself; the columns what its concepts do:

- CodeSystem: `code`, `display` (in the head's `language`), `definition`, `parent`, and columns named by a language
  (`en`, `fr`), which are designations. Every other column is a property, empty where a concept does not have it.
- ValueSet: a row is an include of `system`, with the concepts below `below`, with one `code`, or else all.
- ConceptMap: `source`, `code`, `display`, `equivalence`, `target`, `target_code`, `target_display`; `source` and
  `target` are the code systems.

https://hl7.org/fhir/R4/codesystem.html · https://hl7.org/fhir/R4/valueset.html · https://hl7.org/fhir/R4/conceptmap.html
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final

import orjson

from profiles.registry import Entry

PACKAGE: Final = "cordee.terminology#1"
_FOLDER: Final = files("terminology.data")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_USUAL: Final = frozenset({"code", "display", "definition", "parent"})
_TITLES: Final = ("id", "url", "version", "name", "title", "language", "copyright", "publisher")

Row = Mapping[str, str]


def entries() -> Iterator[Entry]:
    """Every table, as a layer of a registry. Only heads are read."""
    for name in _tables():
        head, _ = _parts(_text(name))
        yield Entry(
            head["kind"], head["url"], head.get("version", ""), head["id"], PACKAGE, partial(_body, name)
        )


@cache
def names(table: str) -> dict[str, str]:
    """Code → display of a table (`countries`)."""
    _, rows = _parts(_text(f"{table}.csv"))
    return {row["code"]: row["display"] for row in rows}


def resource_of(text: str) -> dict[str, Any]:
    """The resource that a table is."""
    head, rows = _parts(text)
    tree: dict[str, Any] = {"resourceType": head["kind"]}
    tree |= {name: head[name] for name in _TITLES if name in head}
    tree |= {"status": head.get("status", "active"), "experimental": False}
    match head["kind"]:
        case "CodeSystem":
            return tree | _code_system(head, list(rows))
        case "ValueSet":
            return tree | {"compose": {"include": _includes(rows)}}
        case _:
            return tree | _concept_map(head, rows)


@cache
def _tables() -> tuple[str, ...]:
    return tuple(sorted(one.name for one in _FOLDER.iterdir() if one.name.endswith(".csv")))


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _body(name: str) -> bytes:
    return orjson.dumps(resource_of(_text(name)))


def _parts(text: str) -> tuple[dict[str, str], Iterator[Row]]:
    """The head, and the rows behind it."""
    head = {}
    lines = text.splitlines()
    begin = 0
    while lines[begin].startswith("# "):
        name, _, value = lines[begin].removeprefix("# ").partition(": ")
        head[name] = value
        begin += 1
    return head, iter(csv.DictReader(lines[begin:]))


def _code_system(head: Row, rows: list[Row]) -> dict[str, Any]:
    columns = [
        name for name in (rows[0] if rows else ()) if name not in _USUAL and not _LANGUAGE.fullmatch(name)
    ]
    kinds = {name: _kind_of(row[name] for row in rows) for name in columns}
    tree: dict[str, Any] = {"caseSensitive": True, "content": head.get("content", "complete")}
    if any(row.get("parent") for row in rows):
        tree["hierarchyMeaning"] = "is-a"
    if "supplements" in head:
        tree["supplements"] = head["supplements"]
    tree["count"] = len(rows)
    if kinds:
        tree["property"] = [{"code": name, **_uri_of(name), "type": kind} for name, kind in kinds.items()]
    concepts = {row["code"]: _concept(row, kinds) for row in rows}
    roots: list[dict[str, Any]] = []
    for row in rows:
        around = concepts.get(row.get("parent") or "")
        (roots if around is None else around.setdefault("concept", [])).append(concepts[row["code"]])
    return {**tree, "concept": roots}


def _concept(row: Row, kinds: Mapping[str, str]) -> dict[str, Any]:
    concept: dict[str, Any] = {name: row[name] for name in ("code", "display", "definition") if row.get(name)}
    said = [
        {"language": name, "value": value}
        for name, value in row.items()
        if _LANGUAGE.fullmatch(name) and value
    ]
    if said:
        concept["designation"] = said
    values = [{"code": name, **_value(kind, row[name])} for name, kind in kinds.items() if row[name]]
    if values:
        concept["property"] = values
    return concept


def _kind_of(values: Iterable[str]) -> str:
    found = {value for value in values if value}
    if found <= {"true", "false"}:
        return "boolean"
    return "integer" if all(re.fullmatch(r"0|[1-9][0-9]{0,8}", value) for value in found) else "string"


def _value(kind: str, text: str) -> dict[str, Any]:
    match kind:
        case "boolean":
            return {"valueBoolean": text == "true"}
        case "integer":
            return {"valueInteger": int(text)}
    return {"valueString": text}


def _uri_of(name: str) -> dict[str, str]:
    """Of the properties that FHIR defines for every code system."""
    known = {"inactive", "notSelectable", "status"}
    return {"uri": f"http://hl7.org/fhir/concept-properties#{name}"} if name in known else {}


def _includes(rows: Iterable[Row]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for row in rows:
        include: dict[str, Any] = {"system": row["system"]}
        if row.get("below"):
            include["filter"] = [{"property": "concept", "op": "is-a", "value": row["below"]}]
        elif row.get("code"):
            concept = {name: row[name] for name in ("code", "display") if row.get(name)}
            if found and found[-1]["system"] == row["system"] and "concept" in found[-1]:
                found[-1]["concept"].append(concept)
                continue
            include["concept"] = [concept]
        found.append(include)
    return found


def _concept_map(head: Row, rows: Iterable[Row]) -> dict[str, Any]:
    groups: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for row in rows:
        elements = groups.setdefault((row["source"], row["target"]), {})
        element = elements.setdefault(row["code"], _named(row["code"], row["display"]) | {"target": []})
        target = _named(row["target_code"], row["target_display"])
        element["target"].append({**target, "equivalence": row["equivalence"]})
    return {
        **{f"{side}Uri": head[side] for side in ("source", "target") if side in head},
        "group": [
            {"source": source, "target": target, "element": list(elements.values())}
            for (source, target), elements in groups.items()
        ],
    }


def _named(code: str, display: str) -> dict[str, Any]:
    return {"code": code, **({"display": display} if display else {})}
