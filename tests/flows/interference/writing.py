"""Kinds of requests that write, or try to: alone, under conditions, in batches and in transactions."""

from __future__ import annotations

import json
from typing import Any, Final

from fhir_server.access.facts import key_of
from fhir_server.access.worth import URGENT_ROLES
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from tests.circles import circle, member, to
from tests.flows.interference.asking import (
    Asking,
    Draw,
    bundle,
    delete,
    entry,
    get,
    kind,
    parameters,
    patch,
    post,
    put,
)
from tests.flows.interference.hiding import IMPORTED_SHA256
from tests.flows.interference.world import CODES, IDENTIFIERS, INS, MAKERS, PATIENTS, PAYET

UNKNOWN: Final = Key("Patient", "nobody")
_CREATED: Final = ("Observation", "Condition", "DocumentReference", "Communication", "Goal", "Task")


def _criteria(d: Draw, *types: str) -> tuple[str, str]:
    """A type and criteria that something meets: what is seen, what is hidden, or both."""
    tree = d.tree(*(types or [one for one in MAKERS if one not in {"Binary", "Provenance"}]))
    if not tree:
        return "Observation", "identifier=none"
    found = tree.get("identifier") or [{"value": "none"}]
    value = (found if isinstance(found, dict) else found[0])["value"]
    chosen = d.random.random()
    if chosen < 0.5:
        return tree["resourceType"], f"identifier={IDENTIFIERS}|{value}"
    if chosen < 0.8:
        return tree["resourceType"], f"_id={tree['id']}"
    return "Observation", f"code={d.random.choice(CODES)}&subject={d.person()}"


def _changed(d: Draw, tree: Tree) -> Tree:
    """The same with another note or identifier."""
    d.count += 1
    changed = {**tree, "language": d.random.choice(("fr", "en"))}
    if isinstance(changed.get("identifier"), list):
        changed["identifier"] = [*changed["identifier"], {"system": IDENTIFIERS, "value": f"c{d.count}"}]
    return changed


def _pointing(d: Draw, *targets: Key) -> Tree:
    """Something new that refers to these."""
    listed = [to(one) for one in targets]
    chosen = d.random.choice(("DocumentReference", "Communication", "List", "Observation"))
    tree = d.new(chosen, PAYET)
    match chosen:
        case "DocumentReference":
            return {**tree, "context": {"related": listed}}
        case "Communication":
            return {**tree, "about": listed}
        case "List":
            return {**tree, "entry": [{"item": one} for one in listed]}
        case _:
            return {**tree, "focus": listed}


# Creations -----------------------------------------------------------------------------------------------------------


@kind("create")
def create(d: Draw) -> Asking:
    tree = d.new(d.random.choice(_CREATED))
    prefer = d.random.choice(("return=representation", "return=OperationOutcome", "return=minimal"))
    answer = yield post(tree["resourceType"], tree, prefer=prefer)
    d.wrote(answer)
    if d.made:
        yield get(str(d.made[-1]))


@kind("create with references")
def create_pointing(d: Draw) -> Asking:
    for targets in ((d.key(),), (d.lure(), d.guess())):
        tree = _pointing(d, *targets)
        d.wrote((yield post(tree["resourceType"], tree)))


@kind("create about somebody")
def create_about(d: Draw) -> Asking:
    tree = d.new("Observation", d.random.choice((d.lure("Patient"), d.key("Patient"), PAYET)))
    d.wrote((yield post("Observation", tree)))


@kind("create a link")
def create_link(d: Draw) -> Asking:
    person = d.key("Patient")
    who = d.caller.actors[0] if d.caller.actors else Key("PractitionerRole", "guardian")
    tree = {**circle(member(str(who), "2026-01-01")), "subject": to(person)}
    del tree["id"]
    d.wrote((yield post("CareTeam", tree)))
    stay: Tree = {"resourceType": "Encounter", "status": "in-progress", "subject": to(d.key("Patient"))}
    stay["class"] = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HH"}
    d.wrote((yield post("Encounter", {**stay, "serviceProvider": to("Organization/dac")})))


@kind("create a person")
def create_person(d: Draw) -> Asking:
    model = d.tree("Patient") or PATIENTS[0]
    tree = {name: value for name, value in model.items() if name not in {"id", "meta", "link"}}
    d.wrote((yield post("Patient", tree)))
    d.wrote((yield post("Patient", tree, if_none_exist=f"identifier={INS}|239027618812345")))


@kind("create if none exists")
def create_conditional(d: Draw) -> Asking:
    _, criteria = _criteria(d, *_CREATED)
    tree = d.new(d.random.choice(_CREATED))
    d.wrote((yield post(tree["resourceType"], tree, if_none_exist=criteria)))


@kind("create a Binary")
def create_binary(d: Draw) -> Asking:
    answer = yield post(
        "Binary", "bonjour", content_type="text/plain", x_security_context=str(d.key("Patient"))
    )
    d.wrote(answer)
    d.wrote((yield post("Binary", "bonjour", content_type="text/plain")))
    if d.made:
        yield get(str(d.made[-1]), accept="text/plain")


@kind("create a Provenance")
def create_provenance(d: Draw) -> Asking:
    tree = {name: value for name, value in d.new("Provenance").items() if name != "text"}
    d.wrote((yield post("Provenance", {**tree, "target": [to(d.key()), to(d.lure())]})))
    d.wrote((yield post("Provenance", {**tree, "target": [to(d.key())]})))


@kind("create an actor")
def create_actor(d: Draw) -> Asking:
    above = d.random.choice((Key("Organization", "dac"), d.key("Organization")))
    tree: Tree = {"resourceType": "Organization", "name": "Nouvelle", "partOf": to(above)}
    d.wrote((yield post("Organization", tree)))
    for key in (Key("Organization", "mine"), d.lure("Organization")):
        yield put(str(key), {"resourceType": "Organization", "id": key.id, "name": "Nouvelle"})
    yield put("Basic/guess", {"resourceType": "Basic", "id": "guess", "code": {"text": "x"}})


@kind("create what is for operators")
def create_of_nobody(d: Draw) -> Asking:
    tree = {name: value for name, value in d.new("List").items() if name not in {"subject", "source"}}
    d.wrote((yield post("List", tree)))
    key = d.key("List")
    yield put(str(key), {**tree, "id": key.id})
    group = {name: value for name, value in d.new("Group").items() if name not in {"member"}}
    key = d.key("Group")
    yield put(str(key), {**group, "id": key.id})


# Updates -------------------------------------------------------------------------------------------------------------


@kind("update")
def update(d: Draw) -> Asking:
    tree = d.sight()
    if tree:
        yield put(str(key_of(tree)), _changed(d, tree))


@kind("update what is guessed")
def update_guessed(d: Draw) -> Asking:
    key = d.lure(*MAKERS)
    yield put(str(key), {**d.new(key.type), "id": key.id})
    key = d.guess(*MAKERS)
    yield put(str(key), {**d.new(key.type), "id": key.id})


@kind("update with references")
def update_pointing(d: Draw) -> Asking:
    tree = d.sight("Observation", "List", "Communication", "DocumentReference")
    if not tree:
        return
    targets = [to(d.key()), *([to(d.lure())] if d.random.random() < 0.4 else [])]
    name = {"Observation": "focus", "List": "entry", "Communication": "about"}.get(
        tree["resourceType"], "context"
    )
    value: Any = targets
    if name == "entry":
        value = [{"item": one} for one in targets]
    elif name == "context":
        value = {"related": targets}
    yield put(str(key_of(tree)), {**tree, name: value})


@kind("update if it matches")
def update_if_match(d: Draw) -> Asking:
    for tree in (d.tree(), d.sight()):
        if tree:
            version = d.random.choice(("1", "2", "9", "*"))
            tag = "*" if version == "*" else f'W/"{version}"'
            yield put(str(key_of(tree)), _changed(d, tree), if_match=tag)


@kind("update if there is none")
def update_if_none(d: Draw) -> Asking:
    key = d.key(*MAKERS)
    yield put(str(key), {**d.new(key.type), "id": key.id}, if_none_match="*")
    key = d.key(*MAKERS)
    yield put(str(key), {**d.new(key.type), "id": key.id}, if_match='W/"1"')


@kind("conditional update")
def update_conditional(d: Draw) -> Asking:
    of, criteria = _criteria(d, *_CREATED)
    d.wrote((yield put(f"{of}?{criteria}", d.new(of))))
    of, criteria = _criteria(d, *_CREATED)
    d.wrote((yield put(f"{of}?{criteria}", {**d.new(of), "id": d.key(of).id})))


@kind("patch")
def patches(d: Draw) -> Asking:
    change = json.dumps([{"op": "add", "path": "/language", "value": d.random.choice(("fr", "en"))}])
    yield patch(str(d.key()), change)
    yield patch(str(d.key()), change, if_match='W/"1"')


@kind("FHIRPath patch")
def patch_path(d: Draw) -> Asking:
    key = d.key("Observation", "Condition", "List", "DocumentReference")
    parts: list[Tree] = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": f"{key.type}.subject"},
        {"name": "value", "valueReference": to(d.key("Patient"))},
    ]
    yield patch(str(key), parameters({"name": "operation", "part": parts}))
    parts = [
        {"name": "type", "valueCode": "add"},
        {"name": "path", "valueString": key.type},
        {"name": "name", "valueString": "language"},
        {"name": "value", "valueCode": "fr"},
    ]
    if tree := d.sight("Observation", "CarePlan", "Goal", "Task"):
        key = key_of(tree)
        parts[1]["valueString"] = key.type
    yield patch(str(key), parameters({"name": "operation", "part": parts}))


@kind("conditional patch")
def patch_conditional(d: Draw) -> Asking:
    of, criteria = _criteria(d)
    change = json.dumps([{"op": "add", "path": "/language", "value": "fr"}])
    yield patch(f"{of}?{criteria}", change)


@kind("$meta-add and $meta-delete")
def meta_change(d: Draw) -> Asking:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    given = parameters({"name": "meta", "valueMeta": {"security": [label], "tag": [{"code": "x"}]}})
    yield post(f"{d.key()}/$meta-add", given)
    yield post(f"{d.key()}/$meta-delete", given)


# Deletions -----------------------------------------------------------------------------------------------------------


@kind("delete")
def deletes(d: Draw) -> Asking:
    for key in (d.key(), d.key("DocumentReference", "Appointment", "Slot"), d.lure()):
        yield delete(str(key))
        yield get(str(key))


@kind("delete an actor")
def delete_actor(d: Draw) -> Asking:
    yield delete(f"Practitioner/{d.random.choice(('other', 'guardian', 'nurse'))}")
    yield delete(str(d.key("Basic", "List", "Group")))


@kind("conditional delete")
def delete_conditional(d: Draw) -> Asking:
    of, criteria = _criteria(d)
    yield delete(f"{of}?{criteria}")
    yield delete(f"DocumentReference?subject={d.person()}")


# Bundles -------------------------------------------------------------------------------------------------------------


@kind("batch")
def batch(d: Draw) -> Asking:
    tree, other = d.new(), _pointing(d, d.key())
    of, criteria = _criteria(d, *_CREATED)
    key = d.key(*MAKERS)
    yield post(
        "",
        bundle(
            "batch",
            entry("POST", tree["resourceType"], tree),
            entry("POST", other["resourceType"], other),
            entry("PUT", str(key), {**d.new(key.type), "id": key.id}),
            entry("DELETE", str(d.key())),
            entry("POST", of, d.new(of), ifNoneExist=criteria),
            entry("DELETE", f"{of}?{criteria}"),
            entry("GET", str(d.key())),
        ),
        prefer="return=representation",
    )


@kind("transaction")
def transaction(d: Draw) -> Asking:
    first, second = (
        "urn:uuid:aaaaaaaa-0000-4000-8000-000000000001",
        "urn:uuid:aaaaaaaa-0000-4000-8000-000000000002",
    )
    tree = d.new("Observation", PAYET)
    other = {**d.new("DocumentReference", PAYET), "context": {"related": [to(first)]}}
    yield post(
        "",
        bundle(
            "transaction",
            entry("POST", "Observation", tree, first),
            entry("POST", "DocumentReference", other, second),
            entry("GET", str(d.key())),
        ),
        prefer="return=representation",
    )


@kind("transaction with references")
def transaction_pointing(d: Draw) -> Asking:
    for target in (d.key(), d.lure()):
        tree = _pointing(d, target)
        yield post("", bundle("transaction", entry("POST", tree["resourceType"], tree)))


@kind("transaction with conditional references")
def transaction_conditional_references(d: Draw) -> Asking:
    of, criteria = _criteria(d)
    tree = _pointing(d, PAYET)
    name = next(name for name in ("context", "about", "entry", "focus") if name in tree)
    reference = {"reference": f"{of}?{criteria.partition('&')[0]}"}
    value: Any = [reference]
    if name == "context":
        value = {"related": [reference]}
    elif name == "entry":
        value = [{"item": reference}]
    yield post("", bundle("transaction", entry("POST", tree["resourceType"], {**tree, name: value})))


@kind("transaction under conditions")
def transaction_conditional(d: Draw) -> Asking:
    of, criteria = _criteria(d, *_CREATED)
    yield post("", bundle("transaction", entry("POST", of, d.new(of), ifNoneExist=criteria)))
    of, criteria = _criteria(d, *_CREATED)
    yield post("", bundle("transaction", entry("PUT", f"{of}?{criteria}", d.new(of))))
    given = {**d.new(of), "id": d.key(of).id}
    yield post("", bundle("transaction", entry("PUT", f"{of}?{criteria}", given)))
    yield post("", bundle("transaction", entry("DELETE", f"{of}?{criteria}")))


@kind("transaction of updates")
def transaction_updates(d: Draw) -> Asking:
    key, seen = d.key(*MAKERS), d.sight()
    entries = [entry("PUT", str(key), {**d.new(key.type), "id": key.id})]
    if seen and key_of(seen) != key:
        entries.append(entry("PUT", str(key_of(seen)), _changed(d, seen)))
    yield post("", bundle("transaction", *entries))
    yield post("", bundle("transaction", entry("DELETE", str(d.key())), entry("GET", str(d.key()))))


@kind("transaction of a new person")
def transaction_person(d: Draw) -> Asking:
    who = d.caller.actors[0] if d.caller.actors else Key("PractitionerRole", "guardian")
    person: Tree = {"resourceType": "Patient", "gender": "female"}
    made = {**circle(member(str(who), "2026-01-01")), "period": {"start": "2026-01-01"}}
    del made["id"]
    url = "urn:uuid:aaaaaaaa-0000-4000-8000-000000000003"
    yield post(
        "",
        bundle(
            "transaction",
            entry("POST", "Patient", person, url),
            entry("POST", "CareTeam", {**made, "subject": to(url)}),
        ),
    )
    key = d.lure("Patient")
    for about in (key, d.guess("Patient")):
        yield post(
            "",
            bundle(
                "transaction",
                entry("POST", "CareTeam", {**made, "subject": to(about)}),
                entry("PUT", str(about), {**person, "id": about.id}),
            ),
        )


@kind("transaction with conditions on versions")
def transaction_if_match(d: Draw) -> Asking:
    tree = d.tree(*MAKERS)
    if tree:
        yield post(
            "",
            bundle("transaction", entry("PUT", str(key_of(tree)), _changed(d, tree), ifMatch='W/"1"')),
        )
    yield post("", bundle("transaction", entry("GET", str(d.key()), ifNoneMatch='W/"1"')))


@kind("transaction with operations")
def transaction_operations(d: Draw) -> Asking:
    yield post(
        "",
        bundle(
            "transaction",
            entry("GET", f"{d.key()}/$meta"),
            entry("GET", f"{d.person()}/$everything?_count=5"),
            entry("GET", f"Observation?subject={d.person()}&_revinclude=*"),
        ),
    )


@kind("transaction of a file")
def transaction_file(d: Draw) -> Asking:
    tree = d.new("Observation", PAYET)
    yield post("", bundle("transaction", entry("POST", "Observation", tree)), x_import_file=IMPORTED_SHA256)


@kind("a document that is kept")
def document_kept(d: Draw) -> Asking:
    key = d.key("Composition")
    for _ in range(2):
        d.wrote((yield post(f"{key}/$document", parameters({"name": "persist", "valueBoolean": True}))))


# Operations that write ----------------------------------------------------------------------------------------------


def _member(target: Key) -> Tree:
    return {"name": "member", "valueReference": to(target)}


def _shown(d: Draw) -> Tree:
    """A person as somebody presents them: with a trait that nobody has, so that there is nothing to be told."""
    model = d.tree("Patient") or PATIENTS[0]
    kept = {name: value for name, value in model.items() if name not in {"id", "meta", "link"}}
    return {"name": "patient", "resource": {**kept, "birthDate": "1901-01-01"}}


@kind("$join")
def join(d: Draw) -> Asking:
    who = d.random.choice(("pharmacist", "cardiologist", "other"))
    yield post(f"{d.key('CareTeam')}/$join", parameters(_member(Key("PractitionerRole", who))))
    yield post(
        f"{d.key('CareTeam')}/$join", parameters(_member(d.key("RelatedPerson", "Patient", "CareTeam")))
    )
    yield post("CareTeam/$join", parameters(_shown(d)))


@kind("$leave")
def leave(d: Draw) -> Asking:
    yield post(f"{d.key('CareTeam')}/$leave", parameters())
    yield post(f"{d.key('CareTeam')}/$leave", parameters(_member(Key("PractitionerRole", "helper"))))


@kind("$emergency-access")
def emergency(d: Draw) -> Asking:
    reason: Tree = {"name": "reason", "valueString": "Trouvé inconscient à son domicile"}
    # Whoever breaks the glass of somebody hidden opens it: they are not hidden any more, and that is told.
    tree = d.sight("Patient")
    key = d.key("Patient") if URGENT_ROLES.isdisjoint(d.caller.roles) else key_of(tree) if tree else UNKNOWN
    yield post(f"{key}/$emergency-access", parameters(reason))
    yield post("Patient/$emergency-access", parameters(reason, _shown(d)))


@kind("invitations")
def invitations(d: Draw) -> Asking:
    for key in (d.key("Patient"), d.key("RelatedPerson", "Patient")):
        yield post(f"{key}/$withdraw-invitation", parameters())
        yield post(f"{key}/$invite", parameters())
    shown: list[Tree] = [
        {"name": "code", "valueString": "A" * 32},
        {"name": "birthDate", "valueDate": "1939-02-17"},
    ]
    yield post("$redeem-invitation", parameters(*shown))


@kind("$access-decision")
def decision(d: Draw) -> Asking:
    if d.caller.kind == "operator" or "dpo" in d.caller.roles:
        return  # whose tool it is: it explains what is hidden
    given: list[Tree] = [
        {"name": "kind", "valueCode": "professional"},
        {"name": "action", "valueCode": "read"},
        {"name": "reference", "valueReference": to(d.lure())},
    ]
    yield post("$access-decision", parameters(*given))


@kind("write with X-Provenance")
def provenance_header(d: Draw) -> Asking:
    said: Tree = {
        "resourceType": "Provenance",
        "recorded": "2026-10-02T08:00:00Z",
        "agent": [{"who": to(d.caller.actors[0] if d.caller.actors else PAYET)}],
    }
    if d.random.random() < 0.5:
        said["entity"] = [{"role": "source", "what": to(d.key())}]
    if d.random.random() < 0.3:
        said["target"] = [to(d.key())]
    tree = d.new("Observation", PAYET)
    d.wrote((yield post("Observation", tree, x_provenance=json.dumps(said))))
