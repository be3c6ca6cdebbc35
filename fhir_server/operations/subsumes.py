"""CodeSystem/$subsumes: which of two codes stands above the other.

https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from __future__ import annotations

from typing import Final

from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.kernel.errors import Malformed
from fhir_server.kernel.issues import Issue
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, standard
from fhir_server.operations.terminology import (
    answer_of,
    code_of,
    definition_of,
    library_of,
    missing,
    parameters,
)
from fhir_server.store.contract import Reader
from terminology.codes import subsumed
from terminology.library import Library
from terminology.lookup import found_in
from terminology.membership import Code, Held


async def subsumes(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    definition = await definition_of(call, inputs, reader, server, "version")
    own = "" if definition is None else definition.get("url", "")
    one, other = (_code(inputs, letter, own) for letter in ("A", "B"))
    if not one.system:
        raise missing(
            "The code system is required: the input 'system', or codings that have one",
            "Le système de codes est requis : l'entrée « system », ou des codages qui en ont un",
        )
    if one.system != other.system or (own and one.system != own):
        text = "The two codes are of one code system"
        error = Malformed(text, code="value")
        error.issues = (Issue("value", text, french="Les deux codes sont du même système de codes"),)
        raise error
    if one.version and other.version and one.version != other.version:
        text = "The two codes are of one version of their code system"
        error = Malformed(text, code="value")
        french = "Les deux codes sont de la même version de leur système de codes"
        error.issues = (Issue("value", text, french=french),)
        raise error
    library = library_of(server, given=() if definition is None else (definition,))
    outcome = await answer_of(lambda: outcome_of(one, other, library), library)
    return parameters([{"name": "outcome", "valueCode": outcome}])


def outcome_of(one: Code, other: Code, library: Library) -> str:
    """https://hl7.org/fhir/R4/valueset-concept-subsumption-outcome.html. Raises `NoAnswer` and `Later`."""
    system, first = found_in(library, one.system or "", one.version, one.code)
    _, second = found_in(library, other.system or "", one.version or other.version, other.code)
    if first.code == second.code:
        return "equivalent"
    if subsumed(system, first.code, second.code) is Held.YES:
        return "subsumes"
    return "subsumed-by" if subsumed(system, second.code, first.code) is Held.YES else "not-subsumed"


def _code(inputs: Inputs, letter: str, own: str) -> Code:
    code, coding = inputs.one(f"code{letter}"), inputs.one(f"coding{letter}")
    if (code is None) == (coding is None) or (coding is not None and "code" not in coding):
        raise missing(
            f"One of the inputs 'code{letter}' and 'coding{letter}' is required, and just one",
            f"Une des entrées « code{letter} » et « coding{letter} » est requise, et une seule",
        )
    if coding is not None:
        return code_of(coding)
    return Code(inputs.one("system") or own, code, inputs.one("version") or "")


OPERATION: Final = Operation(standard("CodeSystem-subsumes"), ask=subsumes)
