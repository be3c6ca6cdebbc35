"""The invitation of a citizen: who may make one, the code that it is, and what is shown with the code.

Somebody who stands in front of the person, or speaks for them, hands over a code, once; a citizen whom an issuer of
tokens knows brings it back, and is that person here from then on. The code alone is not enough, for letters are opened:
whoever brings it shows what the person knows of themselves.

Domain: `coordination-domain.md`, 5.2, 18.9.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import Final

from fhir_server.access.decisions import LINK, Decision, allowed, refused
from fhir_server.access.facts import Facts
from fhir_server.access.joining import folded
from fhir_server.access.standing import Case
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

INVITED: Final = frozenset({"Patient", "RelatedPerson"})
TRIES: Final = 5  # wrong traits, until the invitation is none any more
_BYTES: Final = 20  # 160 bits, and base 32 comes out even
_GROUP: Final = 4
_CODE: Final = re.compile(r"[A-Z2-7]{32}\Z")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def new_code() -> str:
    """A code as it is handed over, to be typed from paper: eight groups of four letters and digits."""
    plain = base64.b32encode(secrets.token_bytes(_BYTES)).decode()
    return "-".join(plain[at : at + _GROUP] for at in range(0, len(plain), _GROUP))


def digest_of(code: str) -> bytes | None:
    """What is kept of a code, however it was typed. None for what is no code."""
    plain = re.sub(r"[\s\-]", "", code).upper()
    return hashlib.sha256(plain.encode()).digest() if _CODE.match(plain) else None


def may_invite(facts: Facts, invited: Key, case: Case) -> Decision:
    """Whether somebody may invite others to be `invited`: the person of the facts, or a relative of theirs.

    Operators do so at their shell: over HTTP they would learn of people whom they do not see.
    """
    tree = facts.trees.get(invited)
    if tree is None or tree.get("active") is False or invited.type not in INVITED:
        return refused(LINK, "invitation: to nobody who is here")
    if invited.type == "RelatedPerson" and facts.target(tree.get("patient")) != facts.person:
        return refused(LINK, "invitation: to no relative of the person")
    if invited in case.own:
        return refused(LINK, "invitation: nobody invites themselves")
    if not case.may_invite():
        return refused(LINK, "invitation: not by a member who may")
    return allowed(LINK, "invitation: by a member who may")


def traits_of(invited: Tree, patient: Tree | None) -> tuple[str, frozenset[str]]:
    """What is to be shown with the code: a day of birth, and any of these names, folded.

    A relative whose own day of birth is not known shows that of the person. The day is empty where neither is known.
    """
    days = [tree.get("birthDate", "") for tree in (invited, patient) if tree is not None]
    day = next((day for day in days if _DAY.match(day)), "")
    names = {folded(name.get("family", "")) for name in invited.get("name", ())}
    return day, frozenset(name for name in names if name)


def shows(invited: Tree, patient: Tree | None, birth_date: str, family: str) -> bool:
    """Whether somebody shows what the person knows of themselves. Where no name is known, the day is enough."""
    day, names = traits_of(invited, patient)
    return bool(day) and day == birth_date and (not names or folded(family) in names)
