"""Patient/$emergency-access, *bris de glace*: four hours of access to a person, for a reason that everybody will read.

The grant is a resource of the person (`access/emergency.py`), and those who answer for the circle are told at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final
from urllib.parse import urlencode

from fhir_server.access.authority import Authority, require
from fhir_server.access.caller import Caller
from fhir_server.access.emergency import DURATION, grant_of, may_break_glass
from fhir_server.access.facts import GRANT, GRANT_TYPES, Facts
from fhir_server.access.links import consents_of
from fhir_server.interactions.admission import admitted
from fhir_server.interactions.call import Action, Call, Reply, Server
from fhir_server.interactions.drafting import put
from fhir_server.interactions.read import key_of
from fhir_server.interactions.tying import facts_of, hold
from fhir_server.kernel.errors import Malformed, NotFound, Throttled, Unprocessable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text, now
from fhir_server.kernel.wire import encode
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, answered, own, taken
from fhir_server.operations.presenting import presented
from fhir_server.search.parse import criteria_of
from fhir_server.search.query import Sort
from fhir_server.store.contract import Transaction

_PURPOSE: Final = "BTG"
_SECOND: Final = 1_000_000  # µs
_HOUR: Final = 60 * 60 * _SECOND
_LATEST: Final = Sort("updated", None, descending=True)
_NOBODY: Final = Facts(Key("Patient", "-"))


async def emergency_access(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    access, caller, reason = server.access, call.caller, inputs.one("reason")
    if access is None or caller.kind == "anyone":
        raise Unprocessable(
            "Nothing is closed to you here: there is no emergency access to take",
            code="not-supported",
            french="Rien ne vous est fermé ici : il n'y a pas d'accès en urgence à prendre",
        )
    if inputs.one("purpose") not in {None, _PURPOSE}:
        raise Malformed(f"The purpose of an emergency access is {_PURPOSE}", code="value")
    admitted(replace(call, action=Action.READ), server)
    # Who may not whoever it is about is told so before anything is looked up.
    _require(access, caller, _NOBODY, reason, ())
    await _require_few(call, tx, server)

    person = await _person(call, inputs, tx, server)
    await hold([person], tx)
    facts = await facts_of(person, (call.base,) if call.base else (), server)
    _require(access, caller, facts, reason, (person,))
    key, moment = Key("Basic", server.store.new_id()), now()
    grant = grant_of(caller, person, key.id, reason, moment)
    reply = await put(grant, key, "POST", None, call, tx, server, warrant="emergency")
    told = [
        {"name": "patient", "valueReference": {"reference": str(person)}},
        {"name": "grant", "valueReference": {"reference": str(key)}},
        {"name": "until", "valueInstant": instant_text(moment + DURATION)},
    ]
    return Reply(200, encode({"resourceType": "Parameters", "parameter": told}), changes=reply.changes)


def _require(access: Authority, caller: Caller, facts: Facts, reason: str, persons: tuple[Key, ...]) -> None:
    consents = consents_of(facts, access.policy.cells)
    require(may_break_glass(caller, facts, consents, reason, now()), persons)


async def _require_few(call: Call, tx: Transaction, server: Server) -> None:
    """Raises `Throttled` when the caller took as many accesses within an hour as a setting allows."""
    actor = call.caller.acting
    await tx.guard([f"emergency accesses of {actor}"])
    recent = {
        "author": str(actor),
        "code": f"{GRANT_TYPES}|{GRANT}",
        "_lastUpdated": f"ge{instant_text(now() - _HOUR)}",
    }
    query = criteria_of("Basic", urlencode(recent), call.base, server.parameters)
    most = server.limits.emergencies
    page = await tx.search(replace(query, sort=(_LATEST,), count=most, total="none"))
    if len(page.items) >= most:
        raise Throttled(
            f"{most} emergency accesses within an hour is as many as this server gives",
            french=f"{most} accès en urgence en une heure : ce serveur n'en donne pas plus",
            seconds=(page.items[-1].updated + _HOUR - now()) / _SECOND,
        )


async def _person(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Key:
    shown = inputs.one("patient")
    if call.id is None:
        if shown is None:
            raise Malformed(
                "The input 'patient' is required: a Patient with the INS and the five strict traits",
                code="required",
            )
        return await presented(shown, call.caller, tx, server)
    if shown is not None:
        raise Malformed("'patient' is for Patient/$emergency-access, where the id is not known", code="value")
    # An id opens somebody who is hidden, and so tells that there is somebody: one that is wrong is a guess.
    key = key_of(call)
    server.guesses.count(call.caller, None, asyncio.get_running_loop().time())
    stored = await tx.read(key)
    if stored is None or stored.deleted:
        raise NotFound(f"{key} is not known here")
    server.guesses.forgive(call.caller, None)
    return key


OPERATION: Final = Operation(
    own(
        "Patient-emergency-access",
        name="PatientEmergencyAccess",
        title="Take emergency access to a person",
        description=(
            "Gives a professional four hours of access to identity, health and what else an emergency needs; never to "
            "messages, nor to what is masked. It takes a reason, which the person, the référent and the médecin "
            "traitant are told. A person who opposed emergency access is obeyed. Whoever does not know the id presents "
            "the INS and the five strict traits, on the type."
        ),
        resource=["Patient"],
        type=True,
        instance=True,
        affects_state=True,
        parameter=(
            taken("reason", "string", "Why, in at least 15 characters; a new one each time", min=1),
            taken("purpose", "code", "BTG, which is also what is meant by default"),
            taken("patient", "Patient", "On the type: the INS and the five strict traits of the person"),
            answered("patient", "Reference", "The person"),
            answered("grant", "Reference", "What was granted"),
            answered("until", "instant", "When it ends"),
        ),
    ),
    act=emergency_access,
    whole=True,
)
