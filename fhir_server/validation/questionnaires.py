"""What a Questionnaire asks of itself beyond its constraints: conditions that name questions there are.

https://hl7.org/fhir/R4/questionnaire.html
"""

from __future__ import annotations

from collections.abc import Iterator

from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.finding import Found, objects, text_of
from fhir_server.validation.world import World


def questionnaire_issues(found: Found, _world: World) -> Iterator[Issue]:
    order = {text_of(item, "linkId"): i for i, (item, _) in enumerate(items_in(found.tree, found.place))}
    for i, (item, place) in enumerate(items_in(found.tree, found.place)):
        inner = {text_of(one, "linkId") for one, _ in items_in(item, place)}
        for _, condition in objects(item, "enableWhen"):
            yield from _condition(text_of(condition, "question"), item, inner, order, i, place)


def items_in(tree: Tree, place: str) -> Iterator[tuple[Tree, str]]:
    """All items of a Questionnaire or of an item, each with its place, parents before children."""
    for i, item in objects(tree, "item"):
        here = f"{place}.item[{i}]"
        yield item, here
        yield from items_in(item, here)


def _condition(
    question: str, item: Tree, inner: set[str], order: dict[str, int], number: int, place: str
) -> Iterator[Issue]:
    if not question:
        return
    if question == text_of(item, "linkId"):
        yield Issue(
            "business-rule",
            "Whether a question is asked cannot depend on its own answer",
            place,
            french="Qu'une question soit posée ne peut dépendre de sa propre réponse",
        )
    elif question in inner:
        yield Issue(
            "business-rule",
            "Whether an item is shown cannot depend on a question inside it",
            place,
            french="Qu'un élément soit affiché ne peut dépendre d'une question qu'il contient",
        )
    elif question not in order:
        yield Issue(
            "business-rule",
            "enableWhen.question is the linkId of an item of this Questionnaire, and there is none",
            place,
            french="enableWhen.question est le linkId d'un élément de ce questionnaire, et il n'y en a pas",
        )
    elif order[question] > number:
        yield Issue(
            "business-rule",
            "enableWhen.question should come before the items that depend on it",
            place,
            "warning",
            french="enableWhen.question devrait précéder les éléments qui en dépendent",
        )
