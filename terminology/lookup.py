"""What a code system says of a code, as `$lookup` answers.

https://hl7.org/fhir/R4/codesystem-operation-lookup.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from terminology.errors import NoAnswer, UnknownDefinition
from terminology.grammars import Grammar
from terminology.languages import shown
from terminology.library import AnySystem, Large, Library
from terminology.systems import Concept, System, Tree

_HEAD: Final = frozenset(
    {"url", "name", "version", "display", "definition", "designation", "parent", "child"}
)
_MOST_RELATED: Final = 1000  # parents or children that are told


class UnknownCode(NoAnswer):
    """The code system has no such code; where only a part of it is known, here."""

    code = "not-found"

    def __init__(self, url: str, *, partial: bool) -> None:
        if partial:
            super().__init__(
                f"the code is not in the part of {url} that is known here",
                f"le code n'est pas dans la partie de {url} qui est connue ici",
            )
        else:
            super().__init__(f"{url} has no such code", f"{url} n'a pas ce code")


def found_in(library: Library, url: str, version: str, code: str) -> tuple[AnySystem, Concept]:
    """A code system, and its concept of a code. Raises `NoAnswer`."""
    system = library.system(url, version)
    if system is None:
        raise UnknownDefinition("code system", f"{url}|{version}" if version else url)
    concept = system.find(code)
    if concept is None:
        raise UnknownCode(url, partial=not (isinstance(system, Grammar) or system.complete))
    return system, concept


def looked_up(
    library: Library,
    url: str,
    version: str,
    code: str,
    *,
    language: str = "",
    properties: Collection[str] = (),
) -> list[Tree]:
    """The parameters of the answer. `properties`: those asked for; empty: all. Raises `NoAnswer` and `Later`."""
    system, concept = found_in(library, url, version, code)
    head = {} if isinstance(system, Grammar) else system.head
    own_language = "" if isinstance(system, Grammar) else system.language

    def asked(name: str) -> bool:
        return not properties or name in properties or "*" in properties

    answer: list[Tree] = [
        {"name": "name", "valueString": head.get("title") or head.get("name") or system.url},
    ]
    if system.version:
        answer.append({"name": "version", "valueString": system.version})
    display = shown(concept.display, own_language, concept.designations, language) or concept.code
    answer.append({"name": "display", "valueString": display})
    if asked("designation"):
        answer += _designations(concept, own_language)
    if asked("definition") and "definition" in concept.tree:
        answer.append(_property("definition", {"valueString": concept.tree["definition"]}))
    for one in concept.tree.get("property", ()):
        name = one.get("code", "")
        value = {key: value for key, value in one.items() if key.startswith("value")}
        if name not in _HEAD and value and asked(name):
            answer.append(_property(name, value, _told(value, system)))
    if concept.inactive and asked("inactive") and "inactive" not in concept.properties:
        answer.append(_property("inactive", {"valueBoolean": True}))
    answer += _relatives(system, concept, [name for name in ("parent", "child") if asked(name)])
    return answer


def _designations(concept: Concept, language: str) -> Iterator[Tree]:
    """Those of the concept, behind them its display."""
    for one in concept.designations:
        part: list[Tree] = []
        if "language" in one:
            part.append({"name": "language", "valueCode": one["language"]})
        if "use" in one:
            part.append({"name": "use", "valueCoding": one["use"]})
        if "value" in one:
            yield {"name": "designation", "part": [*part, {"name": "value", "valueString": one["value"]}]}
    if concept.display and language:
        yield {
            "name": "designation",
            "part": [
                {"name": "language", "valueCode": language},
                {"name": "value", "valueString": concept.display},
            ],
        }


def _relatives(system: AnySystem, concept: Concept, asked: list[str]) -> Iterator[Tree]:
    """The codes right above and below."""
    for name in asked:
        if isinstance(system, System):
            related = system.parents(concept.code) if name == "parent" else system.children(concept.code)
            codes = {code: system.concepts[code].display for code in related[:_MOST_RELATED]}
        elif isinstance(system, Large):
            codes = dict.fromkeys(concept.properties.get(name, ())[:_MOST_RELATED], "")
        else:
            codes = {}
        for code, display in codes.items():
            yield _property(name, {"valueCode": code}, display)


def _told(value: Mapping[str, Any], system: AnySystem) -> str:
    """What a reader is shown for the value of a property: the display of a code."""
    if "valueCoding" in value:
        return str(value["valueCoding"].get("display", ""))
    concept = system.find(value["valueCode"]) if isinstance(system, System) and "valueCode" in value else None
    return "" if concept is None else concept.display


def _property(name: str, value: Mapping[str, Any], description: str = "") -> Tree:
    part: list[Tree] = [{"name": "code", "valueCode": name}, {"name": "value", **value}]
    if description:
        part.append({"name": "description", "valueString": description})
    return {"name": "property", "part": part}
