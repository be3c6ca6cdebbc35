"""What a resource must be beyond structure, constraints and profiles: the rules that the specification tells in prose.

One module for each subject; here they are asked of the resource and of all resources inside it.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.answers import answer_issues
from fhir_server.validation.bundled import bundled_issues
from fhir_server.validation.bundles import bundle_issues
from fhir_server.validation.capabilities import capability_issues
from fhir_server.validation.elements import ABSOLUTE_URL, NO_EXAMPLES, NO_MARKUP
from fhir_server.validation.entries import Entries
from fhir_server.validation.finding import DEFINITIONS, Found, elements_of, resources_in, traits_of
from fhir_server.validation.links import link_issues, repeated_ids
from fhir_server.validation.questionnaires import questionnaire_issues
from fhir_server.validation.search_parameters import search_parameter_issues
from fhir_server.validation.structure_definitions import structure_definition_issues
from fhir_server.validation.value_sets import code_system_issues, concept_map_issues, value_set_issues
from fhir_server.validation.world import World

Rules = Callable[[Found, World], Iterator[Issue]]

_UNSOUND: Final = (TypeError, AttributeError, KeyError, IndexError, ValueError)

_OF_TYPE: Final[Mapping[str, Rules]] = {
    "Bundle": lambda found, _world: bundle_issues(found),
    "CapabilityStatement": capability_issues,
    "CodeSystem": code_system_issues,
    "ConceptMap": concept_map_issues,
    "Questionnaire": questionnaire_issues,
    "QuestionnaireResponse": answer_issues,
    "SearchParameter": search_parameter_issues,
    "StructureDefinition": structure_definition_issues,
    "ValueSet": value_set_issues,
}


def issues_of(tree: Tree, world: World) -> Iterator[Issue]:
    """The rules that a resource breaks, in the order of the resources in it. Never raises, whatever the tree is."""
    addresses: dict[int, Entries] = {}
    own: list[Found] = []
    values = world.options.no_markup or not world.options.examples
    for found in resources_in(tree):
        own.append(found)
        if found.type == "Bundle":
            addresses[id(found.tree)] = Entries(found.tree, found.place)
        traits = traits_of(found.tree)
        if traits.divs:
            yield from _sound(link_issues(found, traits.divs))
        if len(traits.ids) > 1 and found.type != "Bundle":
            yield from _sound(repeated_ids(found, traits.ids))
        if "url" in found.tree or values:
            yield from _sound(_values(found, world))
        if addresses and (entries := _entries_around(found, addresses)) is not None:
            yield from _sound(bundled_issues(found, traits.references, entries))
    for found in own:  # the reader meets what is wrong inside an entry before what is wrong between entries
        if found.type == "Bundle":
            yield from _sound(repeated_ids(found, traits_of(found.tree).ids))
        rules = _OF_TYPE.get(found.type)
        if rules is not None:
            yield from _sound(rules(found, world))


def _sound(issues: Iterator[Issue]) -> Iterator[Issue]:
    """As far as the resource can be read: what is of the wrong kind, structure has told."""
    try:
        yield from issues
    except _UNSOUND:
        return


def _entries_around(found: Found, addresses: dict[int, Entries]) -> Entries | None:
    around: Found | None = found
    while around is not None and around.entry is found.entry:
        if around.type == "Bundle" and around is not found:
            break
        around = around.around
    if found.entry is None or around is None:
        return None
    return addresses.get(id(around.tree))


def _values(found: Found, world: World) -> Iterator[Issue]:
    """What is asked of single values, where the options ask for it."""
    url = found.tree.get("url")
    if isinstance(url, str) and found.type in DEFINITIONS and not ABSOLUTE_URL.test(url):
        yield ABSOLUTE_URL.issue(f"{found.place}.url")
    if world.options.examples and not world.options.no_markup:
        return
    for element in elements_of(found):
        if not isinstance(element.value, str):
            continue
        if world.options.no_markup and element.type != "xhtml" and not NO_MARKUP.test(element.value):
            yield NO_MARKUP.issue(element.place)
        linked = not world.options.examples and _is_address(element.type, element.child.path)
        if linked and not NO_EXAMPLES.test(element.value):
            yield NO_EXAMPLES.issue(element.place)


def _is_address(type: str, path: str) -> bool:
    return type in {"uri", "url", "canonical"} and not path.endswith((".system", ".fullUrl"))
