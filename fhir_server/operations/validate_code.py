"""$validate-code: whether a code is of a value set, or of a code system, and its display the right one.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html · https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel.errors import NotFound, Unprocessable
from fhir_server.kernel.issues import Issue
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, standard
from fhir_server.operations.terminology import (
    answer_of,
    codes_in,
    definition_of,
    library_of,
    missing,
    parameters,
    unknown,
)
from fhir_server.store.contract import Reader
from terminology.systems import Tree
from terminology.validation import Verdict, Wanted, in_code_system, in_value_set

_NAMELESS: Final = "urn:x-nameless"  # stands for the URL that a code system may do without


async def of_value_set(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    codes = codes_in(inputs, version="systemVersion")
    tree = await definition_of(call, inputs, reader, server, "valueSetVersion")
    context = inputs.one("context")
    if tree is None:
        if context is None:
            raise missing(
                "The value set is required: 'url', 'valueSet' or 'context'",
                "Le jeu de valeurs est requis : « url », « valueSet » ou « context »",
            )
        tree = bound_at(context, server)
    if inputs.one("code") is not None and codes[0].system is None and context is None:
        raise missing(
            "A code is asked about with its 'system', or in a 'context' that says it",
            "Un code s'examine avec son « system », ou dans un « context » qui le dit",
        )
    library = library_of(server)
    verdict = await answer_of(lambda: in_value_set(tree, codes, library, _wanted(inputs)), library)
    return _told(verdict, call)


async def of_code_system(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    codes = codes_in(inputs)
    url = inputs.one("url") or ""
    given: tuple[Tree, ...] = ()
    if call.id is not None or inputs.one("codeSystem") is not None:
        tree = await definition_of(call, inputs, reader, server, "version")
        assert tree is not None, "an address or an input names it"
        tree = {**tree, "url": tree.get("url") or _NAMELESS}
        given, url = (tree,), tree["url"]
    url, _, version = (url or next((one.system for one in codes if one.system), "")).partition("|")
    if not url:
        raise missing(
            "The code system is required: 'url', 'codeSystem', or a coding that has one",
            "Le système de codes est requis : « url », « codeSystem », ou un codage qui en a un",
        )
    library = library_of(server, given=given)
    version = inputs.one("version") or version
    codes = [replace(one, system=one.system or None) for one in codes]
    if not given and await answer_of(lambda: library.system(url, version), library) is None:
        raise unknown("CodeSystem")
    verdict = await answer_of(lambda: in_code_system(codes, library, url, version, _wanted(inputs)), library)
    return _told(verdict, call)


def bound_at(context: str, server: Server) -> Tree:
    """The ValueSet bound to an element: `http://hl7.org/fhir/StructureDefinition/Patient#Patient.gender`.

    Raises `NotFound` and `Unprocessable`.
    """
    registry = server.store.definitions.current.registry
    url, _, path = context.partition("#")
    definition = registry.find("StructureDefinition", url)
    if definition is None or not path:
        raise _no_context("No such element is known here", "Aucun élément de ce nom n'est connu ici")
    canonical = _binding(definition, path)
    if canonical is None:
        raise _no_context(
            "The element has no binding to a value set", "L'élément n'est lié à aucun jeu de valeurs"
        )
    return library_value_set(canonical, server)


def library_value_set(canonical: str, server: Server) -> Tree:
    """Raises `Unprocessable` for one that is not known."""
    library = library_of(server)
    found = library.find("ValueSet", canonical)
    if found is None:
        text = "The value set that the element is bound to is not known here"
        error = Unprocessable(text, code="not-found")
        french = "Le jeu de valeurs auquel l'élément est lié n'est pas connu ici"
        error.issues = (Issue("not-found", text, french=french),)
        raise error
    return found


def _binding(definition: Tree, path: str) -> str | None:
    elements: list[Any] = [
        one
        for view in ("differential", "snapshot")
        for one in definition.get(view, {}).get("element", ())
        if path in {one.get("id"), one.get("path")}
    ]
    return next((one["binding"].get("valueSet") for one in elements if "binding" in one), None)


def _no_context(english: str, french: str) -> NotFound:
    error = NotFound(english)
    error.issues = (Issue("not-found", english, french=french),)
    return error


def _wanted(inputs: Inputs) -> Wanted:
    return Wanted(inputs.one("abstract") is not False, inputs.one("displayLanguage") or "")


def _told(verdict: Verdict, call: Call) -> Reply:
    parts: list[Tree] = [{"name": "result", "valueBoolean": verdict.result}]
    if verdict.message is not None:
        parts.append({"name": "message", "valueString": verdict.message.in_(call.language)})
    if verdict.display:
        parts.append({"name": "display", "valueString": verdict.display})
    return parameters(parts)


OPERATIONS: Final = (
    Operation(standard("ValueSet-validate-code"), ask=of_value_set),
    Operation(standard("CodeSystem-validate-code"), ask=of_code_system),
)
