"""How often a person may be presented wrongly: by one caller, and of one INS by all callers together.

Whoever has the INS and the five traits right learns that the person is known here, so wrong ones are guesses. Each
counts before it is looked up, so that many at once are no more than one after the other, and what turns out to be right
counts no longer. By itself no caller closes a person to others: an INS takes more guesses than a caller has.

Each worker counts for itself, in memory, and has its part of the limit. An INS is remembered as a keyed hash.
"""

from __future__ import annotations

import hmac
import os
from typing import Final

from fhir_server.access.caller import Caller
from fhir_server.access.joining import Traits
from fhir_server.kernel.counting import Buckets, Rate
from fhir_server.kernel.errors import Throttled

ALL_TOGETHER: Final = 3  # times what one caller may, of one INS
_HOUR: Final = 3600  # seconds


class Guesses:
    """`per_hour`: by one caller; 0: any number. `workers`: that share it."""

    def __init__(self, per_hour: int, workers: int = 1) -> None:
        self._callers = Buckets(Rate(per_hour / _HOUR, max(per_hour, 1)).among(workers))
        together = per_hour * ALL_TOGETHER
        self._persons = Buckets(Rate(together / _HOUR, max(together, 1)).among(workers))
        self._key = os.urandom(32)

    def count(self, caller: Caller, traits: Traits | None, now: float) -> None:
        """Somebody is presented; without traits, by an id. `now`: seconds.

        Raises `Throttled`, alike for who is known and who is not.
        """
        wait = self._callers.take(_name(caller), now)
        if wait:
            raise Throttled(
                "You presented persons by a wrong INS, wrong traits or a wrong id too often; try again later",
                french="Vous avez présenté trop souvent un INS, des traits ou un identifiant erronés\u202f;"
                " réessayez plus tard",
                seconds=wait,
            )
        if traits is None:
            return
        wait = self._persons.take(self._digest(traits), now)
        if wait:
            self._callers.give_back(_name(caller))
            raise Throttled(
                "A person was presented by this INS with wrong traits too often; try again later",
                french="Cet INS a été présenté trop souvent avec des traits erronés\u202f; réessayez plus tard",
                seconds=wait,
            )

    def forgive(self, caller: Caller, traits: Traits | None) -> None:
        """What was counted was right."""
        self._callers.give_back(_name(caller))
        if traits is not None:
            self._persons.give_back(self._digest(traits))

    def _digest(self, traits: Traits) -> str:
        return hmac.digest(self._key, traits.ins.encode(), "sha256").hex()


def _name(caller: Caller) -> str:
    """A professional is one, whatever the practice, the software or the issuer that they come by."""
    person = next((actor for actor in caller.actors if actor.type == "Practitioner"), None)
    return str(person or f"{caller.issuer} {caller.subject or caller.client or caller.acting}")
