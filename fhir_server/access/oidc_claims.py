"""The claims of any OpenID Connect issuer as an Identity, by the mapping that the operator wrote.

https://openid.net/specs/openid-connect-core-1_0.html#Claims · https://hl7.org/fhir/smart-app-launch/STU2.2/
"""

from __future__ import annotations

from typing import Final

from fhir_server.access.claims import at, bound_to, client_of, text, texts
from fhir_server.access.grants import Grants, grants_of
from fhir_server.access.identity import OF_PERSONS, Identifier, Identity, Practice
from fhir_server.access.levels import level_of
from fhir_server.access.roles import (
    CARER,
    DIRECTORY,
    IDENTITY,
    OPERATOR,
    PCP,
    PERSON,
    REPRESENTATIVE,
    TRACE_FEEDER,
    TRUSTED,
    known_roles,
    roles_of,
)
from fhir_server.access.signatures import Claims
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.kernel.keys import Key, is_id
from fhir_server.settings import IssuerSettings

# These come with the registration of a client, an account or a tie: no issuer names them.
_NEVER_NAMED: Final = frozenset(
    {CARER, DIRECTORY, IDENTITY, OPERATOR, PCP, PERSON, REPRESENTATIVE, TRACE_FEEDER, TRUSTED}
)


def identity_of(issuer: IssuerSettings, claims: Claims, expires: int) -> Identity:
    """Whom the verified claims speak of: a professional where they name one, else a citizen. `expires`: µs.

    Raises `Unauthenticated` when they speak of neither, or of one of whom this issuer may not speak.
    """
    names = issuer.claims
    subject = text(at(claims, names.subject))
    person = _identifiers(claims, names.practitioner, names.practitioner_system)
    spoken_of = "professional" if person and "professional" in issuer.callers else "citizen"
    if not subject or spoken_of not in issuer.callers:
        raise Unauthenticated(
            "The token does not say of whom it speaks",
            code="unknown",
            french="Le jeton ne dit pas de qui il parle",
        )
    organisation = _identifiers(claims, names.organization, names.organization_system)
    of_professional = spoken_of == "professional"
    return Identity(
        "professional" if of_professional else "citizen",
        issuer.issuer,
        subject,
        client=client_of(claims),
        level=level_of(at(claims, names.level), issuer.levels),
        person=person if of_professional else (),
        practices=_practices(organisation, _roles(issuer, claims)) if of_professional else (),
        delegator=_identifiers(claims, names.delegator, names.practitioner_system) if of_professional else (),
        purpose=text(at(claims, names.purpose)),
        patient=_patient(at(claims, names.patient)),
        grants=_grants(issuer, claims),
        expires=expires,
        thumbprint=bound_to(claims),
    )


def _identifiers(claims: Claims, path: str, system: str) -> tuple[Identifier, ...]:
    return tuple((system, value) for value in texts(at(claims, path))) if path else ()


def _practices(organisation: tuple[Identifier, ...], roles: tuple[str, ...]) -> tuple[Practice, ...]:
    """One for each organisation that is told."""
    told = dict.fromkeys(organisation)
    return tuple(Practice(of[1], frozenset((of[1],)), (of,), roles) for of in told) or (
        Practice(roles=roles),
    )


def _roles(issuer: IssuerSettings, claims: Claims) -> tuple[str, ...]:
    found: set[str] = set()
    for mapping in issuer.claims.roles:
        for said in texts(at(claims, mapping.claim)):
            if mapping.source == "name":
                found |= {said} & (known_roles() - _NEVER_NAMED)
                continue
            code, _, system = said.partition("^")
            found.update(roles_of(mapping.source, system or mapping.system, code))
    return tuple(sorted(found))


def _grants(issuer: IssuerSettings, claims: Claims) -> Grants | None:
    if issuer.scopes == "ignored":
        return None
    return grants_of(" ".join(texts(claims.get("scope")) or texts(claims.get("scp")))).within(OF_PERSONS)


def _patient(said: object) -> Key | None:
    """`123` or `Patient/123`; None: any. Raises `Unauthenticated` for what is neither: any would be too many."""
    if said is None:
        return None
    named = text(said).removeprefix("Patient/")
    if not is_id(named):
        raise Unauthenticated(
            "The token is for a patient whom it does not name",
            code="unknown",
            french="Le jeton est pour un patient qu'il ne nomme pas",
        )
    return Key("Patient", named)
