"""ConceptMap/$translate: what a code is in another code system.

https://hl7.org/fhir/R4/conceptmap-operation-translate.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, standard
from fhir_server.operations.terminology import (
    answer_of,
    codes_in,
    definition_of,
    library_of,
    missing,
    parameters,
)
from fhir_server.store.contract import Reader
from terminology.systems import Tree
from terminology.translation import Match, Scope, translated


async def translate(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    codes = codes_in(inputs)
    if not any(code.system for code in codes):
        raise missing(
            "A code is translated from its code system: the input 'system' is required",
            "Un code se traduit depuis son système : l'entrée « system » est requise",
        )
    scope = Scope(
        inputs.one("source") or "",
        inputs.one("target") or "",
        inputs.one("targetsystem") or "",
        tuple(_dependencies(inputs)),
        inputs.one("reverse") is True,
    )
    tree = await definition_of(call, inputs, reader, server, "conceptMapVersion")
    library = library_of(server, given=() if tree is None else (tree,))
    if tree is None and not (scope.source or scope.target or scope.target_system):
        raise missing(
            "The map is required: 'url', 'conceptMap', or what to translate to: 'target', 'targetsystem'",
            "La table est requise : « url », « conceptMap », ou vers quoi traduire : « target », « targetsystem »",
        )
    systems = {code.system or "" for code in codes}

    def attempt() -> list[Match]:
        maps = [tree] if tree is not None else library.stock.maps(systems, reverse=scope.reverse)
        return translated(codes, maps, scope, library)

    return parameters(_told(await answer_of(attempt, library), call))


def _dependencies(inputs: Inputs) -> Iterator[tuple[str, frozenset[tuple[str, str]]]]:
    for parts in inputs.all("dependency"):
        element, concept = "", {}
        for part in parts:
            if part.get("name") == "element":
                element = part.get("valueUri", "")
            elif part.get("name") == "concept":
                concept = part.get("valueCodeableConcept", {})
        codings = concept.get("coding", [])
        yield element, frozenset((one.get("system", ""), one.get("code", "")) for one in codings)


def _told(matches: list[Match], call: Call) -> Iterator[Tree]:
    result = any(match.found for match in matches)
    yield {"name": "result", "valueBoolean": result}
    if not result:
        french = call.language == "fr"
        text = "Aucune correspondance n'est connue ici" if french else "No translation is known here"
        yield {"name": "message", "valueString": text}
    for match in matches:
        part: list[Any] = [{"name": "equivalence", "valueCode": match.equivalence}]
        if match.concept:
            part.append({"name": "concept", "valueCoding": match.concept})
        for product in match.products:
            inner = [{"name": "element", "valueUri": product["property"]}] if product["property"] else []
            part.append(
                {"name": "product", "part": [*inner, {"name": "concept", "valueCoding": product["concept"]}]}
            )
        if match.source:
            part.append({"name": "source", "valueUri": match.source})
        yield {"name": "match", "part": part}


OPERATION: Final = Operation(standard("ConceptMap-translate"), ask=translate)
