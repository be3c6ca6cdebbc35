"""What Pro Santé Connect says of a professional, as an Identity: introspection and UserInfo, read with suspicion.

`SubjectRefPro` is the record of the national directory: `exercices` (a profession each) with their `activities`
(a place each). Anything of it may be missing, empty or of another shape, and then says nothing.

Domain: `psc-annuaire.md`, section 4. https://industriels.esante.gouv.fr/produits-et-services/pro-sante-connect
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_server.access.claims import bound_to, client_of, text, texts
from fhir_server.access.identity import Identifier, Identity, Practice
from fhir_server.access.levels import level_of
from fhir_server.access.roles import roles_of
from fhir_server.access.signatures import Claims
from fhir_server.kernel.errors import Unauthenticated
from fhir_server.settings import IssuerSettings

IDNPS: Final = "urn:oid:1.2.250.1.71.4.2.1"  # national identifier of a professional, its kind in front
RPPS: Final = "https://rpps.esante.gouv.fr"
ADELI: Final = "https://adeli.esante.gouv.fr"
IDNST: Final = "urn:oid:1.2.250.1.71.4.2.2"  # national identifier of a structure
FINESS: Final = "https://finess.esante.gouv.fr"
SIRET: Final = "https://sirene.fr"

# The first that an activity has is how its practice is named.
_PLACES: Final = (
    ("identifiantTechniqueDeLaStructure", IDNST),
    ("numeroFinessSite", FINESS),
    ("numeroSiretSite", SIRET),
)
_LEGAL_ENTITY: Final = (
    "numeroFinessetablissementJuridique",
    FINESS,
)  # where the site itself has no identifier
_STUDENT: Final = "E"  # codeCategorieProfessionnelle: not yet a professional, whose rights they do not have


def require_same(introspected: Claims, userinfo: Claims) -> None:
    """Raises `Unauthenticated` unless both speak of the same professional, and name them.

    https://openid.net/specs/openid-connect-core-1_0.html#UserInfoResponse
    """
    subject, said = text(introspected.get("sub")), text(userinfo.get("sub"))
    number, own = text(introspected.get("SubjectNameID")), text(userinfo.get("SubjectNameID"))
    if not subject or subject != said or (number and own and number != own):
        raise Unauthenticated(
            "Pro Santé Connect speaks of somebody else than the token does",
            code="unknown",
            french="Pro Santé Connect parle d'une autre personne que le jeton",
        )


def identity_of(issuer: IssuerSettings, introspected: Claims, userinfo: Claims, expires: int) -> Identity:
    """The professional that a token of Pro Santé Connect speaks of. `expires`: µs."""
    number = text(userinfo.get("SubjectNameID")) or text(introspected.get("SubjectNameID"))
    return Identity(
        "professional",
        issuer.issuer,
        text(introspected.get("sub")),
        client=client_of(introspected),
        level=level_of(introspected.get("acr", userinfo.get("acr")), issuer.levels),
        person=_person(number),
        practices=practices_of(userinfo),
        expires=expires,
        thumbprint=bound_to(introspected),
    )


def practices_of(userinfo: Claims) -> tuple[Practice, ...]:
    """The practices of a professional, in the order told, never empty: one without place where nothing is told.

    The same profession at the same place is one practice, however many activities it has there.
    """
    found: dict[str, Practice] = {}
    for practice in _told(userinfo):
        known = found.get(practice.name)
        found[practice.name] = practice if known is None else _joined(known, practice)
    practices = tuple(found.values()) or (Practice("", roles=_roles_of_login(userinfo)),)
    if len(practices) == 1 and not practices[0].organisation:
        practices = (_at_login(practices[0], userinfo),)
    regulating = roles_of(
        "psc:Acces_Regulation_Medicale", "", text(userinfo.get("Acces_Regulation_Medicale"))
    )
    return tuple(_with_roles(practice, regulating) for practice in practices)


def _person(number: str) -> tuple[Identifier, ...]:
    """`899700000017` is kind 8 (RPPS) and the number itself; the directory may know either form."""
    if not number:
        return ()
    whole = (IDNPS, number)
    if len(number) == 12 and number.startswith("8"):
        return (whole, (RPPS, number[1:]))
    if len(number) == 10 and number.startswith("0"):
        return (whole, (ADELI, number[1:]))
    return (whole,)


def _told(userinfo: Claims) -> Iterator[Practice]:
    record = userinfo.get("SubjectRefPro")
    for exercise in _objects(record, "exercices"):
        profession = text(exercise.get("codeProfession"))
        student = text(exercise.get("codeCategorieProfessionnelle")) == _STUDENT
        roles = () if student else roles_of("psc:codeProfession", "", profession)
        activities = tuple(_objects(exercise, "activities"))
        for activity in activities:
            organisation = _organisation(activity)
            places = frozenset(value for _, value in organisation)
            place = organisation[0][1] if organisation else ""
            name = "-".join(part for part in (profession, place) if part)
            yield Practice(name, places, organisation, roles)
        if not activities:
            yield Practice(profession, roles=roles)


def _organisation(activity: Claims) -> tuple[Identifier, ...]:
    site = tuple((system, text(activity.get(name))) for name, system in _PLACES if text(activity.get(name)))
    name, system = _LEGAL_ENTITY
    legal = text(activity.get(name))
    return site or (((system, legal),) if legal else ())


def _at_login(practice: Practice, userinfo: Claims) -> Practice:
    """The only practice, at the structure of the card that was used; a mobile login tells none."""
    structure = text(userinfo.get("SubjectOrganizationID"))
    if not structure:
        return practice
    name = "-".join(part for part in (practice.name, structure) if part)
    return Practice(name, frozenset((structure,)), ((IDNST, structure),), practice.roles)


def _roles_of_login(userinfo: Claims) -> tuple[str, ...]:
    """`10^1.2.250.1.213.1.1.5.5` is a code and the OID of its table."""
    found: set[str] = set()
    for said in texts(userinfo.get("SubjectRole")):
        code, _, system = said.partition("^")
        found.update(roles_of("psc:SubjectRole", system, code))
    return tuple(sorted(found))


def _joined(one: Practice, other: Practice) -> Practice:
    organisation = tuple(dict.fromkeys((*one.organisation, *other.organisation)))
    return _with_roles(Practice(one.name, one.places | other.places, organisation, one.roles), other.roles)


def _with_roles(practice: Practice, more: tuple[str, ...]) -> Practice:
    roles = tuple(sorted({*practice.roles, *more}))
    return Practice(practice.name, practice.places, practice.organisation, roles)


def _objects(tree: Any, name: str) -> Iterator[Mapping[str, Any]]:
    items = tree.get(name) if isinstance(tree, Mapping) else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Mapping):
            yield item
