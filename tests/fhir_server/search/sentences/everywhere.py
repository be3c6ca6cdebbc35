"""Parameters that every type has. https://hl7.org/fhir/R4/search.html#all"""

from __future__ import annotations

from typing import Any

from fhir_server.kernel.wire import Tree
from tests.fhir_server.interactions.performing import BASE
from tests.fhir_server.search.sentences.table import Chapter, coding, condition, named, one, says, to

CODES = "http://acme.org/codes"
SECRECY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
LIPID = "http://hl7.org/fhir/StructureDefinition/lipidprofile"
EVERYBODY = "anne Anne bert carl"


def report(id: str, **meta: Any) -> Tree:
    return one("DiagnosticReport", id, meta=meta, status="final", code={"text": "x"})


def story(id: str, words: str, **elements: Any) -> Tree:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml">{words}</div>'
    return condition(id, text={"status": "additional", "div": div}, **elements)


def listing(id: str, *entries: Tree) -> Tree:
    return one("List", id, status="current", mode="working", entry=list(entries))


CHAPTER = Chapter(
    "everywhere",
    (
        named("anne", "Payet", gender="female"),
        named("Anne", "Hoarau", gender="female"),
        named("bert", "Grondin", gender="male"),
        named("carl", "Boyer", gender="male"),
        report("tagged", tag=[coding(f"{CODES}|needs-review"), coding(f"{CODES}|urgent")]),
        report("urgent", tag=[coding(f"{CODES}|urgent")]),
        report("secret", security=[coding(f"{SECRECY}|R")]),
        report("lipid", profile=[LIPID]),
        report("lipid2", profile=[f"{LIPID}|2.0", "http://acme.org/StructureDefinition/own"]),
        report("ours", profile=[f"{BASE}/StructureDefinition/lipid|1.0"]),
        report("ours2", profile=["StructureDefinition/lipid"]),
        report("fed", source="http://acme.org/feed#1"),
        story("bone", "<p>Metastases in the <b>bone</b>, small ones.</p>"),
        story("liver", "<p>Metastases in the liver.</p>"),
        story("lung", "<p>Metastases in the lung.</p>"),
        story("stairs", "<p>Chute dans l'escalier</p>", note=[{"text": "Œdème du poignet"}]),
        listing(
            "circle",
            {"item": to("Patient/anne")},
            {"item": to("Patient/bert")},
            {"item": to("Patient/carl"), "deleted": True},
            {"item": to("Condition/bone")},
        ),
    ),
    (
        says(
            "id",
            "An id finds the one resource that has it",
            ("Patient?_id=bert", "bert"),
            ("Patient?_id=nobody", ""),
            ("Condition?_id=bert", ""),
            ("Patient?_id=bert,carl,nobody", "bert carl"),
            ("Patient?_id=bert&_id=carl", ""),
            ("Patient?_id=bert&gender=male", "bert"),
            ("Patient?_id=bert&gender=female", ""),
        ),
        says(
            "id",
            "An id is exact, by its case and to its end",
            ("Patient?_id=anne", "anne"),
            ("Patient?_id=Anne", "Anne"),
            ("Patient?_id=ANNE", ""),
            ("Patient?_id=ann", ""),
        ),
        says(
            "lastUpdated",
            "The last change is a date like others",
            ("Patient?_lastUpdated=gt2010-10-01", EVERYBODY),
            ("Patient?_lastUpdated=ge2010-10-01T00:00:00%2B04:00", EVERYBODY),
            ("Patient?_lastUpdated=lt2010-10-01", ""),
            ("Patient?_lastUpdated=sa2010", EVERYBODY),
            ("Patient?_lastUpdated=eb2999", EVERYBODY),
            ("Patient?_lastUpdated=2010", ""),
            ("Patient?_lastUpdated=ne2010", EVERYBODY),
            ("Patient?_lastUpdated=gt2010&_lastUpdated=lt2011", ""),
            ("Patient?_lastUpdated=2010,gt2020", EVERYBODY),
            ("Patient?_lastUpdated=yesterday", 400),
        ),
        says(
            "tag",
            "A tag is a token",
            (f"DiagnosticReport?_tag={CODES}|needs-review", "tagged"),
            ("DiagnosticReport?_tag=urgent", "tagged urgent"),
            (f"DiagnosticReport?_tag={CODES}|", "tagged urgent"),
            ("DiagnosticReport?_tag=|urgent", ""),
            ("DiagnosticReport?_tag:not=needs-review&_tag=urgent", "urgent"),
            ("DiagnosticReport?_tag:missing=true", "secret lipid lipid2 ours ours2 fed"),
        ),
        says(
            "security",
            "A security label is a token",
            (f"DiagnosticReport?_security={SECRECY}|R", "secret"),
            ("DiagnosticReport?_security=R", "secret"),
            (f"DiagnosticReport?_security={SECRECY}|V", ""),
        ),
        says(
            "profile",
            "A profile is found by its url, with the version or without",
            (f"DiagnosticReport?_profile={LIPID}", "lipid lipid2"),
            (f"DiagnosticReport?_profile={LIPID}|2.0", "lipid2"),
            (f"DiagnosticReport?_profile={LIPID}|3.0", ""),
            ("DiagnosticReport?_profile=http://acme.org/StructureDefinition/own", "lipid2"),
            ("DiagnosticReport?_profile:below=http://acme.org", "lipid2"),
            ("DiagnosticReport?_profile:missing=false", "lipid lipid2 ours ours2"),
        ),
        says(
            "profile",
            "A profile of this server is the same, relative or absolute",
            ("DiagnosticReport?_profile=StructureDefinition/lipid", "ours ours2"),
            (f"DiagnosticReport?_profile={BASE}/StructureDefinition/lipid", "ours ours2"),
            (
                f"DiagnosticReport?_profile={BASE.replace('https', 'http')}/StructureDefinition/lipid",
                "ours ours2",
            ),
            ("DiagnosticReport?_profile=StructureDefinition/lipid|1.0", "ours"),
            ("DiagnosticReport?_profile=StructureDefinition/lipidprofile", ""),
            ("DiagnosticReport?_filter=_profile eq StructureDefinition/lipid", "ours ours2"),
        ),
        says(
            "all",
            "A source is found by its uri",
            ("DiagnosticReport?_source=http://acme.org/feed#1".replace("#", "%23"), "fed"),
            ("DiagnosticReport?_source=http://acme.org/feed", ""),
            ("DiagnosticReport?_source:below=http://acme.org", "fed"),
        ),
        says(
            "list",
            "A list names its members, those that it struck out excepted",
            ("Patient?_list=circle", "anne bert"),
            ("Condition?_list=circle", "bone"),
            ("Patient?_list=nothing", ""),
            ("Patient?_list=circle&gender=female", "anne"),
            ("Patient?_list=circle&_id=carl", ""),
            ("Condition?_list=$current-problems", 400),
        ),
        says(
            "text",
            "Words of the narrative are found, in any order",
            ("Condition?_text=bone", "bone"),
            ("Condition?_text=metastases", "bone liver lung"),
            ("Condition?_text=bone metastases", "bone"),
            ("Condition?_text=BONE", "bone"),
            ("Condition?_text=escalier", "stairs"),
            ("Condition?_text=poignet", ""),
            ("Condition?_text=div", ""),
        ),
        says(
            "text",
            "Words can be joined by and, or, and parentheses",
            ("Condition?_text=(bone OR liver) and metastases", "bone liver"),
            ("Condition?_text=bone or lung", "bone lung"),
            ("Condition?_text=metastases and not liver", "bone lung"),
            ('Condition?_text="in the liver"', "liver"),
            ('Condition?_text="liver the in"', ""),
        ),
        says(
            "content",
            "The content is all of the resource",
            ("Condition?_content=poignet", "stairs"),
            ("Condition?_content=oedeme", "stairs"),
            ("Condition?_content=bone", "bone"),
            ("Patient?_content=payet", "anne"),
            ("Patient?_content=payet or boyer", "anne carl"),
        ),
        says(
            "errors",
            "What nothing can meet finds nothing, without an error",
            ("Condition?code=http://loinc.org|1234-1", ""),
            ("Condition?onset-date=le1995", ""),
            ("Condition?subject=101", ""),
            ("Condition?patient.identifier=http://acme.org/mrn|123456", ""),
        ),
        says(
            "query",
            "A named query that nobody defined is refused",
            ("Patient?_query=current-high-risk", 400),
            ("Patient?_query=current-high-risk&gender=male", 400),
        ),
        says(
            "table",
            "The names of parameters have a case",
            ("Patient?Gender=male", 400),
            ("Patient?_ID=bert", 400),
        ),
    ),
)
