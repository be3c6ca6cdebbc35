"""$access-decision: whether somebody may do something, with the gate and the rule that decide. Nothing is done.

For those who answer for the policy: operators and data protection officers; on a server without authentication, for
anyone, who is told what the shipped policy would decide. The scopes of a client are not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, get_args

from fhir_server.access.authority import Authority, require
from fhir_server.access.caller import Caller, CallerKind
from fhir_server.access.decisions import WHO, WRITING, Decision, refused
from fhir_server.access.facts import LINKING, person_of, target_of
from fhir_server.access.linking import may_link, second_circle
from fhir_server.access.matrix import ROLES, shipped_matrix
from fhir_server.access.policy import Policy
from fhir_server.access.roles import DPO, OPERATOR, known_roles
from fhir_server.access.standing import Write
from fhir_server.access.tables import shipped_tables
from fhir_server.definitions.catalogue import resource_types
from fhir_server.interactions.authorising import actors_of
from fhir_server.interactions.call import Call, Reply, Server
from fhir_server.interactions.judging import require_sound
from fhir_server.interactions.tying import facts_after, facts_of
from fhir_server.kernel.errors import Malformed, NotFound
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree, decode, encode
from fhir_server.operations.inputs import Inputs
from fhir_server.operations.operation import Operation, answered, own, taken
from fhir_server.search.extract import dates_of
from fhir_server.search.sight import Link, Span, Stamp
from fhir_server.store.contract import Reader

_ACTIONS: Final = ("read", "create", "update", "delete")
_KINDS: Final[tuple[CallerKind, ...]] = get_args(CallerKind)
_ANSWERING: Final = frozenset({OPERATOR, DPO})
# By which a resource of any type may be about a person: of a type alone, all of them are.
_ABOUT: Final = ("subject", "patient", "for", "beneficiary", "individual")
_NEW: Final = "-"  # the id of what is not stored


@immutable
class _Question:
    """`old`: what is stored; `new`: what it would be. None: there is none."""

    caller: Caller
    action: str
    key: Key
    old: Tree | None
    new: Tree | None


async def access_decision(call: Call, inputs: Inputs, reader: Reader, server: Server) -> Reply:
    asking = call.caller
    if asking.kind not in {"anyone", "operator"} and _ANSWERING.isdisjoint(asking.roles):
        require(refused(WHO, "decisions are explained to operators and data protection officers"))
    authority = server.access or _shipped()
    question = await _question(call, inputs, server)
    bases = (call.base,) if call.base else ()
    decision, stamp = await _decided(question, authority, bases, server)
    told = [
        {"name": "decision", "valueCode": "allow" if decision.allowed else "deny"},
        {"name": "gate", "valuePositiveInt": decision.gate},
        {"name": "rule", "valueString": decision.rule},
        {"name": "category", "valueString": authority.policy.cells.name(stamp.cell)},
    ]
    return Reply(200, encode({"resourceType": "Parameters", "parameter": told}))


@cache
def _shipped() -> Authority:
    """The policy that comes with the server."""
    tables = shipped_tables()
    return Authority(Policy(shipped_matrix(), tables.cells(), tables))


async def _question(call: Call, inputs: Inputs, server: Server) -> _Question:
    caller, action = _caller(call, inputs), inputs.one("action")
    if action not in _ACTIONS:
        raise Malformed(f"The action is one of {', '.join(_ACTIONS)}", code="value")
    reference, tree = inputs.one("reference"), inputs.one("resource")
    tree = _of_type(call, inputs) if tree is None else require_sound(tree, server)
    if reference is None:
        if tree is None:
            raise Malformed(
                "One of 'reference', 'resource' and 'type' is required: it says what is asked about",
                code="required",
            )
        new = {**tree, "id": tree.get("id", _NEW)}
        return _Question(caller, action, Key(tree["resourceType"], new["id"]), None, new)
    key = _local(call, "reference", reference)
    stored = await server.store.read(key)
    if stored is None or stored.deleted:
        raise NotFound(f"{key} is not known here")
    after = None if tree is None else {**tree, "id": key.id}
    if after is not None and after["resourceType"] != key.type:
        raise Malformed("'reference' and 'resource' are of different types", code="value")
    return _Question(caller, action, key, decode(stored.body), after)


def _caller(call: Call, inputs: Inputs) -> Caller:
    kind, roles = inputs.one("kind"), inputs.all("role")
    if kind not in _KINDS:
        raise Malformed(f"The kind of a caller is one of {', '.join(_KINDS)}", code="value")
    known = {*ROLES, *known_roles()}
    if not known.issuperset(roles):
        raise Malformed(f"A role is one of {', '.join(sorted(known))}", code="value")
    actors = [_local(call, "actor", actor) for actor in inputs.all("actor")]
    classes = [Key("class", role) for role in roles] if actors and kind == "professional" else []
    return Caller(
        kind,
        roles=tuple(sorted(roles)),
        actors=(*actors, *classes),
        organisation=next((actor for actor in actors if actor.type == "Organization"), None),
        purpose=inputs.one("purpose") or "",
    )


def _of_type(call: Call, inputs: Inputs) -> Tree | None:
    """A resource of a type, of which nothing is known but whom it is about."""
    wanted, person = inputs.one("type"), inputs.one("patient")
    if wanted is None:
        return None
    if wanted not in resource_types():
        raise Malformed("The input 'type' is no resource type of FHIR R4", code="value")
    if person is None:
        return {"resourceType": wanted}
    key = _local(call, "patient", person)
    if wanted == "Patient":
        return {"resourceType": wanted, "id": key.id}
    return {"resourceType": wanted, **{name: {"reference": str(key)} for name in _ABOUT}}


def _local(call: Call, name: str, reference: Any) -> Key:
    key = target_of(reference, (call.base,))
    if key is None:
        raise Malformed(f"The input '{name}' refers to no resource of this server", code="value")
    return key


async def _decided(
    question: _Question, authority: Authority, bases: tuple[str, ...], server: Server
) -> tuple[Decision, Stamp]:
    """The decision, and the stamp that it is about."""
    caller, policy, moment = question.caller, authority.policy, now()
    old = None if question.old is None else await _stamp(question.key, question.old, authority, bases, server)
    new = question.new and authority.labelled(question.new, question.old, caller, bases)
    after = None if new is None else authority.stamp_of(new, creator=caller, previous=old, bases=bases)
    stamp = old or after
    assert stamp is not None, "something is asked about"
    persons = {person for one in (old, after) if one is not None for person in one.persons}
    links = await _links(sorted(persons), caller, authority, bases, server)
    what = question.key.type
    match question.action:
        case "create":
            decision = policy.may_create(caller, after or stamp, links, moment, type=what)
        case "update":
            decision = policy.may_update(caller, stamp, links, moment, type=what, after=after)
        case "delete":
            decision = policy.may_delete(caller, stamp, links, moment, type=what)
        case _:
            dates = _dates(question.old, bases, server)
            decision = policy.decision_of(caller, stamp, links, "read", moment, dates=dates)
    if not decision.allowed or new is None or question.action not in {"create", "update"}:
        return decision, stamp
    labelling = authority.may_label(question.old, new, caller, stamp, after or stamp, links, moment)
    if not labelling.allowed:
        return labelling, stamp
    tying = await _tying(caller, Write(question.old, new), authority, bases, server)
    return (decision if tying is None or tying.allowed else tying), stamp


def _dates(stored: Tree | None, bases: tuple[str, ...], server: Server) -> list[Span]:
    """When a stored resource is dated, where consents are about data of some time alone."""
    if stored is None:
        return []
    return dates_of(server.extract(stored, bases[0] if bases else ""), server.store.hasher)


async def _tying(
    caller: Caller, write: Write, authority: Authority, bases: tuple[str, ...], server: Server
) -> Decision | None:
    """What the table of links says to a write; None: it makes none."""
    if write.tree["resourceType"] not in LINKING:
        return None
    found = None
    for person in person_of(write.tree, bases):
        before = await facts_of(person, bases, server)
        later = await facts_after(before, write, server)
        found = may_link(caller, [write], before, later, authority.policy.cells, now())
        if found.allowed and second_circle([write], later):
            found = refused(WRITING, "link: the person has an active circle")
    return found


async def _stamp(key: Key, tree: Tree, authority: Authority, bases: tuple[str, ...], server: Server) -> Stamp:
    if server.access is None:  # nothing is stamped there
        return authority.stamp_of(tree, bases=bases)
    return (await server.store.stamps([key]))[key]


async def _links(
    persons: Sequence[Key], caller: Caller, authority: Authority, bases: tuple[str, ...], server: Server
) -> list[Link]:
    if server.access is not None:
        return await server.store.links(persons, actors_of(caller))
    found: list[Link] = []  # nobody is tied to anybody there: it follows from what is known
    for person in persons:
        found += authority.links_of(await facts_of(person, bases, server), now())
    return found


OPERATION: Final = Operation(
    own(
        "Resource-access-decision",
        name="AccessDecision",
        title="Explain a decision of access",
        description=(
            "Says whether a caller, described by the inputs, may read, create, update or delete something: a resource "
            "that is stored, one that is sent, or any of a type about a person. It answers with the gate that decided "
            "(1 who, 2 link, 3 consent, 4 matrix, 5 labels, 6 writing) and the rule. For operators and data "
            "protection officers; on a server without authentication, for anyone."
        ),
        resource=("Resource",),
        system=True,
        parameter=(
            taken("kind", "code", f"Of the caller: {', '.join(_KINDS)}", min=1),
            taken("role", "string", "A row of the access matrix that the caller has", max="*"),
            taken("actor", "Reference", "A resource that stands for the caller; first, who acts", max="*"),
            taken("purpose", "code", "For which the caller acts: of v3-ActReason"),
            taken("action", "code", f"One of {', '.join(_ACTIONS)}", min=1),
            taken("reference", "Reference", "The stored resource that is asked about"),
            taken("resource", "Resource", "What would be created, or what 'reference' would become"),
            taken("type", "code", "Instead of both: any resource of a type"),
            taken("patient", "Reference", "With 'type': about whom"),
            answered("decision", "code", "allow or deny"),
            answered("gate", "positiveInt", "Which gate decided, from 1 to 7"),
            answered("rule", "string", "By which rule, in words"),
            answered(
                "category",
                "string",
                "Of what is asked about: a category of data, or public, operators, parties",
            ),
        ),
    ),
    ask=access_decision,
)
