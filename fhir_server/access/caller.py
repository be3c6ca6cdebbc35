"""Who asks: a person, a professional, a system or an operator, as their token and the directory say.

A Caller is a value. Everything that decides about a request asks it, and nothing else, who is there.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Final, Literal

from fhir_server.access.grants import Grants
from fhir_server.access.roles import OPERATOR
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable

CallerKind = Literal["anyone", "operator", "professional", "citizen", "system"]


@immutable
class Caller:
    """`anyone` is everybody, on a server without authentication, which listens on loopback only.

    `actors`: the resources of this server that stand for the caller, all of them verified: Practitioner,
    PractitionerRole, Organization and those it is part of; Patient or RelatedPerson for a citizen; and the classes that
    a consent may name, as `Key("class", role)`. The first is who acts: author of what is written, agent of the trace.
    """

    kind: CallerKind
    issuer: str = ""
    subject: str = ""  # as the issuer calls them
    client: str = ""  # the software: `azp` or `client_id`
    roles: tuple[str, ...] = ()  # rows of the access matrix: `infirmier`, `coordonnateur` …, sorted
    actors: tuple[Key, ...] = ()
    organisation: Key | None = None  # for which they act now
    level: str = ""  # of authentication: `eidas1`, `eidas2` …
    purpose: str = ""  # v3-ActReason: TREAT, COC, BTG …; empty: not said
    grants: Grants | None = None  # what the client may do at all; None: everything
    patient: Key | None = None  # that the client was launched for: it may see nobody else
    delegator: Key | None = None  # for whom a secretary or an assistant acts
    expires: int = 0  # µs; 0: never
    # What others have made of it: a caller asks again and again. `replace` leaves it behind.
    made: dict[object, Any] = field(init=False, default_factory=dict, hash=False, compare=False, repr=False)

    @property
    def operates(self) -> bool:
        """Whether the server is theirs to run: an operator, or anyone where nobody is known."""
        return self.kind in {"anyone", "operator"} or OPERATOR in self.roles

    @property
    def acting(self) -> Key | None:
        """The resource that stands for who acts; None: they are no resource of this server."""
        return self.actors[0] if self.actors and self.actors[0].type != "class" else None


ANYONE: Final = Caller("anyone")
