"""The URL grammar of FHIR REST: what an address under the base names, and which methods work on it.

One grammar serves a lone request and the entry of a Bundle.

https://hl7.org/fhir/R4/http.html#summary · https://hl7.org/fhir/R4/compartmentdefinition.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple
from urllib.parse import unquote

from fhir_server.definitions.catalogue import compartments, resource_types
from fhir_server.interactions.call import NONE, Action, Call, Conditions
from fhir_server.kernel.errors import Malformed, MethodNotAllowed, NotFound
from fhir_server.kernel.keys import Key, is_id

Actions = Mapping[str, Action]

_SYSTEM: Actions = {"GET": Action.SEARCH, "HEAD": Action.SEARCH, "POST": Action.BUNDLE}
_METADATA: Actions = {"GET": Action.CAPABILITIES, "HEAD": Action.CAPABILITIES}
_HISTORY: Actions = {"GET": Action.HISTORY, "HEAD": Action.HISTORY}
_LIST: Actions = {"GET": Action.SEARCH, "HEAD": Action.SEARCH}
_FORM: Actions = {"POST": Action.SEARCH}
_VERSION: Actions = {"GET": Action.VREAD, "HEAD": Action.VREAD}
_OPERATION: Actions = {"GET": Action.OPERATION, "HEAD": Action.OPERATION, "POST": Action.OPERATION}
_TYPE: Actions = {
    "GET": Action.SEARCH,
    "HEAD": Action.SEARCH,
    "POST": Action.CREATE,
    "PUT": Action.UPDATE,
    "PATCH": Action.PATCH,
    "DELETE": Action.DELETE,
}
_INSTANCE: Actions = {
    "GET": Action.READ,
    "HEAD": Action.READ,
    "PUT": Action.UPDATE,
    "PATCH": Action.PATCH,
    "DELETE": Action.DELETE,
}
_OPERATION_NAME = re.compile(r"\$[A-Za-z][A-Za-z0-9\-]{0,63}\Z")
_NOTHING_HERE = "Nothing is at this address; the CapabilityStatement at [base]/metadata lists what is"


class Place(NamedTuple):
    """What an address names. `type` None: the whole system."""

    actions: Actions  # by method
    type: str | None = None
    id: str | None = None
    version: str | None = None
    operation: str = ""  # `$everything`
    compartment: Key | None = None

    @property
    def allow(self) -> tuple[str, ...]:
        return (*self.actions, "OPTIONS")

    def action(self, method: str) -> Action:
        """What `method` does here. Raises `MethodNotAllowed`."""
        found = self.actions.get(method)
        if found is None:
            raise MethodNotAllowed(
                f"This method does not work on this address; {', '.join(self.allow)} do", allow=self.allow
            )
        return found


def segments_of(path: str, raw_path: bytes | None) -> list[str]:
    """The segments behind the first one (`/fhir`), decoded one by one, without the empty one of a final slash.

    Raises `Malformed` when a segment is not UTF-8 or hides a slash: decoding must never make a new address.
    """
    if raw_path is not None and b"%" in raw_path:
        segments = [_decoded(segment) for segment in raw_path.split(b"/")[2:]]
    else:
        segments = path.split("/")[2:]
    if segments and not segments[-1]:
        segments.pop()
    return segments


def entry_call_of(method: str, url: str, outer: Call, conditions: Conditions = NONE) -> Call:
    """The call of an entry of the Bundle of `outer`, its body aside: `url` is relative to the base, or below it.

    Raises `Malformed` when it is on another server, and as `place_of` and `Place.action` do.
    """
    base = outer.base
    if base and (url == base or url.startswith((base + "/", base + "?"))):
        url = url[len(base) :]
    elif "://" in url.partition("?")[0]:
        raise Malformed(
            "The entry's request is for another server; a URL relative to the base would be right",
            code="value",
        )
    path, _, query = url.partition("?")
    segments = (
        [_decoded(segment) for segment in path.encode().strip(b"/").split(b"/")] if path.strip("/") else []
    )
    place = place_of(segments, method)
    return Call(
        place.action(method),
        place.type,
        place.id,
        place.version,
        query,
        conditions=conditions,
        compartment=place.compartment,
        operation=place.operation,
        safe=method in {"GET", "HEAD"},
        base=base,
        language=outer.language,
        caller=outer.caller,
        address=outer.address,
        request=outer.request,
        provenance=outer.provenance,
    )


def place_of(segments: Sequence[str], method: str) -> Place:
    """What the address names. Raises `NotFound` where it names nothing, and `Malformed` for a write to such an id."""
    match segments:
        case [type, id] if type in resource_types() and _is_id(id):
            return Place(_INSTANCE, type, id)
        case [type] if type in resource_types():
            return Place(_TYPE, type)
        case []:
            return Place(_SYSTEM)
        case ["metadata"]:
            return Place(_METADATA)
        case ["_history"]:
            return Place(_HISTORY)
        case ["_search"]:
            return Place(_FORM)
        case [name] if _OPERATION_NAME.match(name):
            return Place(_OPERATION, operation=name)
        case [type, *_] if type not in resource_types():
            raise _unknown(type)
        case [type, "_history"]:
            return Place(_HISTORY, type)
        case [type, "_search"]:
            return Place(_FORM, type)
        case [type, name] if _OPERATION_NAME.match(name):
            return Place(_OPERATION, type, operation=name)
        case [type, id, *rest] if _is_id(id):
            return _within(type, id, rest)
        case [_, _]:
            refusal = Malformed if method in {"PUT", "PATCH", "DELETE"} else NotFound
            raise refusal(
                "The id in this address is not one: 1 to 64 of A-Z, a-z, 0-9, '-' and '.' would be right",
                code="value",
            )
    raise NotFound(_NOTHING_HERE)


def _within(type: str, id: str, rest: Sequence[str]) -> Place:
    """An address behind `[type]/[id]`."""
    match rest:
        case ["_history"]:
            return Place(_HISTORY, type, id)
        case ["_history", version]:
            return Place(_VERSION, type, id, version)
        case ["_history", version, name] if _OPERATION_NAME.match(name):
            return Place(_OPERATION, type, id, version, operation=name)
        case [name] if _OPERATION_NAME.match(name):
            return Place(_OPERATION, type, id, operation=name)
        case [member] | [member, "_search"] if member == "*" or member in resource_types():
            if type not in compartments():
                raise NotFound(
                    f"{type} has no compartment; {', '.join(sorted(compartments()))} have",
                    code="not-supported",
                )
            actions = _LIST if len(rest) == 1 else _FORM
            return Place(actions, None if member == "*" else member, compartment=Key(type, id))
    raise NotFound(_NOTHING_HERE)


def _is_id(text: str) -> bool:
    # `.` and `..` keep FHIR's rule, but every URL library takes them for directions.
    return is_id(text) and text not in {".", ".."}


def _decoded(segment: bytes) -> str:
    try:
        text = unquote(segment.decode("ascii"), errors="strict")
    except UnicodeDecodeError:
        raise Malformed("The address is not percent-encoded UTF-8", code="value") from None
    if "/" in text:
        raise Malformed("An encoded slash has no place in the address of a resource", code="value")
    return text


def _unknown(type: str) -> NotFound:
    # The name itself stays out of the text: in its place may stand anything, a person's name too.
    near = get_close_matches(type[:64].lower(), _names(), n=1)
    suggestion = (
        f". Did you mean '{_names()[near[0]]}'?" if near else "; [base]/metadata lists those that there are"
    )
    return NotFound(f"FHIR R4 has no resource type of this name{suggestion}", code="not-supported")


@cache
def _names() -> Mapping[str, str]:
    """The resource types by their name in lower case."""
    return {name.lower(): name for name in sorted(resource_types())}
