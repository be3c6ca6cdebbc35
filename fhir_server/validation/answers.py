"""A QuestionnaireResponse held against its Questionnaire.

https://hl7.org/fhir/R4/questionnaireresponse.html · https://hl7.org/fhir/R4/questionnaire.html#using
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.answer_values import value_issues
from fhir_server.validation.enabling import Path, is_enabled, value_in
from fhir_server.validation.finding import Found, listed, objects, text_of
from fhir_server.validation.questionnaires import items_in
from fhir_server.validation.world import Later, World

_FINISHED: Final = frozenset({"completed", "amended"})
_MIN_OCCURS: Final = "http://hl7.org/fhir/StructureDefinition/questionnaire-minOccurs"
_MAX_OCCURS: Final = "http://hl7.org/fhir/StructureDefinition/questionnaire-maxOccurs"
_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"


@dataclass(frozen=True, slots=True)
class _Form:
    questionnaire: Tree
    finished: bool
    world: World

    @property
    def missing(self) -> Literal["error", "warning"]:
        """How grave it is that a required answer is not there."""
        return "error" if self.finished else "warning"

    def item(self, link_id: str) -> Tree | None:
        return next(
            (item for item, _ in items_in(self.questionnaire, "") if item.get("linkId") == link_id), None
        )


def answer_issues(found: Found, world: World) -> Iterator[Issue]:
    canonical = text_of(found.tree, "questionnaire")
    if not canonical:
        return
    questionnaire = _questionnaire(canonical, found, world)
    if questionnaire is None:
        if not canonical.startswith(("http://example.org", "https://example.org")):
            yield Issue(
                "not-found",
                "The Questionnaire is not known here: the answers are not checked against it",
                found.place,
                "warning",
                french="Le questionnaire n'est pas connu ici : les réponses n'y sont pas confrontées",
            )
        return
    form = _Form(dict(questionnaire), found.tree.get("status") in _FINISHED, world)
    yield from _items(form, listed(form.questionnaire, "item"), found.tree, found.place, Path((found.tree,)))


def _questionnaire(canonical: str, found: Found, world: World) -> Mapping[str, Any] | None:
    if canonical.startswith("#"):
        for _, inner in objects(found.container.tree, "contained"):
            if inner.get("id") == canonical[1:] and inner.get("resourceType") == "Questionnaire":
                # Its value sets may stand beside it, in the resource that contains both.
                beside = [*listed(inner, "contained"), *listed(found.container.tree, "contained")]
                return {**inner, "contained": beside}
        return None
    around = found.around
    url, _, version = canonical.partition("|")
    while around is not None:
        for _, entry in objects(around.tree, "entry"):
            resource = entry.get("resource")
            if (
                isinstance(resource, dict)
                and resource.get("resourceType") == "Questionnaire"
                and resource.get("url") == url
                and (not version or resource.get("version") == version)
            ):
                return resource
        around = around.around
    known = world.registry.find("Questionnaire", canonical)
    if known is not None or world.resolve is None:
        return known
    resolved = world.resolve(canonical)
    return None if isinstance(resolved, Later) else resolved


def _items(form: _Form, asked: Sequence[Tree], tree: Tree, place: str, path: Path) -> Iterator[Issue]:
    """The items in one place of the response against those in one place of the Questionnaire."""
    positions = {text_of(item, "linkId"): i for i, item in enumerate(asked)}
    given: dict[str, list[tuple[Tree, str]]] = {}
    last = -1
    for i, item in objects(tree, "item"):
        link_id, here = text_of(item, "linkId"), f"{place}.item[{i}]"
        position = positions.get(link_id)
        if position is None:
            yield from _elsewhere(form, link_id, item, here, place, path)
            continue
        if position < last:
            yield Issue(
                "structure",
                "The items of a response are in the order of the Questionnaire",
                place,
                french="Les éléments d'une réponse sont dans l'ordre du questionnaire",
            )
        last = max(last, position)
        given.setdefault(link_id, []).append((item, here))
    for question in asked:
        link_id = text_of(question, "linkId")
        yield from _question(form, question, given.get(link_id, []), place, path)


def _elsewhere(form: _Form, link_id: str, item: Tree, here: str, place: str, path: Path) -> Iterator[Issue]:
    question = form.item(link_id) if link_id else None
    if question is None:
        if link_id:
            yield Issue(
                "not-found",
                "The Questionnaire has no item with this linkId",
                place,
                french="Le questionnaire n'a pas d'élément portant ce linkId",
            )
        return
    yield Issue(
        "structure",
        "This item stands at another place of the Questionnaire",
        place,
        french="Cet élément se trouve à un autre endroit du questionnaire",
    )
    yield from _answered(form, question, item, here, path)


def _question(
    form: _Form, question: Tree, given: list[tuple[Tree, str]], place: str, path: Path
) -> Iterator[Issue]:
    enabled = is_enabled(question, path)
    if not given:
        if enabled and question.get("required") is True:
            yield _missing(form, question, place)
        return
    if not enabled:
        for item, here in given:
            if "answer" in item or "item" in item:
                yield Issue(
                    "invalid",
                    "This item is not asked, because of other answers (enableWhen), and yet it is answered",
                    here,
                    french="Cet élément n'est pas demandé, du fait d'autres réponses (enableWhen), et a pourtant "
                    "une réponse",
                )
    if len(given) > 1 and question.get("repeats") is not True:
        yield Issue(
            "invalid",
            "This item does not repeat, and is there several times",
            place,
            french="Cet élément ne se répète pas, et s'y trouve plusieurs fois",
        )
    for item, here in given:
        yield from _answered(form, question, item, here, path)


def _missing(form: _Form, question: Tree, place: str) -> Issue:
    return Issue(
        "required",
        "An item that the Questionnaire requires has no answer",
        place,
        form.missing,
        french="Un élément que le questionnaire exige n'a pas de réponse",
    )


def _answered(form: _Form, question: Tree, item: Tree, place: str, path: Path) -> Iterator[Issue]:
    yield from _text(question, item, place)
    answers = [answer for answer in listed(item, "answer") if isinstance(answer, dict)]
    type_ = text_of(question, "type")
    inside = path.into(item)
    required = question.get("required") is True and type_ not in {"group", "display"}
    if required and not answers and (not form.finished or is_enabled(question, path)):
        yield _missing(form, question, place)
    if len(answers) > 1 and question.get("repeats") is not True:
        yield Issue(
            "invalid",
            "This question takes one answer",
            place,
            french="Cette question admet une seule réponse",
        )
    yield from _count(form, question, len(answers), place)
    if type_ in {"group", "display"}:
        if answers:
            yield Issue(
                "structure",
                f"An item of type {type_} has no answers",
                place,
                french=f"Un élément de type {type_} n'a pas de réponses",
            )
        if type_ == "display" and "item" in item:
            yield Issue(
                "structure",
                "An item of type display has no items",
                place,
                french="Un élément de type display n'a pas d'éléments",
            )
        if type_ == "group":
            if question.get("required") is True and "item" not in item:
                yield _missing(form, question, place)
            yield from _items(form, listed(question, "item"), item, place, inside)
        return
    if "item" in item:
        yield Issue(
            "structure",
            "The items below a question stand in its answer",
            place,
            french="Les éléments sous une question se placent dans sa réponse",
        )
    for i, answer in enumerate(answers):
        here = f"{place}.answer[{i}]"
        value = value_in(answer, "value")
        if value is not None:
            yield from value_issues(value, question, form.questionnaire, here, form.world)
        yield from _items(form, listed(question, "item"), answer, here, inside.into(answer))


def _text(question: Tree, item: Tree, place: str) -> Iterator[Issue]:
    text = text_of(item, "text")
    if text and text != text_of(question, "text") and text not in _translations(question):
        yield Issue(
            "invalid",
            "The text of an item is that of the Questionnaire, where it is there at all",
            place,
            french="Le texte d'un élément est celui du questionnaire, s'il est présent",
        )


def _translations(question: Tree) -> set[str]:
    beside = question.get("_text")
    found = set()
    for _, extension in objects(beside if isinstance(beside, dict) else {}, "extension"):
        if extension.get("url") == _TRANSLATION:
            for _, part in objects(extension, "extension"):
                if part.get("url") == "content":
                    found.add(text_of(part, "valueString"))
    return found


def _count(form: _Form, question: Tree, count: int, place: str) -> Iterator[Issue]:
    for _, extension in objects(question, "extension"):
        limit = extension.get("valueInteger")
        if not isinstance(limit, int):
            continue
        if extension.get("url") == _MAX_OCCURS and count > limit:
            yield Issue(
                "invalid",
                f"This question takes at most {limit} answers",
                place,
                french=f"Cette question admet au plus {limit} réponses",
            )
        if extension.get("url") == _MIN_OCCURS and 0 < count < limit:
            yield Issue(
                "invalid",
                f"This question asks for at least {limit} answers",
                place,
                form.missing,
                french=f"Cette question demande au moins {limit} réponses",
            )
