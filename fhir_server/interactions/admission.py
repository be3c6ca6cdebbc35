"""Whether a call may be performed at all, and the view that it is performed within.

Here a client's scopes and the caller's rights on whole types decide: `InsufficientScope`, whatever exists. Which
resources the caller then meets is asked by every statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from fhir_server.access.grants import context_of
from fhir_server.interactions.call import Action, Call, Server
from fhir_server.kernel.errors import InsufficientScope
from fhir_server.search.view import View

_LETTERS: Final[Mapping[Action, str]] = {
    Action.READ: "r",
    Action.VREAD: "r",
    Action.HISTORY: "r",
    Action.SEARCH: "s",
    Action.CREATE: "c",
    Action.UPDATE: "u",
    Action.PATCH: "u",
    Action.DELETE: "d",
}
_WORDS: Final = {"c": "create", "r": "read", "u": "update", "d": "delete", "s": "search"}


def marks_of(call: Call) -> tuple[str, ...]:
    """The files of a call, as the store remembers them: of each client by itself, as they shall not learn of others."""
    caller = call.caller
    if caller.kind == "anyone":
        return call.files
    who = f"{caller.issuer} {caller.client} {caller.subject}"
    return tuple(sha256(f"{who} {digest}".encode()).hexdigest() for digest in call.files)


def admitted(call: Call, server: Server) -> View | None:
    """What the caller may see; None: everything. Raises `InsufficientScope` when the client was not granted this."""
    access = server.access
    if access is None or call.caller.kind == "anyone":
        return None
    letter = _LETTERS.get(call.action)
    if letter is not None and call.type is not None and not access.permits(call.caller, call.type, letter):
        raise InsufficientScope(
            f"The scopes of this token do not let the client {_WORDS[letter]} {call.type}",
            f"{context_of(call.caller.kind)}/{call.type}.{letter}",
            french=f"Les scopes de ce jeton ne permettent pas cette opération sur {call.type}",
        )
    return access.view_of(call.caller)
