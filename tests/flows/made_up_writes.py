"""Writes made up for one caller, and the world that they are sent to: what opens doors, in every way a write is sent.

Circles, consents, stays, records, requests, relatives, identities, actors, grants and labels; created, replaced,
patched, deleted, several at a time, and in schemes. What the law itself lets a write open is left out: a consent with
the proof of who gave it, and the full INS with the five traits.
"""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from fhir_server.access.caller import Caller
from fhir_server.access.consents import DATA
from fhir_server.access.facts import GRANT, GRANT_TYPES, SOLLICITATION
from fhir_server.access.marks import LABEL_SYSTEM, VISIBILITY_SYSTEM
from fhir_server.interactions.call import Action, Call
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import instant_text, now
from fhir_server.kernel.wire import Tree, encode
from tests import circles
from tests.builders import bundle, entry, observation
from tests.circles import DAY, PERSON, coding, to
from tests.flows.matrix_world import SOMEBODY, resource
from tests.guarded import SINCE, decided

STRANGER: Final = Key("Patient", "stranger")  # whose circle has nobody of those who write
DOUBLE: Final = Key(
    "Patient", "double"
)  # a record that the coordinator keeps, whose médecin traitant is another
PEOPLE: Final = (str(PERSON), str(STRANGER))
CATEGORIES: Final = (
    *("identite", "administratif", "social", "sante", "sante-sensible", "autonomie", "coordination", "plan"),
    *("liaison", "projet", "mdph", "message", "consentement", "sollicitation"),
)

EXCLUDED: Final = circles.caller("excluded", "ssiad", "infirmier")
ADMITTED: Final = circles.caller("admitted", "practice", "infirmier")  # of the circle, not recognised
SOFTWARE: Final = Caller(
    "system",
    client="dui",
    roles=("accompagnement", "infirmier"),
    actors=(Key("Organization", "saad"),),
    organisation=Key("Organization", "saad"),
    purpose="TREAT",
)
ASKED: Final = circles.caller("asked", "other-dac", "coordonnateur")  # by a home help, who brings in nobody
WRITERS: Final = {
    "the médecin traitant": circles.GP,
    "a nurse of the team": circles.NURSE,
    "a nurse who was admitted": ADMITTED,
    "a nurse who is excluded": EXCLUDED,
    "a home help": circles.HELPER,
    "a manager": circles.MANAGER,
    "a coordinator": circles.COORDINATOR,
    "a coordinator whom a home help asked": ASKED,
    "a pharmacist outside": circles.PHARMACIST,
    "a cardiologist with a consent": circles.caller("cardiologist", "hospital", "medecin"),
    "a secretary": circles.caller("secretary", "msp", "secretariat"),
    "a secretary of a member's organisation": circles.caller("desk", "saad", "secretariat"),
    "a social worker outside": circles.caller("social", "practice", "travailleur-social"),
    "a guardian without a measure": circles.caller("guardian", "group", "mjpm"),
    "an agent of the MDPH without a request": circles.caller("agent", "mdph", "agent-mdph"),
    "the software of a service": SOFTWARE,
    "the person": circles.CITIZEN,
    "a carer": circles.citizen("daughter", "aidant"),
    "a relative without a grant": circles.citizen("cousin", "representant-legal"),
}


def world() -> list[Tree]:
    return [
        *circles.DIRECTORY,
        circles.organisation("practice", site=True),
        circles.organisation("other-dac", "606", site=True),
        *(circles.role(*one) for one in _MORE),
        *(circles.practitioner(one[0]) for one in _MORE),
        circles.practitioner(SOMEBODY.id),
        circles.patient(),
        {"resourceType": "Patient", "id": "stranger", "birthDate": "1950-05-05"},
        {**circles.patient(), "id": DOUBLE.id},
        circles.relative("daughter", (circles.ROLE_CLASS, "CAREGIVER")),
        circles.relative("cousin", (circles.ROLE_CLASS, "CAREGIVER")),
        circles.circle(
            circles.member("PractitionerRole/gp", SINCE, pcp=True),
            *(circles.member(f"PractitionerRole/{one}", SINCE) for one in ("nurse", "helper", "admitted")),
            circles.member("PractitionerRole/excluded", SINCE),
            circles.member("Organization/saad", SINCE),
            circles.member("PractitionerRole/coordinator", SINCE, role="330"),
            circles.member("RelatedPerson/daughter", SINCE),
            period={"start": SINCE},
        ),
        {
            **circles.circle(circles.member("Practitioner/somebody", SINCE), id="stranger"),
            "subject": to(STRANGER),
        },
        {
            **circles.circle(
                circles.member("PractitionerRole/cardiologist", SINCE, pcp=True),
                circles.member("PractitionerRole/coordinator", SINCE, role="330"),
                id="double",
                period={"start": SINCE},
            ),
            "subject": to(DOUBLE),
        },
        *(
            {**decided(code, *actors, performer=DOUBLE, id=f"{code}-double", **more), "patient": to(DOUBLE)}
            for code, actors, more in (
                ("information-dossier", (), {}),
                ("reconnaissance-equipe", ("PractitionerRole/coordinator",), {}),
                ("consentement-hors-equipe", ("PractitionerRole/coordinator",), {"data": ("mdph",)}),
            )
        ),
        {**circles.dossier(period={"start": SINCE}), "id": DOUBLE.id, "patient": to(DOUBLE)},
        {**circles.dossier(period={"start": SINCE})},
        circles.request(
            "PractitionerRole/asked",
            status="requested",
            intent="order",
            requester=to("PractitionerRole/helper"),
            id="asked",
        ),
        decided("consentement-hors-equipe", str(CIRCLE), data=("mdph",), id="circle"),
        decided("information-dossier"),
        decided(
            "reconnaissance-equipe", *(f"PractitionerRole/{one}" for one in ("gp", "nurse", "coordinator"))
        ),
        decided("reconnaissance-equipe", "PractitionerRole/helper", "PractitionerRole/excluded", id="more"),
        decided("exclusion-acteur", "PractitionerRole/excluded", type="deny", id="exclusion"),
        decided("opposition-partage", type="deny", data=("autonomie",), id="opposition"),
        decided("consentement-hors-equipe", "PractitionerRole/cardiologist", data=("liaison",), id="outside"),
        decided("acces-aidant", "RelatedPerson/daughter", data=("liaison", "plan"), id="grant"),
        *hidden(PERSON, "person"),
        {
            **observation(PERSON),
            "id": INVISIBLE.id,
            "performer": [to(SOMEBODY)],
            "meta": {"security": [_INVISIBLE]},
        },
        *hidden(STRANGER, "stranger"),
    ]


CIRCLE: Final = Key("CareTeam", "payet")
INVISIBLE: Final = Key("Observation", "person-invisible")
_INVISIBLE: Final = {"system": VISIBILITY_SYSTEM, "code": "INVISIBLE_PATIENT"}
_MORE: Final = (
    ("asked", "other-dac", "330"),
    ("desk", "saad", "331"),
    ("excluded", "ssiad", "G15_60"),
    ("admitted", "practice", "G15_60"),
    ("secretary", "msp", "G15_60"),
    ("social", "practice", "300"),
    ("agent", "mdph", "300"),
)


def hidden(person: Key, prefix: str) -> list[Tree]:
    """What others wrote about a person, of every category, with and without labels."""
    trees = [resource(one, f"{prefix}-{one}", SOMEBODY, person) for one in CATEGORIES]
    for system, code in (
        (VISIBILITY_SYSTEM, "MASQUE_PS"),
        (VISIBILITY_SYSTEM, "INVISIBLE_PATIENT"),
        (LABEL_SYSTEM, "interne-structure"),
        (LABEL_SYSTEM, "audience:aidants"),
    ):
        tree = resource("liaison", f"{prefix}-{code.replace(':', '-').replace('_', '-')}", SOMEBODY, person)
        trees.append({**tree, "meta": {"security": [{"system": system, "code": code}]}})
    return trees


KEYS: Final = tuple(Key(tree["resourceType"], tree["id"]) for tree in world())

# What is made up ----------------------------------------------------------------------------------------------------

people = st.sampled_from([str(PERSON), *PEOPLE])
organisations = st.sampled_from(
    ["dac", "msp", "ssiad", "saad", "practice", "hospital", "mdph", "pharmacy", "group"]
)
labels = st.sampled_from(
    [
        (VISIBILITY_SYSTEM, "MASQUE_PS"),
        (VISIBILITY_SYSTEM, "INVISIBLE_PATIENT"),
        (LABEL_SYSTEM, "interne-structure"),
        (LABEL_SYSTEM, "partage-social"),
        (LABEL_SYSTEM, "audience:aidants"),
        (LABEL_SYSTEM, "urgence"),
        (DATA, "identite"),
    ]
)


def names_of(caller: Caller) -> st.SearchStrategy[str]:
    """References to the caller, by any of their names."""
    return st.sampled_from([str(actor) for actor in caller.actors if actor.type != "class"])


@st.composite
def circles_of(draw: st.DrawFn, caller: Caller) -> Tree:
    mine = draw(names_of(caller))
    members = [circles.member(mine, draw(st.sampled_from([SINCE, "2026-01-01"])), pcp=draw(st.booleans()))]
    if draw(st.booleans()):
        members.append(circles.member("PractitionerRole/gp", SINCE, pcp=True))
    manager = [to(f"Organization/{draw(organisations)}")]
    tree = circles.circle(*members, period={"start": SINCE}, managingOrganization=manager)
    return {**tree, "subject": to(draw(people))}


_OF_SOME_TIME = ({"dataPeriod": {"start": "2020"}}, {"dataPeriod": {"start": "2024-06", "end": "2025-06"}})


@st.composite
def consents_of(draw: st.DrawFn, caller: Caller) -> Tree:
    """Without the proof of the person; the word of whoever writes is none."""
    code = draw(
        st.sampled_from(
            [
                *("information-dossier", "reconnaissance-equipe", "consentement-hors-equipe", "acces-aidant"),
                *("exclusion-acteur", "opposition-partage", "mesure-protection", "acces-personne-confiance"),
            ]
        )
    )
    mine = draw(names_of(caller))
    family = mine if mine.startswith(("Patient/", "RelatedPerson/")) else "RelatedPerson/cousin"
    tree = decided(
        code,
        draw(st.sampled_from([mine, "CareTeam/payet", "#all"])),
        type=draw(st.sampled_from(["permit", "deny"])),
        data=draw(st.sampled_from([(), ("sante", "liaison", "plan", "identite", "autonomie")])),
        dated=draw(st.sampled_from(["2026-01-01T10:00:00Z", f"{SINCE}T09:00:00Z"])),
        performer=draw(st.sampled_from([str(PERSON), family])),
        proof=False,
        provision=draw(st.sampled_from([None, None, *_OF_SOME_TIME])),
    )
    if tree["provision"]["actor"][0]["reference"]["reference"] == "#all":
        concept = coding(circles.PROFESSION, "G15_60")
        tree["contained"] = [{"resourceType": "PractitionerRole", "id": "all", "code": [concept]}]
    if draw(st.booleans()):
        tree["verification"] = [
            {"verified": True, "verifiedWith": to(family), "verificationDate": "2026-01-02"}
        ]
    return {**tree, "patient": to(draw(people)), "status": draw(st.sampled_from(["active", "inactive"]))}


@st.composite
def supports_of(draw: st.DrawFn, caller: Caller) -> Tree:
    at = (
        draw(organisations) if draw(st.booleans()) else (caller.organisation or Key("Organization", "msp")).id
    )
    if draw(st.booleans()):
        status = draw(st.sampled_from(["planned", "active", "onhold", "finished"]))
        return {**circles.dossier(at, status, period={"start": SINCE}), "patient": to(draw(people))}
    status = draw(st.sampled_from(["planned", "in-progress", "finished"]))
    code = draw(st.sampled_from(["HH", "IMP"]))
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": code}
    return {**circles.stay(at, status, SINCE), "class": kind, "subject": to(draw(people))}


@st.composite
def requests_of(draw: st.DrawFn, caller: Caller) -> Tree:
    code = draw(st.sampled_from([SOLLICITATION, "demande-mdph", "rectification"]))
    owner = draw(st.sampled_from([draw(names_of(caller)), "Organization/mdph", "Organization/dac"]))
    requester = draw(st.sampled_from(["PractitionerRole/gp", draw(names_of(caller))]))
    tree = circles.request(owner, code, "requested", intent="order", requester=to(requester))
    return {**tree, "for": to(draw(people))}


@st.composite
def relatives_of(draw: st.DrawFn, caller: Caller) -> Tree:
    relation = draw(
        st.sampled_from(
            [
                (circles.ROLE_CLASS, "GUARD"),
                (f"{circles.NOS}/TRE_R216-HL7RoleCode/FHIR/TRE-R216-HL7RoleCode", "RESPRSN"),
                (circles.ROLE_CLASS, "CAREGIVER"),
            ]
        )
    )
    return {**circles.relative("cousin", relation), "patient": to(draw(people))}


@st.composite
def identities_of(draw: st.DrawFn, caller: Caller) -> Tree:
    mine = to(caller.organisation or Key("Organization", "msp"))
    tree: Tree = {"resourceType": "Patient", "id": draw(people).partition("/")[2]}
    tree["birthDate"] = draw(st.sampled_from(["1939-02-17", instant_text(now() - 400 * DAY)[:10]]))
    if draw(st.booleans()):
        tree["managingOrganization"] = mine
    if draw(st.booleans()):
        tree["identifier"] = [{"system": "urn:oid:1.2.3", "value": "1", "assigner": mine}]
    if draw(st.booleans()):
        other = next(one for one in PEOPLE if not one.endswith(tree["id"]))
        tree["link"] = [{"other": to(other), "type": "replaced-by"}]
    return tree


@st.composite
def actors_of(draw: st.DrawFn, caller: Caller) -> Tree:
    known = draw(st.sampled_from(["nurse", "gp", "coordinator"]))
    mine = (caller.organisation or Key("Organization", "practice")).id
    kinds = [
        circles.role(draw(st.sampled_from(["admitted", "pharmacist", known])), draw(organisations), "G15_10"),
        circles.organisation(mine, "606", above="hospital", site=draw(st.booleans())),
        circles.practitioner(known),
        circles.affiliation("dac", of=mine, id="formal"),
    ]
    return draw(st.sampled_from(kinds))


@st.composite
def grants_of(draw: st.DrawFn, caller: Caller) -> Tree:
    detail = "https://cordee.example/fhir/StructureDefinition/acces-urgence-detail"
    period = {"start": instant_text(now() - DAY // 24), "end": instant_text(now() + DAY // 24)}
    return {
        "resourceType": "Basic",
        "id": "taken",
        "extension": [{"url": detail, "extension": [{"url": "periode", "valuePeriod": period}]}],
        "code": coding(GRANT_TYPES, GRANT),
        "subject": to(draw(people)),
        "author": to(draw(names_of(caller))),
    }


@st.composite
def documents_of(draw: st.DrawFn, caller: Caller) -> Tree:
    """Another version of what is there: under another author, label, person or category."""
    key = draw(st.sampled_from([key for key in KEYS if key.id.startswith(("person-", "stranger-"))]))
    category = draw(st.sampled_from(CATEGORIES))
    author = Key(*draw(names_of(caller)).split("/"))
    made = resource(category, key.id, author, Key(*draw(people).split("/")))
    system, code = draw(labels)
    return {**made, "meta": {"security": [{"system": system, "code": code}]}}


def trees_of(caller: Caller) -> st.SearchStrategy[Tree]:
    return st.one_of(
        circles_of(caller),
        consents_of(caller),
        supports_of(caller),
        requests_of(caller),
        relatives_of(caller),
        identities_of(caller),
        actors_of(caller),
        grants_of(caller),
        documents_of(caller),
    )


@st.composite
def writes_of(draw: st.DrawFn, caller: Caller) -> Call:
    """One request: a create, an update, a patch, a deletion, labels, or several at a time."""
    kind = draw(
        st.sampled_from(
            ["write", "write", "write", "transaction", "transaction", "patch", "labels", "delete"]
        )
    )
    key = draw(st.sampled_from(_TARGETS))
    if kind == "transaction":
        entries: dict[Key | int, Tree] = {}
        for tree in draw(st.lists(trees_of(caller), min_size=1, max_size=3)):
            sent = draw(sent_as(tree))
            method, url = (
                ("PUT", f"{sent['resourceType']}/{sent['id']}")
                if "id" in sent
                else ("POST", sent["resourceType"])
            )
            entries[len(entries) if method == "POST" else Key(*url.split("/"))] = entry(method, url, sent)
        return Call(Action.BUNDLE, body=encode(bundle("transaction", *entries.values())), caller=caller)
    if kind == "write":
        sent = draw(trees_of(caller).flatmap(sent_as))
        action = Action.UPDATE if "id" in sent else Action.CREATE
        return Call(action, sent["resourceType"], sent.get("id"), body=encode(sent), caller=caller)
    if kind == "patch":
        return _patched(key, draw(st.sampled_from(_PATCHES) | names_of(caller).map(_joining)), caller)
    if kind == "labels":
        system, code = draw(labels)
        name = draw(st.sampled_from(["$meta-add", "$meta-delete"]))
        return _labelled(key, name, {"system": system, "code": code}, caller)
    return Call(Action.DELETE, key.type, key.id, caller=caller)


def _patched(key: Key, body: list[Tree], caller: Caller) -> Call:
    media = "application/json-patch+json"
    return Call(Action.PATCH, key.type, key.id, body=encode(body), media_type=media, caller=caller)


def _labelled(key: Key, name: str, label: Tree, caller: Caller) -> Call:
    said = {"name": "meta", "valueMeta": {"security": [label]}}
    parameters = {"resourceType": "Parameters", "parameter": [said]}
    return Call(Action.OPERATION, key.type, key.id, body=encode(parameters), operation=name, caller=caller)


def _created(tree: Tree, caller: Caller) -> Call:
    body = encode({name: value for name, value in tree.items() if name != "id"})
    return Call(Action.CREATE, tree["resourceType"], body=body, caller=caller)


def schemes_of(caller: Caller) -> st.SearchStrategy[list[Call]]:
    """Writes that mean something together: one puts in place what the next, or somebody else, makes use of."""
    return names_of(caller).flatmap(lambda mine: st.sampled_from(_schemes(caller, mine)))


def _schemes(caller: Caller, mine: str) -> list[list[Call]]:
    def patched(key: Key, path: str, value: object, op: str = "replace") -> Call:
        return _patched(key, [{"op": op, "path": path, "value": value}], caller)

    at = (caller.organisation or Key("Organization", "practice")).id
    dossier = {**circles.dossier(at, period={"start": SINCE}), "id": "new"}
    circle = Key("CareTeam", "payet")
    past = circles.member("PractitionerRole/cardiologist", SINCE, "2021-01-01")
    guard, child = coding(circles.ROLE_CLASS, "GUARD"), instant_text(now() - 400 * DAY)[:10]
    return [
        [
            patched(Key("Task", "asked"), "/requester/reference", requester),
            _created({**dossier, "careManager": to(mine)}, caller),
        ]
        for requester in (str(PERSON), "PractitionerRole/gp")
    ] + [
        [patched(Key("EpisodeOfCare", "payet"), "/careManager", to(mine), "add")],
        [_created({**dossier, "status": "planned", "careManager": to(mine)}, caller)],
        [patched(circle, "/participant/-", circles.member(mine, SINCE, role="330"), "add")],
        [patched(circle, "/participant/-", past, "add")],
        [patched(circle, "/status", "inactive")],
        [
            patched(Key("Patient", "payet"), "/birthDate", child),
            patched(Key("RelatedPerson", "cousin"), "/relationship", [guard]),
        ],
        [patched(Key("Patient", "payet"), "/link", [{"other": to(DOUBLE), "type": "replaces"}], "add")],
        [patched(DOUBLE, "/link", [{"other": to(PERSON), "type": "replaced-by"}], "add")],
        [
            patched(INVISIBLE, "/performer/0/reference", mine),
            _labelled(INVISIBLE, "$meta-delete", _INVISIBLE, caller),
        ],
        [
            patched(INVISIBLE, "/performer/-", to(mine), "add"),
            _labelled(INVISIBLE, "$meta-delete", _INVISIBLE, caller),
        ],
    ]


def writes_for_others_of(caller: Caller) -> st.SearchStrategy[list[Call]]:
    """What somebody may open to others; without consents, whose proof is their word."""
    trees = st.one_of(
        circles_of(caller),
        supports_of(caller),
        requests_of(caller),
        relatives_of(caller),
        identities_of(caller),
        documents_of(caller),
    )
    single = trees.map(lambda tree: [_created(tree, caller)])
    return st.booleans().flatmap(lambda scheme: schemes_of(caller) if scheme else single)


# Of what is in no circle, one of each: most of what is asked is to be about somebody.
_TARGETS: Final = (
    *(key for key in KEYS if key.type not in {"Practitioner", "PractitionerRole", "Organization"}),
    *(Key("Practitioner", "nurse"), Key("PractitionerRole", "nurse"), Key("Organization", "ssiad")),
)


def sent_as(tree: Tree) -> st.SearchStrategy[Tree]:
    """A tree as it is created, or as another version of one of its type."""
    new = {name: value for name, value in tree.items() if name != "id"}
    there = [{**tree, "id": key.id} for key in KEYS if key.type == tree["resourceType"]]
    return (
        st.sampled_from([new, *there]) if len(there) > 1 else st.sampled_from([new, tree if there else new])
    )


def _joining(name: str) -> list[Tree]:
    return [{"op": "add", "path": "/participant/-", "value": circles.member(name, SINCE)}]


_PATCHES: Final = (
    [{"op": "replace", "path": "/status", "value": "inactive"}],
    [{"op": "replace", "path": "/status", "value": "entered-in-error"}],
    [{"op": "replace", "path": "/status", "value": "active"}],
    [{"op": "remove", "path": "/provision/code"}],
    [{"op": "remove", "path": "/provision/actor"}],
    [{"op": "replace", "path": "/provision/type", "value": "permit"}],
    [{"op": "replace", "path": "/category/0/coding/0/code", "value": "reconnaissance-equipe"}],
    [{"op": "remove", "path": "/participant/0/period"}],
    [{"op": "remove", "path": "/meta/security"}],
    [{"op": "replace", "path": "/subject/reference", "value": str(STRANGER)}],
    [{"op": "replace", "path": "/patient/reference", "value": str(STRANGER)}],
)
