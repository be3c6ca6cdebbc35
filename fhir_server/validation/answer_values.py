"""One answer held against its question: type, options, value set, limits.

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.type
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_server.fhirpath.values import Node
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Number, Tree
from fhir_server.validation.enabling import order_of, same_coding, value_in
from fhir_server.validation.finding import objects, text_of
from fhir_server.validation.world import World
from terminology.membership import Code, Held

_OPTIONS: Final = ("Coding", "date", "time", "integer", "string", "Reference")
_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "boolean": ("boolean",),
    "decimal": ("decimal",),
    "integer": ("integer",),
    "date": ("date",),
    "dateTime": ("dateTime",),
    "time": ("time",),
    "string": ("string",),
    "text": ("string",),
    "url": ("uri",),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
    "choice": _OPTIONS,
    "open-choice": _OPTIONS,
}
_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/"
_MIN_LENGTH: Final = f"{_EXTENSION}minLength"
_LIMITS: Final = {f"{_EXTENSION}minValue": 1, f"{_EXTENSION}maxValue": -1}
_DECIMALS: Final = f"{_EXTENSION}maxDecimalPlaces"


def value_issues(
    value: Node, question: Tree, questionnaire: Tree, place: str, world: World
) -> Iterator[Issue]:
    """What is wrong with an answer at `place`."""
    type_ = text_of(question, "type")
    allowed = _TYPES.get(type_)
    if allowed is None:
        return
    if value.type not in allowed:
        wanted = " / ".join(allowed)
        yield Issue(
            "structure",
            f"The answer to a question of type {type_} is of type {wanted}",
            place,
            french=f"La réponse à une question de type {type_} est de type {wanted}",
        )
        return
    here = f"{place}.value"
    yield from _options(value, question, questionnaire, here, world)
    yield from _limits(value, question, here)


def _options(value: Node, question: Tree, questionnaire: Tree, place: str, world: World) -> Iterator[Issue]:
    free = question.get("type") == "open-choice" and value.type == "string"
    options = [
        found for _, option in objects(question, "answerOption") if (found := value_in(option, "value"))
    ]
    if options and not free and not any(_is_option(value, option) for option in options):
        yield Issue(
            "code-invalid" if value.type == "Coding" else "invalid",
            "The answer is none of those that the question offers (answerOption)",
            place,
            french="La réponse n'est aucune de celles que propose la question (answerOption)",
        )
    value_set = text_of(question, "answerValueSet")
    if value_set and value.type == "Coding" and question.get("type") != "open-choice":
        held = _within(value.value, value_set, questionnaire, world)
        if held is Held.NO:
            yield Issue(
                "code-invalid",
                "The answer is not of the value set that the question offers (answerValueSet)",
                place,
                french="La réponse n'est pas du jeu de valeurs que propose la question (answerValueSet)",
            )
        elif held is Held.UNKNOWN:
            yield Issue(
                "not-found",
                "Whether the answer is of the value set of the question cannot be told here",
                place,
                "warning",
                french="On ne peut dire ici si la réponse est du jeu de valeurs de la question",
            )


def _is_option(value: Node, option: Node) -> bool:
    if value.type != option.type:
        return False
    if value.type == "Coding":
        return same_coding(value.value, option.value)
    if value.type == "Reference":
        return bool(value.value.get("reference") == option.value.get("reference"))
    return bool(value.value == option.value)


def _within(coding: Tree, value_set: str, questionnaire: Tree, world: World) -> Held:
    code = coding.get("code")
    if not isinstance(code, str):
        return Held.UNKNOWN
    asked = Code(text_of(coding, "system"), code, text_of(coding, "version"), text_of(coding, "display"))
    if not value_set.startswith("#"):
        return world.codes.within(value_set, asked)
    for _, inner in objects(questionnaire, "contained"):
        if inner.get("id") == value_set[1:] and inner.get("resourceType") == "ValueSet":
            return _listed(asked, inner, world)
    return Held.UNKNOWN


def _listed(code: Code, value_set: Tree, world: World) -> Held:
    """Membership in a contained value set: one that lists its codes, or takes whole code systems."""
    compose: Any = value_set.get("compose")
    expansion: Any = value_set.get("expansion")
    if not isinstance(compose, dict):
        codes = {
            (one.get("system"), one.get("code"))
            for _, one in objects(expansion if isinstance(expansion, dict) else {}, "contains")
        }
        return (Held.YES if (code.system, code.code) in codes else Held.NO) if codes else Held.UNKNOWN
    if "exclude" in compose:
        return Held.UNKNOWN
    answers = [_included(code, include, world) for _, include in objects(compose, "include")]
    for held in (Held.YES, Held.LATER, Held.UNKNOWN):
        if held in answers:
            return held
    return Held.NO


def _included(code: Code, include: Tree, world: World) -> Held:
    if "valueSet" in include or "filter" in include:
        return Held.UNKNOWN
    if include.get("system") != code.system:
        return Held.NO
    if "concept" in include:
        codes = [concept.get("code") for _, concept in objects(include, "concept")]
        return Held.YES if code.code in codes else Held.NO
    return world.codes.known(code)


def _limits(value: Node, question: Tree, place: str) -> Iterator[Issue]:
    longest = question.get("maxLength")
    if isinstance(value.value, str) and isinstance(longest, int) and len(value.value) > longest:
        yield Issue(
            "too-long",
            f"The answer has at most {longest} characters",
            place,
            french=f"La réponse a au plus {longest} caractères",
        )
    for _, extension in objects(question, "extension"):
        yield from _limit(value, extension, place)


def _limit(value: Node, extension: Tree, place: str) -> Iterator[Issue]:
    url, limit = text_of(extension, "url"), value_in(extension, "value")
    if limit is None:
        return
    if url == _MIN_LENGTH and isinstance(value.value, str) and isinstance(limit.value, int):
        if len(value.value) < limit.value:
            yield Issue(
                "invalid",
                f"The answer has at least {limit.value} characters",
                place,
                french=f"La réponse a au moins {limit.value} caractères",
            )
    elif url in _LIMITS:
        if order_of(limit, value) == _LIMITS[url]:
            least = url.endswith("minValue")
            yield Issue(
                "invalid",
                f"The answer is {'less' if least else 'more'} than the question allows",
                place,
                french=f"La réponse est {'inférieure' if least else 'supérieure'} à ce qu'admet la question",
            )
    elif url == _DECIMALS and isinstance(limit.value, int) and _decimals(value.value) > limit.value:
        yield Issue(
            "invalid",
            f"The answer has at most {limit.value} decimal places",
            place,
            french=f"La réponse a au plus {limit.value} décimales",
        )


def _decimals(value: Any) -> int:
    return len(bytes(value).decode().partition(".")[2]) if isinstance(value, Number) else 0
