"""Who a Provenance says acted: as the server names a caller, and what a client may say of itself in X-Provenance.

Whatever a client says, whoever wrote stands in it: where none of its agents is the caller, they are added. Others may
be named beside them, the author whose words a nurse enters; but nobody says that somebody else entered what they did,
or that they act for an organisation that is not theirs. A system may name who entered what it brings.

https://hl7.org/fhir/R4/provenance-definitions.html#Provenance.agent
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from fhir_server.access.caller import Caller
from fhir_server.access.decisions import WRITING, Decision, allowed, refused
from fhir_server.access.facts import codings_in, target_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

PARTICIPANTS: Final = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_PERSONS: Final = frozenset({"Practitioner", "PractitionerRole", "Patient", "RelatedPerson"})
_ENTERER: Final = "enterer"
_TRANSMITTER: Final = "transmitter"


def agents_of(caller: Caller) -> Iterator[Tree]:
    """Who wrote. With a delegate, who answers for it comes first."""
    behind = _behind(caller)
    if caller.delegator is not None:
        yield _agent("author", {"reference": str(caller.delegator)}, behind)
        behind = caller.delegator
    yield _agent(_ENTERER if caller.delegator is not None else "author", _who(caller), behind)


def may_say(agents: Sequence[Tree], caller: Caller, bases: tuple[str, ...]) -> Decision:
    """Whether a client may say that these acted."""
    theirs = {*caller.actors, caller.delegator, caller.organisation}
    for agent in agents:
        who = target_of(agent.get("who"), bases)
        if _is_caller(agent, caller, bases):
            behind = target_of(agent.get("onBehalfOf"), bases)
            known = behind is not None and (behind in theirs or behind.type == "Patient")
            if "onBehalfOf" in agent and not known:
                return refused(WRITING, "provenance: on behalf of somebody for whom the caller does not act")
        elif (
            caller.kind in {"professional", "citizen"}
            and (PARTICIPANTS, _ENTERER) in codings_in(agent.get("type"))
            and (who is None or who.type in _PERSONS)
        ):
            return refused(WRITING, "provenance: who enters it is the caller, and nobody else")
    return allowed(WRITING, "provenance")


def with_caller(agents: Sequence[Tree], caller: Caller, bases: tuple[str, ...]) -> list[Tree]:
    """The agents, and whoever writes among them."""
    if names(agents, caller, bases):
        return list(agents)
    part = _TRANSMITTER if caller.kind in {"system", "operator"} else _ENTERER
    return [*agents, _agent(part, _who(caller), caller.delegator or _behind(caller))]


def names(agents: Sequence[Tree], caller: Caller, bases: tuple[str, ...]) -> bool:
    """Whether one of the agents is the caller."""
    return any(_is_caller(agent, caller, bases) for agent in agents)


def _is_caller(agent: Tree, caller: Caller, bases: tuple[str, ...]) -> bool:
    who: Any = agent.get("who", {})
    key = target_of(who, bases)
    if key is not None:
        return key in _selves(caller)
    return bool(caller.subject) and who.get("identifier") == _identifier(caller)


def _selves(caller: Caller) -> Collection[Key]:
    """The resources that are the caller: an organisation is who acts for it only where no person does."""
    if caller.acting is None:
        return ()
    if caller.acting.type not in _PERSONS:
        return (caller.acting,)
    persons = [actor for actor in caller.actors if actor.type in _PERSONS]
    if caller.delegator is None:
        return persons
    # A delegate's own come first, up to the Practitioner; then those of whom they act for.
    last = next((place for place, actor in enumerate(persons) if actor.type == "Practitioner"), 0)
    return [actor for actor in persons[: last + 1] if actor != caller.delegator]


def _behind(caller: Caller) -> Key | None:
    return None if caller.organisation == caller.acting else caller.organisation


def _agent(part: str, who: Tree, behind: Key | None) -> Tree:
    agent: Tree = {"type": {"coding": [{"system": PARTICIPANTS, "code": part}]}, "who": who}
    if behind is not None:
        agent["onBehalfOf"] = {"reference": str(behind)}
    return agent


def _who(caller: Caller) -> Tree:
    """Somebody who is no resource here is named as their issuer calls them."""
    if caller.acting is not None:
        return {"reference": str(caller.acting)}
    return {"identifier": _identifier(caller)} if caller.subject else {"display": "unknown"}


def _identifier(caller: Caller) -> Tree:
    named = {"system": caller.issuer} if caller.issuer else {}
    return {**named, "value": caller.subject}
