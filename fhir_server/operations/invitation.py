"""$invite, $withdraw-invitation and $redeem-invitation: how a citizen comes to be somebody here.

A member of the circle who may bring in others gets a code for a Patient or a RelatedPerson, and hands it over (an
operator does so with `cordee admin account invite`). The citizen, with a token of an issuer that is believed for
citizens, brings it back with what they know of themselves. All of it is traced, and announced to the person, the
référent and the médecin traitant.

Domain: `coordination-domain.md`, 18.9.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

from fhir_server.access.announcing import invitation_announced
from fhir_server.access.authority import Authority, Denied, require
from fhir_server.access.caller import ANYONE
from fhir_server.access.decisions import WHO, WRITING, refused
from fhir_server.access.facts import Facts, target_of
from fhir_server.access.invitations import TRIES, digest_of, may_invite, new_code, shows, traits_of
from fhir_server.access.standing import Case
from fhir_server.interactions.admission import admitted
from fhir_server.interactions.call import Action, Call, Change, Reply, Server
from fhir_server.interactions.drafting import put
from fhir_server.interactions.read import key_of
from fhir_server.interactions.tying import facts_of, hold
from fhir_server.kernel.errors import Malformed, NotFound, Unprocessable
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text, now
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, answered, own, taken
from fhir_server.store.contract import Account, Invitation, Transaction

_DAY: Final = 86_400_000_000  # µs
_SHOWN: Final = frozenset({"code", "birthDate", "family"})
_NOT_SO: Final = refused(WHO, "invitation: not open, or not with this code and these traits")
_INVITED: Final = "Quelqu'un a été invité à ouvrir un accès en tant que cette personne ou un de ses proches"
_WITHDRAWN: Final = "Une invitation à ouvrir un accès a été retirée"
_REDEEMED: Final = "Un compte a été rattaché à cette personne ou à un de ses proches"


async def invite(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    access, invited = _access(server), key_of(call)
    facts = await _inviting(invited, call, tx, server, access)
    day, _ = traits_of(facts.trees[invited], facts.patient)
    if not day:
        raise Unprocessable(
            "Who is invited shows a day of birth, and none is known here",
            f"{invited.type}.birthDate",
            code="required",
            french="La personne invitée montre sa date de naissance, et aucune n'est connue ici",
        )
    code, moment = new_code(), now()
    digest = digest_of(code)
    assert digest is not None, "our own codes are codes"
    until = moment + server.limits.invitation_days * _DAY
    await tx.invite(Invitation(digest, invited, moment, until, TRIES))
    told = [
        {"name": "code", "valueString": code},
        {"name": "until", "valueInstant": instant_text(until)},
    ]
    changes = await _announced(_INVITED, invited, facts, call, tx, server)
    return Reply(200, encode({"resourceType": "Parameters", "parameter": told}), changes=changes)


async def withdraw(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    access, invited = _access(server), key_of(call)
    facts = await _inviting(invited, call, tx, server, access)
    open_ = await tx.uninvite(invited)
    told = [{"name": "withdrawn", "valueBoolean": open_}]
    changes = await _announced(_WITHDRAWN, invited, facts, call, tx, server) if open_ else ()
    return Reply(200, encode({"resourceType": "Parameters", "parameter": told}), changes=changes)


async def redeem(call: Call, inputs: Inputs, tx: Transaction, server: Server) -> Reply:
    _access(server)
    caller = call.caller
    if any(name in _SHOWN for name, _ in parse_qsl(call.query)):
        raise Malformed(
            "The inputs go into the body: addresses are written down in many places", code="invalid"
        )
    if caller.kind != "citizen":
        require(refused(WRITING, "invitation: for a citizen who has logged in"))
    digest = digest_of(inputs.one("code"))
    invited = None if digest is None else await server.store.tried(digest)
    if digest is None or invited is None:
        raise Denied(_NOT_SO)
    tree = await _current(invited, tx)
    person = invited if tree is None or invited.type == "Patient" else _person_of(tree, call)
    if tree is None or person is None:
        raise Denied(_NOT_SO)
    await hold([person], tx)
    facts = await facts_of(person, _bases(call), server)
    if not shows(tree, facts.patient, inputs.one("birthDate"), inputs.one("family") or ""):
        raise Denied(_NOT_SO, (person,))
    if await tx.redeem(digest, Account(caller.issuer, caller.subject)) is None:
        raise Denied(_NOT_SO, (person,))
    changes = await _announced(_REDEEMED, invited, facts, call, tx, server)
    told = [{"name": "account", "valueReference": {"reference": str(invited)}}]
    return Reply(200, encode({"resourceType": "Parameters", "parameter": told}), changes=changes)


def _access(server: Server) -> Authority:
    if server.access is None:
        raise Unprocessable(
            "Nobody is known to this server: there is nobody to invite",
            code="not-supported",
            french="Ce serveur ne connaît personne : il n'y a personne à inviter",
        )
    return server.access


async def _inviting(invited: Key, call: Call, tx: Transaction, server: Server, access: Authority) -> Facts:
    """The facts of the person, once it is clear that the caller may invite in their name.

    Raises `NotFound` for what the caller does not see, `Denied`.
    """
    seen = await server.store.within(admitted(replace(call, action=Action.READ), server)).read(invited)
    tree = await _current(invited, tx)
    if tree is None or seen is None:
        raise NotFound(f"{invited} is not known here")
    person = invited if invited.type == "Patient" else _person_of(tree, call)
    if person is None:
        raise Unprocessable(
            "The person of this relative is not of this server",
            "RelatedPerson.patient",
            code="value",
            french="La personne de ce proche n'est pas de ce serveur",
        )
    await hold([person], tx)
    facts = await facts_of(person, _bases(call), server)
    case = Case(call.caller, facts, facts, access.policy.cells, now())
    require(may_invite(facts, invited, case), (person,))
    return facts


async def _current(key: Key, tx: Transaction) -> Tree | None:
    stored = await tx.read(key)
    return None if stored is None or stored.deleted else decode(stored.body)


def _person_of(relative: Tree, call: Call) -> Key | None:
    key = target_of(relative.get("patient"), _bases(call))
    return key if key is not None and key.type == "Patient" else None


def _bases(call: Call) -> tuple[str, ...]:
    return (call.base,) if call.base else ()


async def _announced(
    sentence: str, invited: Key, facts: Facts, call: Call, tx: Transaction, server: Server
) -> tuple[Change, ...]:
    key = Key("Communication", server.store.new_id())
    tree = invitation_announced(sentence, invited, facts, call.caller, key.id, now())
    if tree is None:
        return ()
    itself = replace(call, caller=ANYONE)  # the server writes it
    return (await put(tree, key, "POST", None, itself, tx, server)).changes


_KINDS: Final = ("Patient", "RelatedPerson")

OPERATIONS: Final = (
    Operation(
        own(
            "Patient-invite",
            name="Invite",
            title="Invite a citizen to have an account here",
            description=(
                "Gives a code to hand over to the person, or to a relative, who becomes this Patient or RelatedPerson "
                "with it ($redeem-invitation). For a member who may bring in others (médecin traitant, coordinator, "
                "nurse, management of a member organization, the person, a representative). A new "
                "code takes the place of the one before. It is announced to the person, the référent and the médecin "
                "traitant."
            ),
            resource=_KINDS,
            instance=True,
            affects_state=True,
            parameter=(
                answered("code", "string", "To be handed over; it is not kept here and not told again"),
                answered("until", "instant", "When it ends"),
            ),
        ),
        act=invite,
        whole=True,
    ),
    Operation(
        own(
            "Patient-withdraw-invitation",
            name="WithdrawInvitation",
            title="Take an invitation back",
            description="Makes the code of this Patient or RelatedPerson worthless. For whoever may invite.",
            resource=_KINDS,
            instance=True,
            affects_state=True,
            parameter=(answered("withdrawn", "boolean", "Whether there was one that was open"),),
        ),
        act=withdraw,
        whole=True,
    ),
    Operation(
        own(
            "Resource-redeem-invitation",
            name="RedeemInvitation",
            title="Become the person whom an invitation is for",
            description=(
                "A citizen who is nobody here yet shows the code that they were given, and what the person knows of "
                "themselves. The account that their token is of is that person's from the next request on. After "
                f"{TRIES} tries the code is worthless."
            ),
            resource=("Resource",),
            system=True,
            affects_state=True,
            parameter=(
                taken("code", "string", "As it was handed over", min=1),
                taken(
                    "birthDate",
                    "date",
                    "The day of birth; of the person, where the relative's is not known",
                    min=1,
                ),
                taken("family", "string", "A family name of whoever is invited, where one is known"),
                answered("account", "Reference", "The Patient or RelatedPerson"),
            ),
        ),
        act=redeem,
        whole=True,
    ),
)
