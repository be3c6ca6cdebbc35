"""The stamp of a version: what decides who sees it, of what the resource says, who writes it and what was before.

Its cell is the category that a rule gives it (`categories.py`), with two rulings above: what no rule covers and no
person is in is for operators; and confidentiality `R` or `V` needs the cell `sante-sensible` as well, whatever the
category.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fhir_server.access.caller import Caller
from fhir_server.access.categories import ACTORS, DEFINITIONS, cell_of, is_product, is_sensitive
from fhir_server.access.cells import PARTIES, Cell, Cells, Part
from fhir_server.access.marks import ARCHIVED, SENSITIVE, labels_of
from fhir_server.access.parties import Parties, organisation_in, parties_of
from fhir_server.access.reading import codes_of, ours, values
from fhir_server.access.roles import DIRECTORY, OPERATOR
from fhir_server.access.strictest import strictest
from fhir_server.access.subjects import persons_of
from fhir_server.access.tables import Tables
from fhir_server.definitions.targets import local_key
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import OPERATORS, PUBLIC, Label, Stamp

# Where no person is in them, they are for those they name.
PERSONLESS: Final = frozenset(
    {"Appointment", "AppointmentResponse", "CommunicationRequest", "MeasureReport", "Schedule", "Slot"}
    | {"Subscription"}
)

_SEVERAL: Final = int(Label.SEVERAL)
_VERIFIED: Final = int(Label.VERIFIED)
_URGENT: Final = int(Label.URGENCE)
_HOLD: Final = "gel"  # stops a purge: operators' work, whoever it is about


def stamp_of(
    tree: Tree,
    cells: Cells,
    tables: Tables,
    *,
    creator: Caller | None = None,
    previous: Stamp | None = None,
    inherited: Sequence[Stamp] = (),
    bases: tuple[str, ...] = (),
) -> Stamp:
    """The stamp of one version of a resource. It needs an id.

    `creator`: who writes it; None: the server itself, for an operator. `previous`: of the version before: it keeps the
    authors and the owner of what says none. `inherited`: of a Provenance, the stamps of its targets; of a Binary, of
    what refers to it; of a Media, of the Communication it belongs to. `bases`: the server's own base URLs.
    """
    resource_type = tree["resourceType"]
    if resource_type == "Bundle":
        return _bundled(tree, cells, tables, creator, previous, bases)
    cell = cell_of(tree, tables)
    persons = persons_of(tree, bases)
    labels = labels_of(tree, tables)  # a plain number from here on
    parties = _with_writer(
        parties_of(tree, bases, action=cell is not None and cell.part is Part.ACTION), creator, previous
    )
    if cell is not None and cell.category == "sollicitation":
        parties = _keeping_teams(parties, previous)
    owner = previous.owner if previous else None
    if owner is None:
        owner = creator.organisation if creator and creator.organisation else organisation_in(tree, bases)
    if resource_type in ACTORS and _is_verified(creator, previous):
        labels |= _VERIFIED
    number, sensitive = _number(tree, cell, cells, tables, labels, persons)
    labels = labels | SENSITIVE if sensitive else labels & ~SENSITIVE
    if len(persons) > 1:
        labels |= _SEVERAL
    if labels & ARCHIVED:
        parties = Parties((), ())  # what is archived is nobody's own: the person alone sees it
    stamp = Stamp(number, labels, persons, parties.all, parties.authors, owner)
    return _inheriting(stamp, resource_type, inherited, cells) if inherited else stamp


def _number(
    tree: Tree, cell: Cell | None, cells: Cells, tables: Tables, labels: int, persons: tuple[Key, ...]
) -> tuple[int, bool]:
    """The number of the cell, and whether sante-sensible is needed besides."""
    resource_type = tree["resourceType"]
    if resource_type in ACTORS | DEFINITIONS or is_product(tree):
        return PUBLIC, False
    if resource_type == "Binary" and not persons:
        return PARTIES, False
    if resource_type == "Task" and _HOLD in codes_of(tree, "code", ours("type-tache")):
        return OPERATORS, False
    if not persons and resource_type in PERSONLESS:
        availability = resource_type in {"Schedule", "Slot"} and cell == Cell("coordination")
        return (cells.of("coordination", (), Part.AGENDA) if availability else PARTIES), False
    marked = bool(labels & SENSITIVE)
    if cell is None or cell.category in {"sante", "sante-sensible"}:
        if not persons:
            return OPERATORS, False
        refused = _refused(tree, cell, tables)
        if marked or (cell is not None and cell.category == "sante-sensible") or is_sensitive(tree, tables):
            part = Part.URGENT if labels & _URGENT else Part.WHOLE
            return cells.of("sante-sensible", refused, part), False
        return cells.of("sante", refused), False
    return cells.of(cell.category, cell.refused, cell.part), marked


def _refused(tree: Tree, cell: Cell | None, tables: Tables) -> frozenset[str]:
    if tree["resourceType"] == "MedicationRequest":
        return tables.refused_prescriptions
    return cell.refused if cell else frozenset()


def _with_writer(parties: Parties, creator: Caller | None, previous: Stamp | None) -> Parties:
    """What says no author is of whoever wrote it first."""
    if parties.authors:
        return parties
    if previous is not None:
        authors = previous.authors
    elif creator is not None:
        author = creator.delegator or creator.acting
        authors = () if author is None else (author,)
    else:
        authors = ()
    return Parties(authors, tuple(sorted({*parties.all, *authors})))


def _keeping_teams(parties: Parties, previous: Stamp | None) -> Parties:
    """A team that was asked still follows the request when one of them has taken it."""
    teams = [key for key in previous.parties if key.type == "Organization"] if previous else []
    kept = tuple(sorted({*parties.authors, *teams}))
    return Parties(kept, tuple(sorted({*parties.all, *kept})))


def _is_verified(creator: Caller | None, previous: Stamp | None) -> bool:
    """Whether the directory or an operator wrote an actor last. The server itself only stamps again."""
    if creator is None:
        return previous is None or bool(previous.labels & _VERIFIED)
    return creator.kind in {"anyone", "operator"} or not {DIRECTORY, OPERATOR}.isdisjoint(creator.roles)


def _bundled(
    tree: Tree,
    cells: Cells,
    tables: Tables,
    creator: Caller | None,
    previous: Stamp | None,
    bases: tuple[str, ...],
) -> Stamp:
    """A Bundle is as strict as all that it holds about persons together; without any, it is for operators."""
    elsewhere = _elsewhere(tree, bases)
    inner = [
        stamp_of({"id": "-", **one}, cells, tables, creator=creator, bases=bases)
        for one in values(tree, "entry.resource")
    ]
    closed = [stamp for stamp in inner if stamp.cell != PUBLIC]
    whole = strictest(closed, cells) if closed else Stamp(OPERATORS)
    if not elsewhere.isdisjoint(whole.persons):
        whole = Stamp(OPERATORS, whole.labels)
    own = _with_writer(Parties(whole.authors, whole.parties), creator, previous)
    labels = whole.labels | labels_of(tree, tables)
    return Stamp(whole.cell, labels, whole.persons, own.all, own.authors, whole.owner)


def _elsewhere(tree: Tree, bases: tuple[str, ...]) -> frozenset[Key]:
    """The Patients that are told in a Bundle and are not those of this server that have the same id."""
    return frozenset(
        Key("Patient", one["resource"].get("id", "-"))
        for one in values(tree, "entry")
        if one.get("resource", {}).get("resourceType") == "Patient"
        and local_key(one.get("fullUrl", ""), bases) != Key("Patient", one["resource"].get("id", "-"))
    )


def _inheriting(stamp: Stamp, resource_type: str, inherited: Sequence[Stamp], cells: Cells) -> Stamp:
    """A photo of a message is for all who take part in it; others are as strict as what they belong to."""
    whole = strictest(inherited, cells)
    if resource_type != "Media":
        return whole
    if cells.name(stamp.cell) != "message":
        return stamp
    parties = tuple(sorted({*stamp.parties, *whole.parties}))
    return Stamp(stamp.cell, stamp.labels, stamp.persons, parties, stamp.authors, stamp.owner)
