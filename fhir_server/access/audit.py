"""What an act says in the audit log: who did what to which data of which person, when, why, from where, how it ended.

Made of a call and of what became of it; pure. The JSON that it gives is kept as it is, under seal, for ten years:

    at            µs since 1970: when the act began; that it was recorded tells its id
    kind          FHIR's code of the interaction, or one of `KINDS`
    operation     `$everything`
    status        of HTTP; none outside it
    agent         {who, for, org, issuer, subject, client, roles, level, purpose}: see `acting`
    what          [[type, id, version, category, action], …]: the resources; action is C, R, U or D
    persons       [id of a Patient, …]
    numbers       [number, …]: Patients that only the store can name
    type          what was searched, where there is no resource
    query         the parameters of a search, without values that tell of health
    gate, rule    what refused
    address       of the network
    request       the id that logs and the answer have for it
    until, count  of several that came to the same: the last of them, and how many there were

Empty members are left out. Health is not in it: of a query there are the names of the parameters, and the values of
those that name a person or shape the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final, Protocol

import orjson

from fhir_server.access.caller import Caller
from fhir_server.definitions.catalogue import resource_types, search_parameters
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.keys import Key
from fhir_server.kernel.trace import BROKEN, DONE, FAILED, REFUSED, Outcome, Trace
from fhir_server.kernel.wire import Tree, encode

# Acts that are no request for resources: FHIR's or DICOM's word for each is in `audit_event.py`.
KINDS: Final = frozenset(
    {"login", "logout", "export", "import", "print", "send", "archive", "purge", "rights", "feed"}
)
SEARCH_OF_TYPE: Final = "search-type"
WITHHELD: Final = "*"  # in the place of a value

_SHAPING: Final = frozenset(
    {
        "_count",
        "_sort",
        "_include",
        "_revinclude",
        "_summary",
        "_elements",
        "_total",
        "_type",
        "_since",
        "_at",
    }
    | {"_lastUpdated", "_format", "_pretty", "_contained", "_containedType", "start", "end"}
)
_APART = re.compile(r"[.:]")
_PLAIN = re.compile(r"[A-Za-z0-9_.:,;/|\-]{0,200}\Z")
_PATIENTS = re.compile(r"(?:Patient/[A-Za-z0-9\-.]{1,64}(?:,(?!\Z)|\Z))+\Z")
_IDS = re.compile(r"[A-Za-z0-9\-.,]{1,650}\Z")
_PERSONS: Final = frozenset({"patient", "patient:Patient", "subject:Patient"})
_MODIFIERS: Final = frozenset(
    {"missing", "exact", "contains", "text", "not", "above", "below", "in", "not-in", "of-type", "identifier"}
    | {"iterate", "asc", "desc", "_has", "_filter", "_query", "_list", "_text", "_content"}
)
_LONGEST: Final = 200  # characters of a name
_DELETED: Final = "D"
_ACTIONS: Final[Mapping[str, str]] = {"POST": "C", "PUT": "U", "PATCH": "U", "DELETE": _DELETED}
_ACTS: Final[Mapping[str, str]] = {"create": "C", "update": "U", "patch": "U", "delete": _DELETED}
_PURPOSES: Final = {"$emergency-access": "BTG"}  # of operations that have one, whatever the token says

Thing = tuple[str, str, int, str, str]
"""Type, id, version (0: unknown), category (empty: unknown), action."""


class Asked(Protocol):
    """What `interactions.call.Call` says of a request."""

    @property
    def action(self) -> str: ...
    @property
    def type(self) -> str | None: ...
    @property
    def id(self) -> str | None: ...
    @property
    def version(self) -> str | None: ...
    @property
    def query(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def compartment(self) -> Key | None: ...
    @property
    def request(self) -> str: ...


class Written(Protocol):
    """What `interactions.call.Change` says of a version."""

    @property
    def key(self) -> Key: ...
    @property
    def version(self) -> int: ...
    @property
    def method(self) -> str: ...


class Answered(Protocol):
    """What `interactions.call.Reply` says of an answer."""

    @property
    def status(self) -> int: ...
    @property
    def key(self) -> Key | None: ...
    @property
    def version(self) -> int | None: ...
    @property
    def changes(self) -> Sequence[Written]: ...


class Decided(Protocol):
    """A refusal: the gate (1 to 7) and the rule."""

    @property
    def gate(self) -> int: ...
    @property
    def rule(self) -> str: ...


def trace_of(
    call: Asked,
    result: Answered | FhirError,
    caller: Caller,
    *,
    at: int,
    decision: Decided | None = None,
    address: str = "",
    persons: Sequence[Key] = (),
    numbers: Sequence[int] = (),
    categories: Mapping[Key, str] | None = None,
) -> Trace:
    """The trace of a call. `at`: when it began, in µs. `decision`: why it was refused, if rights refused it.

    `persons` and `numbers`: the Patients it was about, or whose data were in the answer, by name or as the store
    numbers them. `categories`: of the resources that it touched, as far as they are known.
    """
    status = result.status
    if (purpose := _PURPOSES.get(call.operation)) is not None:
        caller = replace(caller, purpose=purpose)
    data: dict[str, Any] = {
        "at": at,
        "kind": kind_of(call),
        "status": status,
        "agent": orjson.Fragment(acting(caller)),
    }
    if call.operation:
        data["operation"] = call.operation
    touched, things = _touched(call, result, categories or {})
    persons = [*persons, *[key for key in touched if key.type == "Patient"]]
    if call.compartment is not None and call.compartment.type == "Patient":
        persons.append(call.compartment)
    if things:
        data["what"] = things
    elif call.type is not None:
        data["type"] = call.type
    if persons:
        data["persons"] = [persons[0].id] if len(persons) == 1 else sorted({key.id for key in persons})
    if numbers:
        data["numbers"] = numbers if len(numbers) == 1 else sorted(set(numbers))
    if call.query and status != 400 and (query := shown(call.query)):
        data["query"] = query
    if decision is not None:
        data["gate"] = decision.gate
        data["rule"] = decision.rule
    if address:
        data["address"] = address
    if call.request:
        data["request"] = call.request
    return _made(data, _outcome(status, refused=decision is not None), caller, [*touched, *persons], numbers)


def event(
    kind: str,
    caller: Caller,
    *,
    at: int,
    outcome: Outcome = DONE,
    address: str = "",
    persons: Sequence[Key] = (),
    things: Sequence[Thing] = (),
    note: str = "",
    request: str = "",
    until: int = 0,
    count: int = 1,
) -> Trace:
    """The trace of an act that is no request: of `KINDS`. `note`: what it was, in words without personal data.

    `count`: of acts that are one trace, from `at` until `until` (µs). `request`: the id of the request behind it.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is not a kind of act")
    data: dict[str, Any] = {"at": at, "kind": kind, "agent": orjson.Fragment(acting(caller))}
    if things:
        data["what"] = things
    if persons:
        data["persons"] = sorted({key.id for key in persons})
    if note:
        data["rule"] = note
    if address:
        data["address"] = address
    if request:
        data["request"] = request
    if count > 1:
        data["until"] = until
        data["count"] = count
    return _made(data, outcome, caller, [*(Key(*thing[:2]) for thing in things), *persons], ())


def fed(tree: Tree, caller: Caller, *, at: int, address: str = "") -> Trace:
    """An AuditEvent that another system sends to be kept, as it is. https://profiles.ihe.net/ITI/TF/Volume2/ITI-20.html"""
    data: dict[str, Any] = {"at": at, "kind": "feed", "agent": orjson.Fragment(acting(caller)), "event": tree}
    if address:
        data["address"] = address
    things = {key for entity in _list(tree, "entity") if (key := _local(entity.get("what"))) is not None}
    agents = [text for agent in _list(tree, "agent") if (text := _named(agent.get("who")))]
    outcome: Any = tree.get("outcome", "0")
    made = _made(data, DONE, caller, sorted(things), ())
    known: dict[object, Outcome] = {"4": FAILED, "8": REFUSED, "12": BROKEN}
    return Trace(made.data, known.get(outcome, DONE), tuple({*made.agents, *agents}), made.things)


def kind_of(call: Asked) -> str:
    """FHIR's code for what was asked. https://hl7.org/fhir/R4/valueset-type-restful-interaction.html"""
    match str(call.action):
        case "search":
            return SEARCH_OF_TYPE if call.type else "search-system"
        case "history":
            return "history-instance" if call.id else "history-type" if call.type else "history-system"
        case "bundle":
            return "transaction"
        case other:
            return other


def shown(query: str) -> str:
    """A query without what it tells of health: `patient=Patient/1&code=*`.

    The names of R4's parameters stay, and the values that shape the answer or name a person by id.
    """
    return "&".join([_shown(part) for part in query.split("&") if part])


def agents_of(caller: Caller) -> tuple[str, ...]:
    """By what a search finds those who act: their resource, and what their issuer calls them."""
    return _acting(caller)[1]


def _agents(caller: Caller) -> tuple[str, ...]:
    found = [str(key) for key in (caller.acting, caller.delegator) if key is not None]
    if caller.subject:
        found.append(f"{caller.issuer}|{caller.subject}")
    return tuple(found)


def _shown(part: str) -> str:
    name, _, value = part.partition("=")
    if len(name) > _LONGEST or not _words().issuperset(_APART.split(name)):
        return WITHHELD  # words of the asker's own
    known = (
        (name in _SHAPING and _PLAIN.match(value))
        or (name == "_id" and _IDS.match(value))
        or (name in _PERSONS and (_PATIENTS.match(value) or _IDS.match(value)))
        or (name == "subject" and _PATIENTS.match(value))
    )
    return f"{name}={value if known else WITHHELD}"


@cache
def _words() -> frozenset[str]:
    """All that the names of R4's parameters are made of, chains and modifiers included."""
    codes = {definition["code"] for definition in search_parameters()}
    return frozenset({*codes, *resource_types(), *_SHAPING, *_MODIFIERS})


def _touched(
    call: Asked, result: Answered | FhirError, categories: Mapping[Key, str]
) -> tuple[Sequence[Key], Sequence[Thing]]:
    """The resources that were read or written, by their keys too; of a refusal, the one that was asked for."""
    if isinstance(result, FhirError):
        found, version = None, _number(call.version)
    elif result.changes:
        changes = result.changes
        return [change.key for change in changes], [
            (*change.key, change.version, categories.get(change.key, ""), _ACTIONS[change.method])
            for change in changes
        ]
    else:
        found, version = result.key, result.version or 0
    if found is None:
        if call.type is None or call.id is None:
            return (), ()
        found = Key(call.type, call.id)
    action = _ACTS.get(call.action, "R")
    return (found,), ((found.type, found.id, version, categories.get(found, ""), action),)


def _number(version: str | None) -> int:
    return int(version) if version and version.isdecimal() and len(version) < 10 else 0


def _outcome(status: int, *, refused: bool) -> Outcome:
    """4: the asker's mistake; 8: refused; 12: ours. https://hl7.org/fhir/R4/valueset-audit-event-outcome.html"""
    if refused or status in {401, 403, 429}:
        return REFUSED
    if status < 400:
        return DONE
    return FAILED if status < 500 else BROKEN


def _made(
    data: dict[str, Any], outcome: Outcome, caller: Caller, things: Sequence[Key], numbers: Sequence[int]
) -> Trace:
    return Trace(
        encode(data), outcome, _acting(caller)[1], tuple(dict.fromkeys(things)), tuple(dict.fromkeys(numbers))
    )


def acting(caller: Caller) -> bytes:
    """Who acts, as JSON."""
    return _acting(caller)[0]


def _acting(caller: Caller) -> tuple[bytes, tuple[str, ...]]:
    """A Caller, as JSON and as `agents_of`."""
    found: tuple[bytes, tuple[str, ...]] | None = caller.made.get(_acting)
    if found is not None:
        return found
    said = {
        "kind": caller.kind,
        "who": str(caller.acting) if caller.acting else "",
        "for": str(caller.delegator) if caller.delegator else "",
        "org": str(caller.organisation) if caller.organisation else "",
        "issuer": caller.issuer,
        "subject": caller.subject,
        "client": caller.client,
        "roles": caller.roles,
        "level": caller.level,
        "purpose": caller.purpose,
    }
    made = orjson.dumps({name: value for name, value in said.items() if value})
    found = caller.made[_acting] = made, _agents(caller)
    return found


def _list(tree: Tree, name: str) -> list[Tree]:
    found = tree.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _local(reference: object) -> Key | None:
    text = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(text, str):
        return None
    kind, mark, name = text.partition("/")
    return Key(kind, name.partition("/_history/")[0]) if mark and kind.isalpha() and name else None


def _named(reference: object) -> str:
    """A reference as a search for agents has it: local, or by its identifier."""
    if (key := _local(reference)) is not None:
        return str(key)
    identifier = reference.get("identifier") if isinstance(reference, dict) else None
    if not isinstance(identifier, dict) or not isinstance(identifier.get("value"), str):
        return ""
    return f"{identifier.get('system') or ''}|{identifier['value']}"
