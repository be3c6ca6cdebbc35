"""CIM-10 as the ATIH gives it out for the PMSI: one code a line, fields between bars, the labels last.

    A000  |0|0|0|court|long

Codes are written with their dot, as FHIR writes them; without it a code is the property `pmsi`. What a code begins
with is its parent.

https://www.atih.sante.fr/nomenclatures-de-recueil-de-linformation/cim
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from terminology.indexing import Entry
from terminology.loading.archives import Source
from terminology.loading.claml import ICD_10
from terminology.loading.release import Position, Release, Unloadable, Wanted, declared, head_of
from terminology.loading.tables import lines_of

_CODE: Final = re.compile(r"[A-Z][0-9]{2}[A-Z0-9+]{0,5}")
_USES: Final = ("mco", "ssr", "psy")  # whether and where a code may stand in each kind of stay
_FORBIDDEN: Final = "3"  # in all places: the code only groups others
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


def recognises(beginning: bytes) -> bool:
    first = beginning.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].decode("cp1252", "replace")
    fields = first.split("|")
    return len(fields) >= 6 and _CODE.fullmatch(_plain(fields[0])) is not None


def read(source: Source, name: str, wanted: Wanted) -> Iterator[Release]:
    """The one classification of a file. Raises `Unloadable`."""
    position = Position(source.place(name))
    codes = {code for code, *_ in _lines(source, name, position)}
    position.leave_line()
    years = _YEAR.findall(name)
    head = head_of(
        wanted.url or ICD_10,
        wanted.version or (years[-1] if years else ""),
        "CIM_10",
        "CIM-10 FR à usage PMSI",
        case_sensitive=False,
        hierarchyMeaning="is-a",
        language="fr",
        property=declared(
            ("parent", "code"),
            ("child", "code"),
            ("notSelectable", "boolean"),
            ("pmsi", "string"),
            *((use, "string") for use in _USES),
        ),
    )

    def entries() -> Iterator[Entry]:
        above = {code[:length] for code in codes for length in range(3, len(code)) if code[:length] in codes}
        for code, uses, short, long in _lines(source, name, position):
            yield Entry(_tree_of(code, uses, short, long, codes, grouping=code in above))

    yield Release(head, source.sha256([name]), entries, position, len(codes))


def _lines(source: Source, name: str, position: Position) -> Iterator[tuple[str, list[str], str, str]]:
    for line in lines_of(source, name, position):
        if not line.strip():
            continue
        fields = [one.strip() for one in line.rstrip("\r\n").split("|")]
        if len(fields) < 6:
            raise Unloadable(str(position), f"It has {len(fields)} fields; 6 were expected")
        code = _plain(fields[0])
        if not _CODE.fullmatch(code):
            raise Unloadable(str(position), "It does not begin with a code of CIM-10")
        yield code, fields[1:4], fields[4], fields[5]


def _tree_of(
    code: str, uses: list[str], short: str, long: str, codes: set[str], *, grouping: bool
) -> dict[str, Any]:
    tree: dict[str, Any] = {"code": _dotted(code), "display": long or short}
    if short and short != tree["display"]:
        tree["designation"] = [{"language": "fr", "value": short}]
    parent = next((code[:length] for length in range(len(code) - 1, 2, -1) if code[:length] in codes), "")
    tree["property"] = [
        *([{"code": "parent", "valueCode": _dotted(parent)}] if parent else []),
        *([{"code": "notSelectable", "valueBoolean": True}] if grouping and uses[0] == _FORBIDDEN else []),
        {"code": "pmsi", "valueString": code},
        *({"code": use, "valueString": value} for use, value in zip(_USES, uses, strict=True) if value),
    ]
    return tree


def _plain(code: str) -> str:
    return code.strip().upper().replace(".", "")


def _dotted(code: str) -> str:
    return code if len(code) == 3 else f"{code[:3]}.{code[3:]}"
