"""What is known of the tokens of late: by the SHA-256 of each, so that no memory of ours gives one away; bounded.

https://www.rfc-editor.org/rfc/rfc7662#section-4 says what is lost: a token that is revoked is believed until its entry
ends, so entries are short.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from fhir_server.access.caller import Caller
from fhir_server.access.identity import Identity


@dataclass(slots=True)
class Session:
    """One token, once verified. `identity` None, and no `caller`: it is known not to be in force.

    `caller`: of a token of ours. `callers`: those of `identity`, by the practice that was asked for; each is one that
    the identity has, so they are few.
    """

    until: int  # µs
    thumbprint: str = ""
    identity: Identity | None = None
    caller: Caller | None = None
    callers: dict[str, Caller] = field(default_factory=dict)


class Sessions:
    """The sessions of one worker, at most `most`: the one that was longest out of use goes first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by_digest: OrderedDict[bytes, Session] = OrderedDict()

    def get(self, digest: bytes, now: int) -> Session | None:
        """The session of a token, if it has not ended. `now`: µs."""
        session = self._by_digest.get(digest)
        if session is None:
            return None
        if session.until <= now:
            del self._by_digest[digest]
            return None
        self._by_digest.move_to_end(digest)
        return session

    def put(self, digest: bytes, session: Session, now: int) -> None:
        """Remember a session, unless it ends at once."""
        if session.until <= now:
            return
        self._by_digest[digest] = session
        self._by_digest.move_to_end(digest)
        if len(self._by_digest) > self._most:
            self._by_digest.popitem(last=False)

    def forget_callers(self) -> None:
        """Forget who is who here: the directory or an account has changed. What was verified of a token stays."""
        for session in self._by_digest.values():
            session.callers.clear()

    def __len__(self) -> int:
        return len(self._by_digest)
