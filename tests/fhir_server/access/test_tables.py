"""Tables of document types, forms and codes."""

from __future__ import annotations

import csv
import io
from importlib.resources import files

import pytest

from fhir_server.access.roles import roles_of
from fhir_server.access.shipped import BadTable, shipped
from fhir_server.access.tables import DocumentType, shipped_tables, tables_of

LOINC = "http://loinc.org"
ICD = "http://hl7.org/fhir/sid/icd-10"
COORDINATOR = frozenset({"coordonnateur"})
DOCUMENTS = b"code,system,display,category\n"
FORMS = b"questionnaire,category\n"
CODES = b"system,code,match,meaning,reason\n"


def test_the_shipped_documents_say_what_is_refused_to_coordinators() -> None:
    documents = shipped_tables().documents

    assert documents[LOINC, "34112-3"] == DocumentType("sante", COORDINATOR)
    assert documents[LOINC, "60591-5"] == DocumentType("sante")
    refused = {code for (_, code), known in documents.items() if known.refused}
    assert {"15507-7", "BIL_AUTO", "34794-8", "11506-3", "89601-9", "CERT_DECL", "57828-6"} <= refused
    assert {code for _, code in documents if code.startswith("PRESC-")} <= refused


def test_every_row_of_the_document_table_is_known() -> None:
    rows = list(csv.DictReader(io.StringIO(shipped("documents").decode())))

    for row in rows:
        known = shipped_tables().documents[row["system"], row["code"]]
        assert known.category == row["category"]
        assert ("coordonnateur" in known.refused) == (row["coordonnateur_read"] == "no")


def test_prescriptions_are_refused_to_whom_their_documents_are() -> None:
    assert shipped_tables().refused_prescriptions == COORDINATOR
    assert tables_of(DOCUMENTS, FORMS, CODES).refused_prescriptions == frozenset()


def test_the_numbering_has_a_cell_for_each_refusal() -> None:
    cells = shipped_tables().cells()

    for known in shipped_tables().documents.values():
        assert cells.of(known.category, known.refused) > 0


@pytest.mark.parametrize(
    ("system", "code", "meanings"),
    [
        (ICD, "F20.0", ["sante-sensible"]),
        (ICD, "F00.1", []),  # dementia is shared
        (ICD, "F84.0", []),  # so are disorders of development
        (ICD, "F32.1", ["sante-sensible"]),
        (ICD, "B20", ["sante-sensible"]),
        (ICD, "E11", []),
        (ICD, "R29.6", ["partage-social"]),
        ("http://snomed.info/sct", "86406008", ["sante-sensible"]),
        ("http://snomed.info/sct", "864060081", []),
        (LOINC, "59460-6", ["partage-social"]),
        ("http://www.whocc.no/atc", "N07BC02", ["sante-sensible"]),
        ("https://cordee.example/fhir/CodeSystem/evaluation", "gir", ["autonomie"]),
        ("", "F20", []),
    ],
)
def test_a_code_means_what_the_table_says(system: str, code: str, meanings: list[str]) -> None:
    assert list(shipped_tables().meanings(system, code)) == meanings


def test_forms_have_categories() -> None:
    forms = shipped_tables().forms

    assert forms["https://cordee.example/fhir/Questionnaire/aggir"] == "autonomie"
    assert forms["https://cordee.example/fhir/Questionnaire/geva-8"] == "autonomie"
    assert forms["https://cordee.example/fhir/Questionnaire/pathos"] == "sante"
    assert forms["https://cordee.example/fhir/Questionnaire/ressources-budget"] == "administratif"


def test_an_operator_may_refuse_types_to_other_roles() -> None:
    head = b"code,system,display,category,medecin_read,pharmacien_read\n"
    documents = head + b"1,s,One,social,no,no\n2,s,Two,plan,yes,no\n"

    tables = tables_of(documents, FORMS, CODES)

    assert tables.documents["s", "1"] == DocumentType("social", frozenset({"medecin", "pharmacien"}))
    assert tables.documents["s", "2"] == DocumentType("plan", frozenset({"pharmacien"}))
    assert tables.cells().of("social", {"medecin", "pharmacien"}) == 23


@pytest.mark.parametrize(
    ("documents", "forms", "codes", "text"),
    [
        (
            b"code,system,display,category,x_read\n",
            FORMS,
            CODES,
            "documents, line 1: the columns after 'category'",
        ),
        (b"code,system,display,category,medecin\n", FORMS, CODES, "documents, line 1: the columns after"),
        (b"code,system,category\n", FORMS, CODES, "documents, line 1: the columns are code, system, display"),
        (DOCUMENTS + b"1,s,One,other\n", FORMS, CODES, "documents, line 2: column 'category' has one of"),
        (
            b"code,system,display,category,medecin_read\n1,s,One,plan,perhaps\n",
            FORMS,
            CODES,
            "documents, line 2: column 'medecin_read' has one of yes, no",
        ),
        (DOCUMENTS, FORMS + b"q,other\n", CODES, "forms, line 2: column 'category' has one of"),
        (DOCUMENTS, FORMS, CODES + b"s,1,is,other,\n", "codes, line 2: column 'meaning' has one of"),
        (
            DOCUMENTS,
            FORMS,
            CODES + b"s,1,ends,sante,\n",
            "codes, line 2: column 'match' has one of is, begins",
        ),
    ],
)
def test_a_table_that_says_something_else_is_refused(
    documents: bytes, forms: bytes, codes: bytes, text: str
) -> None:
    with pytest.raises(BadTable) as caught:
        tables_of(documents, forms, codes)

    assert text in str(caught.value)


def test_the_published_maps_say_the_same() -> None:
    """What clients may ask for as ConceptMaps is what decides."""
    folder = files("terminology.data")
    documents = concept_map((folder / "document-to-category.csv").read_text(encoding="utf-8"))
    roles = concept_map((folder / "profession-to-role.csv").read_text(encoding="utf-8"))

    assert documents == {place: known.category for place, known in shipped_tables().documents.items()}
    for (system, code), role in roles.items():
        source = "role" if "TRE_R85" in system else "cda:author"
        assert roles_of(source, system, code) == (role,)


def concept_map(text: str) -> dict[tuple[str, str], str]:
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("# "))
    return {(row["source"], row["code"]): row["target_code"] for row in rows}
