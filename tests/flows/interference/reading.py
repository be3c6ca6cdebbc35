"""Kinds of requests that change nothing: reads, histories, searches and operations that only ask."""

from __future__ import annotations

from typing import Any, Final

from fhir_server.definitions.targets import local_key
from fhir_server.interactions.references import references_in
from fhir_server.kernel.wire import Tree
from tests.circles import to
from tests.flows.interference.asking import (
    Asking,
    Draw,
    bundle,
    entry,
    get,
    kind,
    paged,
    parameters,
    post,
    search,
)
from tests.flows.interference.speaking import Request
from tests.flows.interference.world import CODES, DAYS, IDENTIFIERS, INS, LOINC, MAKERS, WORDS

_CLINICAL: Final = ("Observation", "Condition", "DocumentReference", "MedicationRequest", "CarePlan")
_REFERRING: Final = {
    "Observation": ("subject", "has-member", "performer", "focus"),
    "Condition": ("subject", "evidence-detail"),
    "DocumentReference": ("subject", "related", "author"),
    "List": ("item", "subject"),
    "Composition": ("entry", "subject"),
    "CarePlan": ("goal", "subject"),
    "Task": ("focus", "patient", "owner"),
    "Provenance": ("target",),
    "Group": ("member",),
    "CareTeam": ("participant", "subject"),
    "Communication": ("subject", "sender"),
}


# Instances -----------------------------------------------------------------------------------------------------------


@kind("read")
def read(d: Draw) -> Asking:
    yield get(str(d.key()))


@kind("read as XML")
def read_xml(d: Draw) -> Asking:
    yield get(str(d.key()), accept="application/fhir+xml")


@kind("HEAD")
def head(d: Draw) -> Asking:
    yield Request("HEAD", str(d.key()))
    yield Request("HEAD", f"{d.type()}?_summary=count")


@kind("read if changed")
def read_conditional(d: Draw) -> Asking:
    yield get(str(d.key()), if_none_match=f'W/"{d.random.choice((1, 2))}"')
    yield get(str(d.key()), if_modified_since="Thu, 01 Jan 2026 00:00:00 GMT")


@kind("vread")
def vread(d: Draw) -> Asking:
    key = d.key()
    for version in (1, 2, 3):
        yield get(f"{key}/_history/{version}")


@kind("read with _elements")
def read_elements(d: Draw) -> Asking:
    yield get(f"{d.key()}?_elements=subject,identifier")
    yield get(f"{d.key()}?_summary={d.random.choice(('true', 'text', 'data'))}")


@kind("history of an instance")
def history_instance(d: Draw) -> Asking:
    yield get(f"{d.key()}/_history")


@kind("history of a type")
def history_type(d: Draw) -> Asking:
    yield from paged(get(f"{d.type()}/_history?_count=3"))


@kind("history of the system")
def history_system(d: Draw) -> Asking:
    yield from paged(get("_history?_count=40"))


@kind("history since")
def history_since(d: Draw) -> Asking:
    since = d.random.choice(("2026-10-01T08:00:30Z", "2026-10-01T08:02:00Z", "2026-10-02"))
    yield from paged(get(f"{d.random.choice((d.type() + '/', ''))}_history?_since={since}&_count=10"))


@kind("history at")
def history_at(d: Draw) -> Asking:
    moment = d.random.choice(("2026-10-01T08:01", "2026-10-01", "2026-10-02"))
    yield get(f"{d.random.choice((d.type(), str(d.key())))}/_history?_at={moment}")


@kind("history count")
def history_count(d: Draw) -> Asking:
    yield get(f"{d.type()}/_history?_summary=count")
    yield get(f"{d.key()}/_history?_count=0")


# Searches ------------------------------------------------------------------------------------------------------------


@kind("search all")
def search_all(d: Draw) -> Asking:
    yield from paged(search(d.type(), ("_count", 2)))


@kind("search of the system")
def search_system(d: Draw) -> Asking:
    types = ",".join(sorted({d.type(), d.type(), "Patient"}))
    yield from paged(search("", ("_type", types), ("_count", 7)))


@kind("search by string")
def search_string(d: Draw) -> Asking:
    name = d.random.choice(("family", "family:exact", "family:contains", "name", "given"))
    yield search("Patient", (name, d.random.choice(("Payet", "Le", "Mo", "Madeleine"))))


@kind("search by identifier")
def search_identifier(d: Draw) -> Asking:
    tree = d.tree(*[one for one in MAKERS if one not in {"Binary", "Provenance"}])
    found = tree.get("identifier", [])
    value = (found if isinstance(found, dict) else found[0])["value"] if found else "none"
    text = d.random.choice((f"{IDENTIFIERS}|{value}", value, f"{IDENTIFIERS}|"))
    yield search(tree.get("resourceType", "Observation"), ("identifier", text))


@kind("search by INS")
def search_ins(d: Draw) -> Asking:
    for value in ("239027618812345", "239027618812346"):
        yield search("Patient", ("identifier", f"{INS}|{value}"), ("_total", "accurate"))


@kind("search by code")
def search_code(d: Draw) -> Asking:
    modifier = d.random.choice(("", ":not", ":text"))
    value = d.random.choice(WORDS if modifier == ":text" else CODES)
    kind = d.random.choice(("Observation", "Condition", "AllergyIntolerance", "Flag"))
    yield search(kind if kind != "Flag" else "Observation", (f"code{modifier}", value))


@kind("search by value set")
def search_in(d: Draw) -> Asking:
    yield search("Patient", ("gender:in", "http://hl7.org/fhir/ValueSet/administrative-gender"))
    yield search("Observation", ("code:not-in", "http://hl7.org/fhir/ValueSet/observation-vitalsignresult"))


@kind("search by date")
def search_date(d: Draw) -> Asking:
    prefix = d.random.choice(("", "ge", "lt", "ne", "ap"))
    yield search("Observation", ("date", f"{prefix}{d.random.choice(DAYS)}"))


@kind("search by quantity")
def search_quantity(d: Draw) -> Asking:
    yield search(
        "Observation",
        ("value-quantity", d.random.choice(("60", "gt60||kg", "60|http://unitsofmeasure.org|kg"))),
    )
    yield search("Observation", ("code-value-quantity", f"{LOINC}|{d.random.choice(CODES)}$60"))


@kind("search by reference")
def search_reference(d: Draw) -> Asking:
    tree = d.tree(*_REFERRING)
    holder = tree.get("resourceType", "Observation")
    keys = [key for _, text in references_in(tree) if (key := local_key(text)) is not None]
    key = d.random.choice(keys or [d.key()])
    for name in _REFERRING[holder]:
        yield search(holder, (name, d.random.choice((str(key), key.id))), ("_total", "accurate"))


@kind("list of a person")
def list_of_person(d: Draw) -> Asking:
    """These are read with their traces, if there is an audit log."""
    holder = d.random.choice(("Observation", "DocumentReference", "Condition", "Consent", "CareTeam", "Task"))
    yield search(holder, ("patient", d.random.choice((str(d.person()), d.person().id))))
    yield search("Observation", ("subject", str(d.person())), ("_count", d.random.choice((1, 2, 20))))


@kind("search by reference to an identifier")
def search_reference_identifier(d: Draw) -> Asking:
    yield search("Observation", ("subject:identifier", f"{IDENTIFIERS}|payet"))
    yield search("Observation", ("subject.identifier", f"{IDENTIFIERS}|{d.person().id}"))


@kind("search by _id")
def search_id(d: Draw) -> Asking:
    keys = [d.key(d.type()) for _ in range(3)]
    yield search(keys[0].type, ("_id", ",".join(key.id for key in keys)), ("_total", "accurate"))


@kind("search by _lastUpdated")
def search_updated(d: Draw) -> Asking:
    for value in ("gt2026-10-01T08:01:00Z", "lt2026-10-01T08:01:00Z", "ge2026-10-02"):
        yield search(d.type(), ("_lastUpdated", value))


@kind("search by labels")
def search_labels(d: Draw) -> Asking:
    yield search(d.type(), ("_security", d.random.choice(("V", "MASQUE_PS", "sante", "partage-social"))))
    yield search(d.type(), ("_profile:missing", "true"), ("_tag:missing", "true"))


@kind("search by _text")
def search_text(d: Draw) -> Asking:
    name = d.random.choice(("_text", "_content"))
    yield search(d.random.choice(_CLINICAL), (name, d.random.choice(WORDS)), ("_total", "accurate"))


@kind("search by :missing")
def search_missing(d: Draw) -> Asking:
    holder = d.random.choice(sorted(_REFERRING))
    name = d.random.choice(_REFERRING[holder])
    yield search(holder, (f"{name}:missing", d.random.choice(("true", "false"))))


@kind("search by composite and several")
def search_several(d: Draw) -> Asking:
    yield search(
        "Observation",
        ("subject", f"{d.person()},{d.person()}"),
        ("code", ",".join(d.random.sample(CODES, 2))),
        ("date", "ge2026-09-01"),
    )


@kind("search by _filter")
def search_filter(d: Draw) -> Asking:
    person, value = d.person(), d.random.choice(CODES)
    for text in (
        f"subject eq {person} and code eq {value}",
        f"not (code eq {value})",
        "subject.family co Pay",
        f"(has-member pr true) or (code eq {value})",
    ):
        yield search("Observation", ("_filter", text))


@kind("search by _list")
def search_list(d: Draw) -> Asking:
    yield search(d.type(), ("_list", d.key("List").id))


@kind("search by _has")
def search_has(d: Draw) -> Asking:
    value = d.random.choice(CODES)
    yield search("Patient", (f"_has:{d.random.choice(('Observation', 'Condition'))}:subject:code", value))
    yield search("Observation", ("_has:Observation:has-member:code", value))
    yield search("Observation", ("_has:List:item:_id", d.key("List").id))


@kind("search by :not _has")
def search_has_of_has(d: Draw) -> Asking:
    yield search("Patient", ("_has:Observation:subject:_has:Provenance:target:_id", d.key("Provenance").id))
    yield search("Goal", ("_has:CarePlan:goal:status", "active"))


@kind("search by a chain")
def search_chain(d: Draw) -> Asking:
    person = d.person()
    yield search("Observation", ("subject:Patient._id", person.id))
    yield search("Observation", ("has-member:Observation.code", d.random.choice(CODES)))
    yield search("DocumentReference", ("subject:Patient.family", d.random.choice(("Pay", "Le", "Mo"))))


@kind("search by a long chain")
def search_chains(d: Draw) -> Asking:
    yield search("Observation", ("has-member:Observation.subject:Patient._id", d.person().id))
    yield search(
        "DocumentReference", ("related:Observation.has-member:Observation._id", d.key("Observation").id)
    )
    yield search("List", ("item:Observation.code", d.random.choice(CODES)))


@kind("search without a chain")
def search_no_chain(d: Draw) -> Asking:
    value = d.random.choice(CODES)
    yield search("Observation", ("_filter", f"not (has-member.code eq {value})"))
    yield search("Observation", ("code:not", value), ("has-member:missing", "false"))


@kind("sort")
def sort(d: Draw) -> Asking:
    name = d.random.choice(("date", "-date", "_id", "-_lastUpdated", "code", "value-quantity", "-code,date"))
    yield from paged(search("Observation", ("_sort", name), ("_count", 2)))


@kind("sort by text")
def sort_text(d: Draw) -> Asking:
    yield from paged(search("Patient", ("_sort", "family,-birthdate"), ("_count", 1)))
    yield from paged(search("CarePlan", ("_sort", d.random.choice(("subject", "identifier"))), ("_count", 2)))


@kind("total")
def total(d: Draw) -> Asking:
    for asked in ("accurate", "estimate", "none"):
        yield search(d.type(), ("_total", asked), ("_count", 2))
    yield search(d.type(), ("_count", 2))


@kind("count")
def count(d: Draw) -> Asking:
    yield search(d.type(), ("_summary", "count"))
    yield search(d.type(), ("_count", 0))
    yield search("", ("_summary", "count"))


@kind("search with _elements")
def search_elements(d: Draw) -> Asking:
    yield search(d.type(), ("_elements", "identifier,subject"), ("_count", 3))
    yield search(d.type(), ("_summary", d.random.choice(("true", "text"))), ("_count", 3))


@kind("_include")
def include(d: Draw) -> Asking:
    holder = d.random.choice(sorted(_REFERRING))
    name = d.random.choice(_REFERRING[holder])
    yield from paged(search(holder, ("_include", f"{holder}:{name}"), ("_count", 4)))


@kind("_include:iterate")
def include_iterate(d: Draw) -> Asking:
    yield search(
        d.random.choice(("Provenance", "List", "DocumentReference")),
        ("_include", "*"),
        ("_include:iterate", "Observation:has-member"),
        ("_include:iterate", "*:subject"),
        ("_count", 50),
    )


@kind("_revinclude")
def revinclude(d: Draw) -> Asking:
    holder = d.random.choice(sorted(_REFERRING))
    name = d.random.choice(_REFERRING[holder])
    yield search(d.type(), ("_revinclude", f"{holder}:{name}"))
    yield search(d.type(), ("_revinclude", "*"), ("_count", 3))


@kind("_revinclude:iterate")
def revinclude_iterate(d: Draw) -> Asking:
    yield search(
        "Patient",
        ("_id", d.person().id),
        ("_revinclude", "Observation:subject"),
        ("_revinclude:iterate", "Observation:has-member"),
        ("_revinclude:iterate", "Provenance:target"),
    )


@kind("compartment")
def compartment(d: Draw) -> Asking:
    yield from paged(get(f"{d.person()}/{d.random.choice((*_CLINICAL, '*'))}?_count=15"))
    yield get(f"Practitioner/nurse/{d.random.choice(_CLINICAL)}")
    yield get(f"{d.key('Encounter')}/Observation")


@kind("search by POST")
def search_post(d: Draw) -> Asking:
    form = {"content_type": "application/x-www-form-urlencoded"}
    key = d.key()
    yield post(f"{key.type}/_search", f"_lastUpdated=ge2026-01-01&_count=3&_id={key.id}", **form)


@kind("searches that are refused")
def search_refused(d: Draw) -> Asking:
    yield get(f"{d.type()}?subjcet={d.person()}", prefer="handling=strict")
    yield search(d.type(), ("_cursor", "AAAA"))
    yield search("Observation", ("subject:Patient.unknown", "x"))
    yield search("Observation", ("__explain", "true"))


@kind("searches in a batch")
def search_batch(d: Draw) -> Asking:
    yield post(
        "",
        bundle(
            "batch",
            entry("GET", f"{d.type()}?_count=5"),
            entry("GET", str(d.key())),
            entry("HEAD", str(d.key())),
            entry("GET", f"{d.key()}/_history"),
            entry("GET", f"Observation?subject={d.person()}&_include=*"),
        ),
    )


# Operations ----------------------------------------------------------------------------------------------------------


@kind("Patient/$everything")
def everything(d: Draw) -> Asking:
    query = d.random.choice(("", "?_count=20", "?_type=Observation,Provenance", "?start=2026-09-02"))
    yield from paged(get(f"{d.person()}/$everything{query}"))


@kind("$everything of all")
def everything_all(d: Draw) -> Asking:
    yield from paged(get("Patient/$everything?_count=40"))


@kind("$everything of a circle")
def everything_circle(d: Draw) -> Asking:
    yield from paged(get(f"{d.key('CareTeam')}/$everything?_count=40"))


@kind("$document")
def document(d: Draw) -> Asking:
    yield get(f"{d.key('Composition')}/$document")


@kind("$lastn")
def lastn(d: Draw) -> Asking:
    yield get(
        f"Observation/$lastn?subject={d.person()}&category=vital-signs&max=2&_include=Observation:has-member"
    )


@kind("$meta")
def meta(d: Draw) -> Asking:
    yield get(d.random.choice(("$meta", f"{d.type()}/$meta")))
    yield get(f"{d.key()}/$meta")
    yield get(f"{d.key()}/_history/1/$meta")


@kind("$validate")
def validate(d: Draw) -> Asking:
    tree = {**d.new(), "basedOn": [to(d.key())]} if d.random.random() < 0.3 else d.new()
    if tree["resourceType"] == "Observation":
        tree["hasMember"] = [to(d.key("Observation")), to(d.lure("Observation"))]
    yield post(f"{tree['resourceType']}/$validate?mode=create", tree)
    key = d.key(tree["resourceType"])
    yield post(f"{key}/$validate?mode=update", {**tree, "id": key.id})


@kind("$validate what is there")
def validate_there(d: Draw) -> Asking:
    yield get(f"{d.key()}/$validate")


@kind("$validate a deletion")
def validate_delete(d: Draw) -> Asking:
    yield get(f"{d.key()}/$validate?mode=delete")
    yield get("Patient/payet/$validate?mode=delete")
    yield get("Practitioner/other/$validate?mode=delete")


@kind("$validate against a profile")
def validate_profile(d: Draw) -> Asking:
    tree = d.new("Observation")
    tree["hasMember"] = [to(d.key("Observation"))]
    profile = "http://hl7.org/fhir/StructureDefinition/vitalsigns"
    yield post(f"Observation/$validate?profile={profile}", tree)


@kind("$fhirpath")
def fhirpath(d: Draw) -> Asking:
    tree: Tree = {
        "resourceType": "List",
        "status": "current",
        "mode": "working",
        "entry": [{"item": to(one)} for one in (d.key(), d.lure(), d.guess())],
    }
    for expression in (
        "entry.item.resolve().id",
        "entry.item.select(resolve().exists())",
        "entry.item.resolve().ofType(Observation).hasMember.resolve().id",
    ):
        given: list[dict[str, Any]] = [
            {"name": "expression", "valueString": expression},
            {"name": "resource", "resource": tree},
        ]
        yield post("$fhirpath", parameters(*given))


@kind("$expand")
def expand(d: Draw) -> Asking:
    url = "http://hl7.org/fhir/ValueSet/administrative-gender"
    yield get(f"ValueSet/$expand?url={url}")
    yield get("ValueSet/$expand?context=Patient.gender&contextDirection=incoming")


@kind("metadata")
def metadata(d: Draw) -> Asking:
    yield get("metadata")
    yield Request("OPTIONS", d.type())


@kind("addresses that are none")
def nowhere(d: Draw) -> Asking:
    yield get(f"Patint/{d.key().id}")
    yield get(f"{d.key()}/Observation/{d.key().id}")
    yield get(f"{d.key()}/$nothing")
