"""Small circles: a person, who takes part in their care, what they decided, and the facts that follow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from fhir_server.access.caller import Caller
from fhir_server.access.cells import Cells
from fhir_server.access.consents import CODES, DATA, OUTSIDE, RECOGNITION
from fhir_server.access.facts import (
    ACTORS,
    AFFILIATIONS,
    FORMAL_TEAM,
    LINKING,
    MDPH_REQUEST,
    SOLLICITATION,
    TASK_TYPES,
    Facts,
    key_of,
)
from fhir_server.access.links import links_of
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import Link, Tie
from fhir_server.search.spans import span_of

CELLS: Final = Cells([("sante", frozenset({"coordonnateur"}))])
NOS: Final = "https://mos.esante.gouv.fr/NOS"
FUNCTION: Final = f"{NOS}/TRE_R259-HL7ParticipationFunction/FHIR/TRE-R259-HL7ParticipationFunction"
ROLE_CLASS: Final = f"{NOS}/TRE_R260-HL7RoleClass/FHIR/TRE-R260-HL7RoleClass"
PROFESSION: Final = f"{NOS}/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"
ROLE_OF_CARE: Final = f"{NOS}/TRE_R85-RolePriseCharge/FHIR/TRE-R85-RolePriseCharge"
CATEGORY: Final = f"{NOS}/TRE_R66-CategorieEtablissement/FHIR/TRE-R66-CategorieEtablissement"
IDENTIFIER: Final = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"
PERSON: Final = Key("Patient", "payet")
DAY: Final = 86_400_000_000


def moment(text: str) -> int:
    return span_of(text)[0]


NOW: Final = moment("2026-10-01T08:00:00Z")
ALL: Final = CELLS.all


def bits(*categories: str) -> int:
    return CELLS.bits(categories)


def coding(system: str, code: str) -> Tree:
    return {"coding": [{"system": system, "code": code}]}


def to(key: Key | str) -> Tree:
    return {"reference": str(key)}


def patient(**more: Any) -> Tree:
    return {"resourceType": "Patient", "id": PERSON.id, "birthDate": "1939-02-17", **more}


def organisation(id: str, category: str = "", *, above: str = "", site: bool = False, **more: Any) -> Tree:
    tree: Tree = {"resourceType": "Organization", "id": id, "active": True, **more}
    if category:
        tree["type"] = [coding(CATEGORY, category)]
    if above:
        tree["partOf"] = to(f"Organization/{above}")
    if site:
        tree["identifier"] = [{"type": coding(IDENTIFIER, "FINEG"), "value": "1"}]
    return tree


def role(id: str, at: str, *codes: str, **more: Any) -> Tree:
    """A PractitionerRole of the Practitioner of the same id: `G15_60` is a profession, `330` a role of care."""
    return {
        "resourceType": "PractitionerRole",
        "id": id,
        "active": True,
        "practitioner": to(f"Practitioner/{id}"),
        "organization": to(f"Organization/{at}"),
        "code": [coding(PROFESSION if code.startswith("G15") else ROLE_OF_CARE, code) for code in codes],
        **more,
    }


def practitioner(id: str) -> Tree:
    return {"resourceType": "Practitioner", "id": id, "active": True}


def relative(id: str, *relations: tuple[str, str], **more: Any) -> Tree:
    return {
        "resourceType": "RelatedPerson",
        "id": id,
        "patient": to(PERSON),
        "relationship": [coding(*relation) for relation in relations],
        **more,
    }


def member(key: str, start: str = "2026-06-01", end: str = "", *, pcp: bool = False, role: str = "") -> Tree:
    period = {"start": start} | ({"end": end} if end else {})
    tree: Tree = {"member": to(key), "period": period}
    if pcp:
        tree["role"] = [coding(FUNCTION, "PCP")]
    if role:
        tree["role"] = [coding(ROLE_OF_CARE, role)]
    return tree


def circle(*members: Tree, id: str = "payet", **more: Any) -> Tree:
    return {
        "resourceType": "CareTeam",
        "id": id,
        "status": "active",
        "subject": to(PERSON),
        "period": {"start": "2026-06-01"},
        "participant": list(members),
        **more,
    }


def dossier(at: str = "dac", status: str = "active", **more: Any) -> Tree:
    return {
        "resourceType": "EpisodeOfCare",
        "id": "payet",
        "status": status,
        "patient": to(PERSON),
        "managingOrganization": to(f"Organization/{at}"),
        "period": {"start": "2026-07-01"},
        **more,
    }


def stay(at: str, status: str = "in-progress", start: str = "2026-09-20", end: str = "", **more: Any) -> Tree:
    period = {"start": start} | ({"end": end} if end else {})
    return {
        "resourceType": "Encounter",
        "id": f"stay-{at}",
        "status": status,
        "subject": to(PERSON),
        "serviceProvider": to(f"Organization/{at}"),
        "period": period,
        **more,
    }


def consent(
    code: str,
    *actors: Key | str,
    id: str = "",
    type: str = "permit",
    data: Iterable[str] = (),
    dated: str = "2026-07-01T10:00:00Z",
    start: str = "",
    end: str = "",
    performer: Key | str = PERSON,
    proof: bool = True,
    provision: Tree | None = None,
    **more: Any,
) -> Tree:
    """One decision. `proof`: it was verified with its performer."""
    said: Tree = {"type": type}
    if start or end:
        said["period"] = {name: text for name, text in (("start", start), ("end", end)) if text}
    if actors:
        said["actor"] = [{"role": {"text": "recipient"}, "reference": to(actor)} for actor in actors]
    if data:
        said["code"] = [coding(DATA, category) for category in data]
    tree: Tree = {
        "resourceType": "Consent",
        "id": id or f"{code}-{dated}-{type}".replace(":", "."),
        "status": "active",
        "scope": coding("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        "category": [coding(CODES, code)],
        "patient": to(PERSON),
        "dateTime": dated,
        "performer": [to(performer)],
        "provision": {**said, **(provision or {})},
        **more,
    }
    if proof:
        tree["verification"] = [
            {"verified": True, "verifiedWith": to(performer), "verificationDate": dated or "2026-07-01"}
        ]
    return tree


def recognition(*actors: str, **more: Any) -> Tree:
    return consent(RECOGNITION, *actors, **more)


def outside(*actors: str, **more: Any) -> Tree:
    return consent(OUTSIDE, *actors, **more)


def request(owner: str, code: str = SOLLICITATION, status: str = "in-progress", **more: Any) -> Tree:
    return {
        "resourceType": "Task",
        "id": f"{code}-1",
        "status": status,
        "code": coding(TASK_TYPES, code),
        "for": to(PERSON),
        "requester": to("PractitionerRole/gp"),
        "owner": to(owner),
        **more,
    }


def mdph_request(owner: str, **more: Any) -> Tree:
    return request(owner, MDPH_REQUEST, **more)


def affiliation(holder: str, *, of: str, id: str = "", **more: Any) -> Tree:
    return {
        "resourceType": "OrganizationAffiliation",
        "id": id or f"{holder}-{of}",
        "active": True,
        "organization": to(f"Organization/{holder}"),
        "participatingOrganization": to(f"Organization/{of}"),
        "code": [coding(AFFILIATIONS, FORMAL_TEAM)],
        **more,
    }


# Who is there in every test that does not say otherwise: all of them verified.
DIRECTORY: Final = (
    organisation("dac", "606", site=True),
    organisation("msp", "603", site=True),
    organisation("ssiad", "354", site=True),
    organisation("saad", "460", site=True),
    organisation("pharmacy", "620", site=True),
    organisation("mdph", "609", site=True),
    organisation("group"),
    organisation("hospital", "355", above="group", site=True),
    organisation("geriatrics", above="hospital"),
    organisation("surgery", above="hospital"),
    role("gp", "msp", "G15_10"),
    role("cardiologist", "hospital", "G15_10"),
    role("nurse", "ssiad", "G15_60"),
    role("pharmacist", "pharmacy", "G15_21"),
    role("helper", "saad", "318"),
    role("coordinator", "dac", "330"),
    role("manager", "saad", "333"),
    role("guardian", "group", "307"),
    *(practitioner(one) for one in ("gp", "cardiologist", "nurse", "pharmacist", "helper", "coordinator")),
    *(practitioner(one) for one in ("manager", "guardian")),
)


def facts(*trees: Tree, directory: Iterable[Tree] = DIRECTORY, there: bool = True) -> Facts:
    """The facts of the person. `there`: they are known here already."""
    people = [patient()] if there and not any(tree["resourceType"] == "Patient" for tree in trees) else []
    known = [*people, *trees, *directory]
    assert all(tree["resourceType"] in LINKING | ACTORS for tree in known)
    return Facts(PERSON, trees={key_of(tree): tree for tree in known})


def links(*trees: Tree, now: int = NOW, directory: Iterable[Tree] = DIRECTORY) -> tuple[Link, ...]:
    return links_of(facts(*trees, directory=directory), CELLS, now)


def ties(found: Iterable[Link], actor: str, at: int = NOW) -> dict[Tie, int]:
    """What an actor's ties allow at a moment, by kind; denials are left out."""
    return {
        link.tie: link.allow
        for link in found
        if str(link.actor) == actor and link.since <= at < link.until and link.tie is not Tie.DENIAL
    }


def denials(found: Iterable[Link], actor: str, at: int = NOW) -> tuple[int, int]:
    """What is denied to an actor at a moment: (above everything, but not to the author)."""
    mine = [
        link
        for link in found
        if str(link.actor) == actor and link.since <= at < link.until and link.tie is Tie.DENIAL
    ]
    assert len(mine) <= 1
    return (mine[0].deny, mine[0].oppose) if mine else (0, 0)


def caller(id: str, at: str, *roles: str, **more: Any) -> Caller:
    """A professional of the directory, and the organisation for which they act."""
    actors = (Key("PractitionerRole", id), Key("Practitioner", id), Key("Organization", at))
    classes = tuple(Key("class", one) for one in roles)
    return Caller(
        "professional",
        roles=tuple(sorted(roles)),
        actors=(*actors, *classes),
        organisation=Key("Organization", at),
        level="eidas2",
        **more,
    )


GP: Final = caller("gp", "msp", "medecin")
NURSE: Final = caller("nurse", "ssiad", "infirmier")
HELPER: Final = caller("helper", "saad", "aide-domicile")
MANAGER: Final = caller("manager", "saad", "encadrement")
PHARMACIST: Final = caller("pharmacist", "pharmacy", "pharmacien")
COORDINATOR: Final = caller("coordinator", "dac", "coordonnateur")
CITIZEN: Final = Caller("citizen", roles=("personne",), actors=(PERSON,))


def citizen(id: str, role: str) -> Caller:
    return Caller("citizen", roles=(role,), actors=(Key("RelatedPerson", id),))
