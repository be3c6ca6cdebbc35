"""What a caller sees, as a value: who they are, what each kind of link to a person lets them read, and of what.

Every version of a resource carries a `Stamp`; every person has `Link`s, which say who is tied to them and how; a
`Sight` says what those ties are worth to one caller. `sees` puts the three together. The store asks the same in SQL,
inside the statement that reads (`store/seeing.py`), and a property test holds the two together.

A *cell* is a category of data (`access/cells.py` numbers them): cell 0 is what everybody reads. Masks are sets of cells
as bits.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field, replace
from enum import IntEnum, IntFlag
from typing import Any, Final, TypeAlias

from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import now
from fhir_server.kernel.values import immutable

Span: TypeAlias = tuple[int, int]  # from the first to before the second, in µs, as in `spans.py`

FOREVER: Final = 2**62  # µs: the end of what has none
MOST_CELLS: Final = 62
PUBLIC: Final = 0  # the cell of directories, terminology and definitions
OPERATORS: Final = 16  # the cell of what nobody else sees


class Tie(IntEnum):
    """How an actor is tied to a person. Numbers are stored, from 1 on: a new one goes to the end."""

    TEAM = 1  # of the same équipe de soins, the person not (yet) informed
    TEAM_INFORMED = 2  # the same, the person informed: social roles then have their minimal view of health
    OTHER = 3  # of the circle or named by a consent, yet of another team; `allow` has what the consent opens
    OTHER_INFORMED = 4
    PCP = 5  # médecin traitant: participant of role PCP
    SOLLICITATION = 6  # owner of a sollicitation: limited view
    MDPH = 7  # a request addressed to their MDPH
    PERSON = 8  # themselves
    REPRESENTATIVE = 9
    CARER = 10
    TRUSTED = 11  # personne de confiance
    EMERGENCY = 12  # bris de glace
    FEED = 13  # identity feed of an organisation
    DENIAL = 14  # lets nobody see anything: carries `deny` and `oppose`


class Label(IntFlag):
    """What the labels of a resource say, and what else its stamp must tell."""

    MASQUE_PS = 1
    INVISIBLE_PATIENT = 2
    INVISIBLE_REPRESENTANTS = 4
    INTERNE = 8  # interne-structure
    PARTAGE_SOCIAL = 16  # in the minimal view
    AIDANTS = 32  # audience:aidants
    URGENCE = 64
    SENSITIVE = 128  # confidentiality R or V: the cell sante-sensible is needed as well
    SEVERAL = 256  # of several persons: all must pass
    ARCHIVED = 512
    VERIFIED = 1024  # an actor that the directory or an operator wrote


# Labels that hide: a tie must show them all. Labels that open the minimal view: one of them must be opened.
HIDING: Final = Label.MASQUE_PS | Label.INVISIBLE_PATIENT | Label.INVISIBLE_REPRESENTANTS | Label.ARCHIVED
OPENING: Final = Label.PARTAGE_SOCIAL | Label.AIDANTS | Label.URGENCE


@immutable
class Stamp:
    """What decides who sees a version. `persons`: Patients. `parties`: author, owner, sender, participant …"""

    cell: int
    labels: int = 0
    persons: tuple[Key, ...] = ()
    parties: tuple[Key, ...] = ()
    authors: tuple[Key, ...] = ()  # of the parties
    owner: Key | None = None  # the organisation that wrote it: for `Label.INTERNE`

    def cells(self, sensitive: int) -> int:
        """The cells that a denial hides it by. `sensitive`: the number of the cell sante-sensible."""
        return 1 << self.cell | (1 << sensitive if self.labels & Label.SENSITIVE else 0)


UNSTAMPED: Final = Stamp(MOST_CELLS)  # nobody sees it


@immutable
class Link:
    """An actor is tied to a person, from `since` to before `until` (µs). Masks: cells.

    `allow`: what this tie may show at all; `named`: what an explicit consent names the actor for. A denial has
    `deny`, which stands above everything, and `oppose`, which does not bind the author.

    `data`: of which time alone; None: of any. What is dated wholly within is shown; what is not dated wholly elsewhere
    is denied.
    """

    person: Key
    actor: Key
    tie: Tie
    allow: int = 0
    named: int = 0
    deny: int = 0
    oppose: int = 0
    since: int = 0
    until: int = FOREVER
    data: Span | None = None

    def shows_of(self, dates: Collection[Span]) -> bool:
        """Whether it may show what bears these dates."""
        if self.data is None:
            return True
        start, end = self.data
        return bool(dates) and all(start <= low and high <= end for low, high in dates)

    def denies_of(self, dates: Collection[Span]) -> bool:
        """Whether it may deny what bears these dates."""
        if self.data is None:
            return True
        start, end = self.data
        return not (dates and all(high <= start or end <= low for low, high in dates))

    def about(self, dates: Collection[Span]) -> Link:
        """What it is for what bears these dates."""
        shows, denies = self.shows_of(dates), self.denies_of(dates)
        if shows and denies:
            return self
        return replace(
            self,
            allow=self.allow if shows else 0,
            named=self.named if shows else 0,
            deny=self.deny if denies else 0,
            oppose=self.oppose if denies else 0,
        )


@immutable
class Sight:
    """What ties are worth to a caller. Tuples are by tie: `full[Tie.PCP - 1]`.

    `full`: cells read whole; `named`: only with an explicit consent; `least`: only what a label opens; `own`: only what
    the caller is a party of. `shows`: hiding labels that hide nothing; `opens`: labels that open the minimal view.
    """

    actors: tuple[Key, ...]
    full: tuple[int, ...]
    named: tuple[int, ...]
    least: tuple[int, ...]
    own: tuple[int, ...]
    shows: tuple[int, ...]
    opens: tuple[int, ...]
    sensitive: int  # the number of the cell sante-sensible
    unlinked: int = 1 << PUBLIC  # cells seen without a tie
    kept: int = 0  # cells whose own are seen without a tie, and after it: messages, sollicitations
    now: int | None = field(default=None, hash=False, compare=False)  # µs; None: whenever it is asked about
    released: tuple[Key, ...] = ()  # organisations whose working notes (`Label.INTERNE`) are shown as well
    # What others have made of it, at whatever time: it is asked about in every statement. `replace` leaves it behind.
    made: dict[object, Any] = field(init=False, default_factory=dict, hash=False, compare=False, repr=False)

    @property
    def moment(self) -> int:
        """When it is asked about, in µs: now, unless it is of another time."""
        return now() if self.now is None else self.now


def sees(sight: Sight, stamp: Stamp, links: Collection[Link], dates: Collection[Span] = ()) -> bool:
    """Whether a caller sees a version; `links`: all those of its persons. `dates`: the main ones of the resource."""
    cell = 1 << stamp.cell
    actors = frozenset(sight.actors)
    if sight.unlinked & cell:
        return True
    if sight.kept & cell and not actors.isdisjoint(stamp.parties):
        return True
    if stamp.labels & Label.INTERNE and stamp.owner not in actors and stamp.owner not in sight.released:
        return False
    if not stamp.persons:
        return False
    return all(_sees_of(sight, stamp, person, links, actors, dates) for person in stamp.persons)


def _sees_of(
    sight: Sight,
    stamp: Stamp,
    person: Key,
    links: Collection[Link],
    actors: frozenset[Key],
    dates: Collection[Span],
) -> bool:
    authored = not actors.isdisjoint(stamp.authors)
    cells = stamp.cells(sight.sensitive)
    moment = sight.moment
    found = False
    for link in links:
        if link.person != person or link.actor not in actors or not link.since <= moment < link.until:
            continue
        if (link.deny & cells or (link.oppose & cells and not authored)) and link.denies_of(dates):
            return False
        found = found or (
            link.shows_of(dates)
            and _shows(sight, stamp, link, authored, not actors.isdisjoint(stamp.parties))
        )
    return found


def _shows(sight: Sight, stamp: Stamp, link: Link, authored: bool, mine: bool) -> bool:
    place = link.tie - 1
    cell = 1 << stamp.cell
    if stamp.labels & HIDING & ~sight.shows[place] and not authored:
        return False
    if link.allow & sight.own[place] & cell and mine:
        return True
    whole = (link.allow & sight.full[place]) | (link.named & sight.named[place])
    if stamp.labels & Label.SENSITIVE and not whole >> sight.sensitive & 1:
        return False
    if whole & cell:
        return True
    return bool(link.allow & sight.least[place] & cell and stamp.labels & sight.opens[place])
