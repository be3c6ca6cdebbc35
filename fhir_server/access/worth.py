"""What the roles of a caller are worth under each kind of tie: the matrix and the notes on its cells, as masks.

Rows of professionals hold by their ties to a person; `medecin-traitant` only for a médecin who is the person's, rows of
citizens by what they are to the person and never by their token, `agent-mdph` by a request to their MDPH, `mjpm` by a
measure that names them. Until the person has been told that health and social work share, social roles see nothing of
health. A system acts for a named purpose or not at all. `dpo` and `identitovigilance` see what they see without a tie,
operators see what is nobody's; whoever has one of these roles acts in no other.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Final

from fhir_server.access.caller import Caller, CallerKind
from fhir_server.access.cells import CATEGORIES, PARTIES, Cells, Part
from fhir_server.access.matrix import ROLES, Matrix
from fhir_server.access.roles import (
    CARER,
    DPO,
    IDENTITY,
    MDPH,
    MJPM,
    OPERATOR,
    PCP,
    PERSON,
    REGULATOR,
    REPRESENTATIVE,
    TRUSTED,
)
from fhir_server.kernel.values import immutable
from fhir_server.search.sight import OPERATORS, PUBLIC, Label, Tie

SECRETARY: Final = "secretariat"
DOCTOR: Final = "medecin"
# To whom health is told only once the person knows of it: R.1110-3 of the public health code.
SOCIAL: Final = frozenset({"travailleur-social", "accompagnement", "aide-domicile", "encadrement"})
URGENT_ROLES: Final = frozenset({DOCTOR, "infirmier", "maieutique-dentaire", REGULATOR})

# Roles that go with no other: they see what they see without a tie, and nothing else.
_ALONE: Final = frozenset({OPERATOR, IDENTITY, DPO})
_CITIZENS: Final = {
    Tie.PERSON: PERSON,
    Tie.REPRESENTATIVE: REPRESENTATIVE,
    Tie.CARER: CARER,
    Tie.TRUSTED: TRUSTED,
}
_HEALTH: Final = ("sante", "sante-sensible")
_URGENT: Final = ("identite", "sante", "autonomie")
_NEVER_URGENT: Final = ("sante-sensible", "message", "trace")
# Who is asked for help sees whom it is about, what they decided and the request; and may open a record.
_ASKED: Final = ("identite", "sollicitation", "consentement")
_OPENED: Final = ("sollicitation", "consentement", "coordination")
KEPT: Final = ("message", "sollicitation")

# A mask hides from professionals. What waits to be announced is hidden from the person and from those close to them,
# the trusted person included.
_PROFESSIONAL: Final = Label.INVISIBLE_PATIENT | Label.INVISIBLE_REPRESENTANTS
_SHOWS: Final = {
    Tie.PERSON: Label.MASQUE_PS | Label.INVISIBLE_REPRESENTANTS | Label.ARCHIVED,
    Tie.REPRESENTATIVE: Label.MASQUE_PS,
    Tie.CARER: Label.MASQUE_PS,
    Tie.TRUSTED: Label.MASQUE_PS,
    Tie.DENIAL: Label(0),
}
_OPENS: Final = {
    Tie.CARER: Label.PARTAGE_SOCIAL | Label.AIDANTS,
    Tie.EMERGENCY: Label.PARTAGE_SOCIAL | Label.URGENCE,
}


@immutable
class Row:
    """Cells by what may be done with them. `act`: only an action of a plan that one owns may be created."""

    full: int = 0
    named: int = 0
    least: int = 0
    own: int = 0
    create: int = 0
    act: int = 0
    change: int = 0
    change_own: int = 0

    def within(self, mask: int) -> Row:
        return Row(
            self.full & mask,
            self.named & mask,
            self.least & mask,
            self.own & mask,
            self.create & mask,
            self.act & mask,
            self.change & mask,
            self.change_own & mask,
        )

    def __or__(self, other: Row) -> Row:
        return Row(
            self.full | other.full,
            self.named | other.named,
            self.least | other.least,
            self.own | other.own,
            self.create | other.create,
            self.act | other.act,
            self.change | other.change,
            self.change_own | other.change_own,
        )


@immutable
class Worth:
    """By tie, as in a `Sight`. `untied`: what the roles are worth where no person is."""

    rows: tuple[Row, ...]
    full: tuple[int, ...]
    named: tuple[int, ...]
    least: tuple[int, ...]
    own: tuple[int, ...]
    shows: tuple[int, ...]
    opens: tuple[int, ...]
    unlinked: int
    kept: int
    untied: Row


def row_of(role: str, matrix: Matrix, cells: Cells) -> Row:
    """One row of the matrix. Types of documents refused to the role are in none of its masks.

    What may be updated as one's own may be read as one's own; and who reads anything reads what is theirs.
    """
    full = named = least = own = create = act = change = change_own = 0
    for category in CATEGORIES:
        rights, mask = matrix.of(role, category), cells.open_to(role, category)
        full |= mask if rights.read == "all" else 0
        named |= mask if rights.read == "consent" else 0
        least |= mask if rights.read == "minimal" else 0
        own |= mask if rights.read != "none" or rights.update == "own" else 0
        create |= mask if rights.create == "yes" else 0
        act |= cells.bits((category,), Part.ACTION) if rights.create == "action" else 0
        change |= mask if rights.update == "all" else 0
        change_own |= mask if rights.update == "own" else 0
        if category == "coordination" and rights.read == "all":
            change |= cells.bits((category,), Part.NOTE)  # an evolving note is a page of all who read it
        if category == "sollicitation" and role == PCP and rights.read != "none":
            full |= cells.bits((category,), Part.TOLD)
    return Row(full, named, least, own, create, act, change, change_own)


def worth_of(caller: Caller, matrix: Matrix, cells: Cells) -> Worth:
    """What a caller's roles are worth. `anyone` has no roles: nothing here is asked for them."""
    roles = frozenset(caller.roles)
    if caller.delegator is not None:
        roles = frozenset({SECRETARY})  # the rights of who types, in the name of who signs
    unlinked = _unlinked(caller.kind, roles, matrix, cells)
    if caller.kind == "operator" or not roles.isdisjoint(_ALONE):
        return _worth({}, unlinked, _union(roles & {DPO}, matrix, cells), cells)
    if caller.kind == "system" and not caller.purpose:
        return _worth({}, unlinked, Row(), cells)
    if caller.kind == "citizen":
        mine = frozenset(_CITIZENS.values()) & roles
        rows = {tie: row_of(role, matrix, cells) for tie, role in _CITIZENS.items()}
        return _worth(rows, unlinked, _union(mine, matrix, cells), cells)
    worn = roles & frozenset(ROLES) - {PCP, *_CITIZENS.values()}
    rows = _professional(roles, worn, matrix, cells, delegated=caller.delegator is not None)
    return _worth(rows, unlinked, _union(worn, matrix, cells), cells, unmasked=DOCTOR in worn)


def _professional(
    roles: frozenset[str], worn: frozenset[str], matrix: Matrix, cells: Cells, *, delegated: bool
) -> dict[Tie, Row]:
    usual = worn - {MDPH, MJPM}
    informed = _union(usual, matrix, cells)
    told = ~cells.bits(_HEALTH)
    silent = _union(usual - SOCIAL, matrix, cells) | _untold(_union(usual & SOCIAL, matrix, cells), told)
    protected = _protected(_union(worn & {MJPM}, matrix, cells))
    measured = Row(named=protected.named, own=protected.own) | protected.within(cells.bits(KEPT))
    requested = _union(worn & {MDPH}, matrix, cells)
    named = protected | Row(named=requested.named)
    asked = informed.within(cells.bits(_ASKED))
    opened = informed.within(cells.bits(_OPENED))
    rows = {
        Tie.TEAM: silent | measured,
        Tie.TEAM_INFORMED: informed | measured,
        Tie.OTHER: silent | named,
        Tie.OTHER_INFORMED: informed | named,
        Tie.PCP: informed | row_of(PCP, matrix, cells) if DOCTOR in usual else silent,
        Tie.SOLLICITATION: asked | Row(create=opened.create),
        Tie.MDPH: requested,
        Tie.FEED: informed.within(cells.bits(("identite",))),
    }
    if not delegated and not roles.isdisjoint(URGENT_ROLES):
        rows[Tie.EMERGENCY] = _urgent(informed, cells)
    return rows


def _untold(row: Row, told: int) -> Row:
    """A social role before the person was told: nothing of others' health."""
    return Row(
        row.full & told,
        row.named & told,
        row.least & told,
        row.own,
        row.create,
        row.act,
        row.change & told,
        row.change_own,
    )


def _protected(row: Row) -> Row:
    """The row of an MJPM: what it reads, it reads only where a measure of protection names it."""
    return Row(0, row.full | row.named, row.least, row.own, row.create, row.act, row.change, row.change_own)


def _urgent(row: Row, cells: Cells) -> Row:
    """Bris de glace: health whole, the minimal view of the rest; of what is sensitive only what is labelled so."""
    full = cells.bits(_URGENT) | cells.bits(("sante-sensible",), Part.URGENT)
    least = cells.bits(set(CATEGORIES) - {*_URGENT, *_NEVER_URGENT})
    seen = full | least
    return Row(
        full,
        0,
        least,
        row.own & seen,
        row.create & full,
        row.act & seen,
        row.change & full,
        row.change_own & seen,
    )


def _unlinked(kind: CallerKind, roles: frozenset[str], matrix: Matrix, cells: Cells) -> int:
    """The cells that a caller sees without a tie to anybody."""
    found = 1 << PUBLIC
    if kind == "operator" or OPERATOR in roles:
        return found | 1 << OPERATORS
    if DPO in roles:
        found |= row_of(DPO, matrix, cells).full
    if IDENTITY in roles:
        found |= cells.bits(("identite",))
    if any(matrix.of(role, "coordination").read != "none" for role in roles):
        found |= cells.bits(("coordination",), Part.AGENDA)  # when somebody is free
    return found


def _union(roles: Iterable[str], matrix: Matrix, cells: Cells) -> Row:
    return reduce(Row.__or__, (row_of(role, matrix, cells) for role in roles), Row())


def _worth(
    rows: dict[Tie, Row], unlinked: int, untied: Row, cells: Cells, *, unmasked: bool = False
) -> Worth:
    shows = {tie: _SHOWS.get(tie, _PROFESSIONAL) for tie in Tie}
    if unmasked:
        shows[Tie.PCP] |= Label.MASQUE_PS
    anything = untied.own | untied.create
    by_tie = tuple(rows.get(tie, Row()) for tie in Tie)
    return Worth(
        rows=by_tie,
        full=tuple(row.full for row in by_tie),
        named=tuple(row.named for row in by_tie),
        least=tuple(row.least for row in by_tie),
        own=tuple(row.own for row in by_tie),
        shows=tuple(int(shows[tie]) for tie in Tie),
        opens=tuple(int(_OPENS.get(tie, Label.PARTAGE_SOCIAL)) for tie in Tie),
        unlinked=unlinked,
        kept=untied.own & cells.bits(KEPT) | (1 << PARTIES if anything else 0),
        untied=untied,
    )
