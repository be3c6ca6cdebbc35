"""Invitations and accounts in dictionaries, for the store that is a test double: see `invitations.py`."""

from __future__ import annotations

from dataclasses import replace

from fhir_server.kernel.errors import Conflict
from fhir_server.kernel.keys import Key
from fhir_server.store.contract import Account, Invitation


class MemoryInvitations:
    def __init__(self) -> None:
        self.accounts: dict[Account, Key] = {}
        self._open: dict[Key, Invitation] = {}

    def put(self, invitation: Invitation) -> None:
        self._open[invitation.person] = invitation

    def withdraw(self, person: Key) -> None:
        self._open.pop(person, None)

    def is_open(self, person: Key, now: int) -> bool:
        found = self._open.get(person)
        return found is not None and found.until > now and found.tries > 0

    def tried(self, digest: bytes, now: int) -> Key | None:
        found = self._of(digest, now)
        if found is None or not found.tries:
            return None
        self._open[found.person] = replace(found, tries=found.tries - 1)
        return found.person

    def usable(self, digest: bytes, account: Account, now: int) -> Key | None:
        """The person whom somebody may become. Raises `Conflict`."""
        found = self._of(digest, now)
        if found is None:
            return None
        person = found.person
        others = {key for one, key in self.accounts.items() if one.issuer == account.issuer}
        if account in self.accounts or (person.type == "Patient" and person in others):
            raise Conflict("This account is somebody here already, or this person has one", code="duplicate")
        return person

    def use(self, person: Key, account: Account) -> None:
        self.withdraw(person)
        self.accounts[account] = person

    def _of(self, digest: bytes, now: int) -> Invitation | None:
        return next((one for one in self._open.values() if one.digest == digest and one.until > now), None)
