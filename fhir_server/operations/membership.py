"""CareTeam/$join and CareTeam/$leave: who takes part in a circle of care, from now on or no longer.

Both write the next version of the circle. Who may is for the table of links, not for the matrix: a home help who cannot
read the circle may leave it, and a nurse who may not edit it may invite.

https://interop.esante.gouv.fr/ig/fhir/cds
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from fhir_server.access.authority import require
from fhir_server.access.decisions import LINK, refused
from fhir_server.access.facts import person_of, target_of
from fhir_server.access.joining import CIRCLE, circle_of, joined, left, takes_part
from fhir_server.access.linking import receives
from fhir_server.access.reading import profiles
from fhir_server.access.standing import Warrant
from fhir_server.interactions.admission import admitted
from fhir_server.interactions.authorising import actors_of
from fhir_server.interactions.call import Action, Call, Reply, Server
from fhir_server.interactions.drafting import put
from fhir_server.interactions.judging import judged
from fhir_server.interactions.read import key_of
from fhir_server.interactions.tying import hold
from fhir_server.kernel.errors import Gone, Malformed, NotFound, Unprocessable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, answered, own, taken
from fhir_server.operations.presenting import presented
from fhir_server.search.query import Name, Query, References, Tokens, TokenValue
from fhir_server.store.contract import Method, Missing, Stored, Transaction

_NAME: Final = "Cercle de soins"
_MOST: Final = 100  # circles of one person


async def join(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    if call.id is None:
        return await _come(call, inputs, tx, server)
    return await _invite(call, inputs, tx, server)


async def _invite(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    """A member brings somebody into a circle that they see."""
    if inputs.one("patient") is not None:
        raise Malformed("'patient' is for CareTeam/$join, where the circle is not known", code="value")
    key, member = key_of(call), _member(inputs.one("member"), call)
    if member is None:
        raise Malformed("The input 'member' is required: it says who joins", code="required")
    reader = server.store.within(admitted(replace(call, action=Action.UPDATE), server))
    seen = await reader.read(key)
    stored = await tx.lock(key)
    if seen is None or stored is None:
        raise NotFound(f"{key} is not known here")
    if stored.deleted:
        raise Gone(f"{key} was deleted", version=stored.version)
    if await reader.unseen([member]):
        raise Missing([member])
    return await _joined(decode(stored.body), stored, member, inputs, call, tx, server, "circle")


async def _come(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    """Somebody comes who is of no circle of the person's, and shows who the person is."""
    admitted(replace(call, action=Action.UPDATE), server)
    shown, actors = inputs.one("patient"), actors_of(call.caller)
    if shown is None:
        raise Malformed(
            "The input 'patient' is required: a Patient with the INS and the five strict traits",
            code="required",
        )
    member = _member(inputs.one("member"), call) or call.caller.acting
    if member is None:
        raise Malformed("The input 'member' is required: it says who joins", code="required")
    if server.access is not None and call.caller.kind != "anyone":
        # Before anything is looked up: who may not come by an INS learns nothing of it.
        if not receives(call.caller):
            require(refused(LINK, "link: nobody joins by themselves in this role"))
        if member not in actors:
            require(refused(LINK, "link: who presents the INS joins, and nobody else"))
    person = await presented(shown, call.caller, tx, server)
    await hold([person], tx)
    stored = await _circle(person, tx)
    if stored is not None:
        return await _joined(decode(stored.body), stored, member, inputs, call, tx, server, "identity")
    identifier = {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{uuid4()}"}
    circle = circle_of(person, server.store.new_id(), identifier, _NAME, now())
    return await _joined(circle, None, member, inputs, call, tx, server, "identity")


async def _circle(person: Key, tx: Transaction) -> Stored | None:
    """The circle of a person, of which there should be one; the national one or else the oldest, if there are more."""
    about = References(Name("CareTeam", "subject"), (person,))
    active = Tokens(Name("CareTeam", "status"), (TokenValue(None, "active"),))
    found = (await tx.search(Query(("CareTeam",), (about, active), count=_MOST, total="none"))).items
    national = CIRCLE.rpartition("/")[2]
    ranked = sorted(found, key=lambda one: (national not in profiles(decode(one.body)), one.key))
    return await tx.lock(ranked[0].key) if ranked else None


async def _joined(
    circle: Tree,
    stored: Stored | None,
    member: Key,
    inputs: Inputs,
    call: Call,
    tx: Transaction,
    server: Server,
    warrant: Warrant,
) -> Reply:
    moment, key = now(), Key("CareTeam", circle["id"])
    tree = joined(circle, member, moment, inputs.one("role"))
    if tree is circle:  # they are in it
        return Reply(200, _answer(circle, call), persons=person_of(circle, (call.base,)))
    await judged(tree, call, tx, server)
    method: Method = "POST" if stored is None else "PUT"
    reply = await put(tree, key, method, stored, call, tx, server, warrant=warrant)
    return Reply(200, _answer(circle, call), changes=reply.changes)


async def leave(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    key, moment = key_of(call), now()
    reader = server.store.within(admitted(replace(call, action=Action.UPDATE), server))
    seen = await reader.read(key)
    stored = await tx.lock(key)
    circle = decode(stored.body) if stored is not None and not stored.deleted else {}
    mine = [actor for actor in actors_of(call.caller) if takes_part(circle, actor, moment)]
    if stored is None or (seen is None and not mine):
        raise NotFound(f"{key} is not known here")
    if stored.deleted:
        raise Gone(f"{key} was deleted", version=stored.version)
    named = [_member(reference, call) for reference in inputs.all("member")]
    members = [member for member in named if member is not None] if named else mine
    if not members:
        raise Unprocessable(
            "You are not in this circle; 'member' says who leaves it",
            code="value",
            french="Vous n'êtes pas de ce cercle ; « member » dit qui le quitte",
        )
    tree = left(circle, members, moment)
    if not person_of(tree, (call.base,)):
        raise Unprocessable(
            "This team is about no person of this server",
            "CareTeam.subject",
            code="value",
            french="Cette équipe ne concerne aucune personne de ce serveur",
        )
    if tree == circle:
        return Reply(200, _answer(circle, call))
    reply = await put(tree, key, "PUT", stored, call, tx, server, warrant="circle")
    return Reply(200, _answer(circle, call), changes=reply.changes)


def _member(reference: Any, call: Call) -> Key | None:
    """Who an input names; None: there is no input. Raises `Malformed` for anything but a resource of this server."""
    if reference is None:
        return None
    member = target_of(reference, (call.base,))
    if member is None:
        raise Malformed("The input 'member' refers to no resource of this server", code="value")
    return member


def _answer(circle: Tree, call: Call) -> bytes:
    """Where, and about whom; not the circle itself, which whoever joins or leaves may not be allowed to read."""
    told = [{"name": "circle", "valueReference": {"reference": f"CareTeam/{circle['id']}"}}]
    for person in person_of(circle, (call.base,)):
        told.append({"name": "patient", "valueReference": {"reference": str(person)}})
    return encode({"resourceType": "Parameters", "parameter": told})


_ANSWER: Final = (
    answered("circle", "Reference", "The circle"),
    answered("patient", "Reference", "Whose circle it is", min=0),
)

OPERATIONS: Final = (
    Operation(
        own(
            "CareTeam-join",
            name="CareTeamJoin",
            title="Join a circle of care, or bring somebody into it",
            description=(
                "On a circle: a member who may (médecin traitant, coordinator, nurse, management of a member "
                "organization, the person, a representative) brings somebody into it. On the type: a professional who "
                "is in front of the person presents the INS and the five strict traits, and joins; a first circle is "
                "made where there is none. Both are announced to the person, the référent and the médecin traitant."
            ),
            resource=["CareTeam"],
            type=True,
            instance=True,
            affects_state=True,
            parameter=(
                taken(
                    "member",
                    "Reference",
                    "Who joins. On the type: one of the caller's own, by default the first",
                ),
                taken("role", "CodeableConcept", "In which role"),
                taken("patient", "Patient", "On the type: the INS and the five strict traits of the person"),
                *_ANSWER,
            ),
        ),
        act=join,
        whole=True,
    ),
    Operation(
        own(
            "CareTeam-leave",
            name="CareTeamLeave",
            title="Leave a circle of care",
            description=(
                "Ends the participation of the caller, from this moment on; or of others, for the référent, the "
                "médecin traitant and the person. What was shared ends with it, on the next request of any worker."
            ),
            resource=["CareTeam"],
            instance=True,
            affects_state=True,
            parameter=(
                taken("member", "Reference", "Who leaves; by default the caller", max="*"),
                *_ANSWER,
            ),
        ),
        act=leave,
        whole=True,
    ),
)
