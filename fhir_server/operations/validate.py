"""$validate: whether a resource is right, by R4 and by profiles, and whether it could be written as it is.

The answer is an OperationOutcome, with 200 whatever it says; another status means that nothing was judged. Sentences
come in French or English, as Accept-Language asks, with the place, and the profile that asks for what is missing.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from fhir_server.access.authority import Denied
from fhir_server.interactions.authorising import ending
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.delete import referrers
from fhir_server.interactions.drafting import type_in
from fhir_server.interactions.judging import judgement
from fhir_server.interactions.outcome import outcome_body
from fhir_server.interactions.read import key_of
from fhir_server.interactions.references import places_of, targets_of
from fhir_server.kernel.errors import FhirError, Gone, Malformed, NotFound, Unprocessable
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree, decode
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, standard
from fhir_server.store.contract import Stored, Transaction

_TOLD: Final = 5  # resources that stand in the way of a deletion
_MOST_PLACES: Final = 100  # of references to nothing: enough for a reader
_MODES: Final = ("create", "update", "delete", "profile")
_SOUND: Final = Issue(
    "informational",
    "Nothing is wrong with this resource",
    severity="information",
    french="Cette ressource ne présente aucune anomalie",
)
_DELETABLE: Final = Issue(
    "informational",
    "This resource may be deleted",
    severity="information",
    french="Cette ressource peut être supprimée",
)


async def validate(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    mode, profile, tree = inputs.one("mode"), inputs.one("profile"), inputs.one("resource")
    _require_sense(mode, call, tree)
    if mode == "delete":
        return Reply(200, outcome_body([await _deletion(call, tx, server)], call.language))
    if profile is not None and server.registry.entry("StructureDefinition", profile) is None:
        raise _refusal(
            Unprocessable,
            "not-found",
            "The profile that is asked for is not known here",
            "Le profil demandé n'est pas connu ici",
        )
    if tree is None or mode == "update":
        stored = await _stored(call, tx)
        tree = decode(stored.body) if tree is None else tree
    if type_in(tree) != call.type:
        raise _refusal(
            Malformed,
            "structure",
            f"The address is one of {call.type}, and the resource has another 'resourceType'",
            f"L'adresse est de {call.type}, et la ressource a un autre « resourceType »",
            "resourceType",
        )
    assert call.type is not None, "R4 has it at types and instances"
    profiles = [*([profile] if profile else ()), *server.standards.required.get(call.type, ())]
    issues = await judgement(tree, profiles, tx, server, call.base, server.standards.options)
    if mode in {"create", "update"} and not any(issue.severity in {"error", "fatal"} for issue in issues):
        issues += await _obstacles(tree, mode, call, tx, server)
    return Reply(200, outcome_body(issues or [replace(_SOUND, expression=call.type)], call.language))


def _require_sense(mode: Any, call: Call, tree: Tree | None) -> None:
    if mode is not None and mode not in _MODES:
        modes = ", ".join(_MODES)
        raise _refusal(Malformed, "value", f"The mode is one of {modes}", f"Le mode est un de {modes}")
    if mode in {"update", "delete"} and call.id is None:
        raise _refusal(
            Malformed,
            "invalid",
            f"The mode '{mode}' is about one resource: [type]/[id]/$validate",
            f"Le mode « {mode} » porte sur une ressource : [type]/[id]/$validate",
        )
    if tree is None and call.id is None:
        raise _refusal(
            Malformed,
            "required",
            "The input 'resource' is required and is missing",
            "L'entrée « resource » est requise et manque",
        )


def _refusal(kind: type[FhirError], code: str, english: str, french: str, expression: str = "") -> FhirError:
    error = kind(english)
    error.issues = (Issue(code, english, expression, french=french),)
    return error


async def _stored(call: Call, tx: Transaction) -> Stored:
    key = key_of(call)
    stored = await tx.read(key)
    if stored is None:
        raise NotFound(f"{key} is not known here")
    if stored.deleted:
        raise Gone(f"{key} was deleted", version=stored.version)
    return stored


async def _deletion(call: Call, tx: Transaction, server: Server) -> Issue:
    """Whether the nominated resource may be deleted, or ended where that is what becomes of it."""
    stored = await _stored(call, tx)
    key = stored.key
    try:
        ended = await ending(stored, call, tx, server)
    except Denied as error:
        return replace(error.issues[0], severity="error", expression=key.type)
    others: list[Key] = []
    if server.limits.references and ended is None:
        found = await referrers(key, tx, server, most=_TOLD + 1)
        others = [one for one in found if one != key][:_TOLD]
    if not others:
        return replace(_DELETABLE, expression=key.type)
    told = ", ".join(map(str, others))
    return Issue(
        "conflict",
        f"{key} cannot be deleted: {told} refers to it",
        key.type,
        french=f"{key} ne peut pas être supprimée : {told} y fait référence",
    )


async def _obstacles(tree: Tree, mode: str, call: Call, tx: Transaction, server: Server) -> Sequence[Issue]:
    """What else keeps a sound resource from being written."""
    issues = []
    if mode == "update" and tree.get("id") != call.id:
        issues.append(
            Issue(
                "invalid",
                "The body of an update has the id of its address",
                f"{call.type}.id",
                french="Le corps d'une mise à jour porte l'identifiant de son adresse",
            )
        )
    if server.limits.references:
        try:
            targets = targets_of(tree, call.base)
        except FhirError as error:
            return [*issues, *error.issues]
        gone = set()
        for key in targets:
            found = await tx.read(key)
            if found is None or found.deleted:
                gone.add(key)
        issues += (
            Issue(
                "not-found",
                f"{key} does not exist here, and this server keeps no reference to nothing",
                place,
                french=f"{key} n'existe pas ici, et ce serveur ne garde aucune référence sans cible",
            )
            for key, place in islice(places_of(tree, gone, call.base, tree["resourceType"]), _MOST_PLACES)
        )
    return issues


OPERATION: Final = Operation(standard("Resource-validate"), act=validate)
