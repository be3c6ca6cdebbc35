"""What codes say about the data they stand on: document types, forms, and codes of health, as tables.

Three tables come with the server, holding what is known; an operator may give others of the same columns:

- documents: `code,system,display,category`, and a column `ROLE_read` for each role to whom some types are refused
  although it reads the category (`yes` or `no`);
- forms: the category of a QuestionnaireResponse, by the canonical of its Questionnaire without version;
- codes: `system,code,match,meaning,reason`; `match` is `is` or `begins` (an empty code begins all of its system), and
  `meaning` a category or the label `partage-social`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from fhir_server.access.cells import CATEGORIES, Cells
from fhir_server.access.matrix import ROLES
from fhir_server.access.shipped import BadTable, Row, rows_of, shipped
from fhir_server.kernel.values import immutable

SHARED: Final = "partage-social"

_DOCUMENTS: Final = ("code", "system", "display", "category")
_FORMS: Final = ("questionnaire", "category")
_CODES: Final = ("system", "code", "match", "meaning", "reason")
# A prescription written as a MedicationRequest is refused to whom the document would be.
_PRESCRIPTION: Final = ("http://loinc.org", "57833-6")
_READ: Final = "_read"


@immutable
class DocumentType:
    category: str
    refused: frozenset[str] = frozenset()


@immutable
class Tables:
    """Documents and codes by (system, code); `beginnings`: by system, (how codes begin, meaning)."""

    documents: Mapping[tuple[str, str], DocumentType]
    forms: Mapping[str, str]
    codes: Mapping[tuple[str, str], str]
    beginnings: Mapping[str, tuple[tuple[str, str], ...]]

    def meanings(self, system: str, code: str) -> Iterator[str]:
        """Every category and label that a code asks for."""
        exact = self.codes.get((system, code))
        if exact is not None:
            yield exact
        for beginning, meaning in self.beginnings.get(system, ()):
            if code.startswith(beginning):
                yield meaning

    @property
    def refused_prescriptions(self) -> frozenset[str]:
        """The roles to whom prescriptions are refused."""
        known = self.documents.get(_PRESCRIPTION)
        return known.refused if known else frozenset()

    def cells(self) -> Cells:
        """The numbering that these tables ask for."""
        refusals = {(known.category, known.refused) for known in self.documents.values()}
        return Cells({*refusals, ("sante", self.refused_prescriptions)})


@cache
def shipped_tables() -> Tables:
    """The tables that come with the server."""
    return tables_of(shipped("documents"), shipped("forms"), shipped("codes"))


def tables_of(documents: bytes, forms: bytes, codes: bytes) -> Tables:
    """The tables that three CSVs are. Raises `BadTable`, which says where and what would be right."""
    exact: dict[tuple[str, str], str] = {}
    beginnings: dict[str, list[tuple[str, str]]] = {}
    for line, row in rows_of("codes", codes, _CODES):
        meaning = _word("codes", line, row, "meaning", (*CATEGORIES, SHARED))
        if _word("codes", line, row, "match", ("is", "begins")) == "is":
            exact[row["system"], row["code"]] = meaning
        else:
            beginnings.setdefault(row["system"], []).append((row["code"], meaning))
    return Tables(
        documents=dict(_documents(documents)),
        forms={
            row["questionnaire"]: _word("forms", line, row, "category", CATEGORIES)
            for line, row in rows_of("forms", forms, _FORMS)
        },
        codes=exact,
        beginnings={system: tuple(found) for system, found in beginnings.items()},
    )


def _documents(data: bytes) -> Iterator[tuple[tuple[str, str], DocumentType]]:
    head = data.decode("utf-8-sig", "replace").partition("\n")[0].strip().split(",")
    columns = head[len(_DOCUMENTS) :]
    roles = {column: column.removesuffix(_READ) for column in columns}
    for column, role in roles.items():
        if not column.endswith(_READ) or role not in ROLES:
            raise BadTable(
                "documents",
                1,
                f"the columns after '{_DOCUMENTS[-1]}' are `ROLE{_READ}`, of a role of the matrix",
            )
    for line, row in rows_of("documents", data, (*_DOCUMENTS, *columns)):
        refused = {
            role
            for column, role in roles.items()
            if _word("documents", line, row, column, ("yes", "no")) == "no"
        }
        category = _word("documents", line, row, "category", CATEGORIES)
        yield (row["system"], row["code"]), DocumentType(category, frozenset(refused))


def _word(name: str, line: int, row: Row, column: str, words: tuple[str, ...]) -> str:
    if row[column] not in words:
        raise BadTable(name, line, f"column '{column}' has one of {', '.join(words)}")
    return row[column]
