"""Whom a verified token speaks of, and the Caller that they are on this server, once they are found here.

An `Identity` is what an issuer says, in its identifiers; a `Caller` has resources of this server in their place.
Between the two a professional with several practices has said for which of them they act now.

Domain: `coordination-domain.md`, 18.2, 18.7, 18.9.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from fhir_server.access.caller import Caller, CallerKind
from fhir_server.access.grants import Context, Grants
from fhir_server.access.own_tokens import CLASS
from fhir_server.access.roles import CARER, PCP, PERSON, REPRESENTATIVE, TRUSTED, roles_of
from fhir_server.kernel.errors import Forbidden
from fhir_server.kernel.keys import Key
from fhir_server.kernel.values import immutable

Identifier = tuple[str, str]  # system, value

PRACTICE_HEADER: Final = "X-Cordee-Practice"
SECRETARIAT: Final = "secretariat"
OF_PERSONS: Final[tuple[Context, ...]] = ("user", "patient")  # scopes that grant a person anything

_FROM_DIRECTORY: Final = ("role", "cda:author")  # where the codes of a PractitionerRole are looked up


class Directory(Protocol):
    """The actors of this server that the directory connector or an operator wrote: others stand for nobody."""

    async def actors_of(self, identifiers: Sequence[Identifier]) -> tuple[Key, ...]:
        """The verified actors that bear one of the identifiers, who acts first in front.

        That is: each PractitionerRole, active now, of a Practitioner found at an Organization found; the Practitioner;
        the Organization; then the organisations that it is part of, from the nearest on. May be empty.
        """

    async def codes_of(self, actors: Sequence[Key]) -> tuple[Identifier, ...]:
        """The codes (system, code) in `PractitionerRole.code` of those of the actors that are PractitionerRoles."""


class Accounts(Protocol):
    """Which citizens are bound to whom here, by an operator or a verified invitation."""

    async def account(self, issuer: str, subject: str) -> Key | None:
        """The Patient or RelatedPerson that a citizen is; None: nobody."""


@immutable
class Practice:
    """A profession exercised at a place, or at none that is known. `name` tells it from the others of its person."""

    name: str = ""
    places: frozenset[str] = frozenset()  # identifiers that may name it where only one practice is there
    organisation: tuple[Identifier, ...] = ()
    roles: tuple[str, ...] = ()  # sorted


@immutable
class Identity:
    """`person`: identifiers of the professional. `practices`: never empty for a professional; empty for a citizen."""

    kind: CallerKind
    issuer: str
    subject: str
    client: str = ""
    level: str = ""
    person: tuple[Identifier, ...] = ()
    practices: tuple[Practice, ...] = ()
    delegator: tuple[Identifier, ...] = ()  # for whom a secretary acts
    purpose: str = ""
    patient: Key | None = None
    grants: Grants | None = None
    expires: int = 0  # µs
    thumbprint: str = ""  # of the certificate that the token is bound to


def practice_of(identity: Identity, asked: str) -> Practice:
    """The practice that a professional acts for. `asked`: what the header names; empty: it is not there.

    Raises `Forbidden` with the choices when there are several and none of them, or more than one, is named.
    """
    practices = identity.practices
    found = [practice for practice in practices if asked == practice.name] or [
        practice for practice in practices if asked in practice.places
    ]
    if len(found) == 1 and asked:
        return found[0]
    if len(practices) == 1 and not asked:
        return practices[0]
    raise Forbidden(
        f"Several practices are possible: {PRACTICE_HEADER} must name one of them"
        if len(practices) > 1
        else f"{PRACTICE_HEADER} does not name the practice of this professional",
        french=f"Plusieurs exercices sont possibles\u202f: {PRACTICE_HEADER} doit nommer l'un d'eux"
        if len(practices) > 1
        else f"{PRACTICE_HEADER} ne nomme pas l'exercice de ce professionnel",
        choices=[f"{PRACTICE_HEADER}: {practice.name}" for practice in practices if practice.name],
    )


def professional(
    identity: Identity,
    practice: Practice,
    actors: Sequence[Key],
    codes: Iterable[Identifier],
    delegator: Sequence[Key] = (),
) -> Caller:
    """The professional as a Caller. `actors`, `codes`: what the directory has of them; `delegator`: actors of that one.

    Who acts for somebody else has the rights of a secretary, whoever they are themselves, and the ties of both.
    Somebody whom the directory does not know has roles, and no ties: they see what is public.

    Raises `Forbidden` when they act for somebody whom the directory does not know.
    """
    told = {
        role
        for system, code in codes
        for source in _FROM_DIRECTORY
        for role in roles_of(source, system, code)
    }
    roles = tuple(sorted({*practice.roles, *told} - {PCP}))  # médecin traitant is a tie to one person
    principal = next((actor for actor in delegator if actor.type == "Practitioner"), None)
    if identity.delegator:
        if principal is None:
            raise Forbidden(
                "The professional for whom the token acts is not known here",
                french="Le professionnel pour lequel le jeton agit n'est pas connu ici",
            )
        roles = (SECRETARIAT,)
    classes = [Key(CLASS, role) for role in roles] if actors else []
    caller = _caller(identity, roles, dict.fromkeys((*actors, *delegator, *classes)))
    organisation = next((actor for actor in actors if actor.type == "Organization"), None)
    return replace(caller, organisation=organisation, delegator=principal)


def citizen(identity: Identity, account: Key | None) -> Caller:
    """The citizen as a Caller. `account`: the Patient or RelatedPerson that they are bound to.

    A RelatedPerson has every role that one may have: it is a tie to one person that says which of them counts there.

    Who is bound to nobody has no role and no actor: `is_nobody`.
    """
    if account is None:
        return _caller(identity, (), ())
    if account.type != "Patient":
        return _caller(identity, (CARER, TRUSTED, REPRESENTATIVE), (account,))
    if identity.patient is None and identity.grants is not None and identity.grants.within(("patient",)).of:
        identity = replace(
            identity, patient=account
        )  # who starts an application for themselves is its patient
    return _caller(identity, (PERSON,), (account,))


def is_nobody(caller: Caller) -> bool:
    """Whether a caller is a citizen who is nobody here (yet)."""
    return caller.kind == "citizen" and not caller.actors


def unbound() -> Forbidden:
    """What such a citizen is told, whatever they ask but for who they are."""
    return Forbidden(
        "Nobody here is bound to this account: an operator or an invitation binds it",
        french="Ce compte n'est rattaché à personne ici\u202f: un opérateur ou une invitation le rattache",
    )


def _caller(identity: Identity, roles: Iterable[str], actors: Iterable[Key]) -> Caller:
    grants = identity.grants
    if grants is not None and identity.patient is None:
        grants = grants.within(("user",))  # `patient/` scopes are of a patient who is not named: of nobody
    return Caller(
        identity.kind,
        issuer=identity.issuer,
        subject=identity.subject,
        client=identity.client,
        roles=tuple(sorted(roles)),
        actors=tuple(actors),
        level=identity.level,
        purpose=identity.purpose,
        grants=grants,
        patient=identity.patient,
        expires=identity.expires,
    )
