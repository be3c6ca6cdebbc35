"""How long what is written about a person is kept: what is due for the archive, what is to go for good, what is held.

The rules are a table, `terminology/data/access/retention.csv`, which an operator may replace. Each is about some
categories of data and counts in years from an event:

- `care`: the last stay, consultation or finding. A record that would go before the person is as old as `majority` says
  stays until then; that of one who dies less than `death` years after it, until so many years after the death;
- `contact`: the last thing that happened at all; `exit`: the end of the last dossier, without one the last contact.
  Neither has come while a dossier, a stay or a sollicitation is open;
- `closing`: of the conversation or the request itself;
- `record`: what says who the person is, and what they decided, goes with the last of all the rest, and `purge` years
  after its own end at the soonest;
- `sources`: what belongs to others goes with the last of them;
- `recorded`: traces, which are not of this record: see `store/audit_purge.py`.

Without years a step is never taken by itself: whether what was archived is deleted or goes to public archives is an
operator's decision. A hold, the Task `gel`, stops the purge and nothing else. And whatever the years say, nothing goes
that something refers to which stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Final, Literal, cast, get_args

from fhir_server.access.cells import CATEGORIES
from fhir_server.access.shipped import BadTable, Row, rows_of, shipped
from fhir_server.kernel.keys import Key
from fhir_server.kernel.times import EPOCH, moment_of
from fhir_server.kernel.values import immutable

Since = Literal["care", "contact", "exit", "closing", "record", "sources", "recorded"]
Fate = Literal["keep", "archive", "archived", "purge", "held", "needed", "undated"]
"""`needed`: its time has come, and something that stays refers to it. `undated`: nothing says since when it counts."""

_COLUMNS: Final = (
    *("rule", "categories", "dossier", "since", "archive", "purge", "majority", "death", "source"),
)
_HEALTH: Final = frozenset({"sante", "sante-sensible"})
# What is no sign that somebody is in contact with the person.
_STILL: Final = frozenset({"identite", "consentement", "trace", ""})
_NEVER: Final = 2**62


@immutable
class Rule:
    """`dossier`: only where there is one, or none; None: either. Years; None: never."""

    name: str
    categories: frozenset[str]
    since: Since
    dossier: bool | None = None
    archive: int | None = None
    purge: int | None = None
    majority: int | None = None
    death: int | None = None


@immutable
class Piece:
    """A resource of the record. `last`: when what it tells of was last so (µs); None: it does not say.

    `until`: when it was closed, or stopped being in force; None: it is open, or has no such end. `refers`: to pieces of
    the record. `shared`: it is about somebody else as well, and stays for them.
    """

    key: Key
    category: str
    last: int | None = None
    until: int | None = None
    is_open: bool = False
    is_archived: bool = False
    shared: bool = False
    refers: tuple[Key, ...] = ()


@immutable
class Record:
    """All that is about one person, or about nobody (`person` None). `held`: what a Task `gel` names; a person: all."""

    person: Key | None
    pieces: tuple[Piece, ...]
    born: int | None = None
    died: int | None = None
    held: frozenset[Key] = frozenset()


@immutable
class Verdict:
    """`rule`: empty where none is about it. `at`: when the step was, or will be, due (µs); None: never."""

    key: Key
    fate: Fate
    rule: str = ""
    at: int | None = None


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """The table that comes with the server."""
    return rules_of(shipped("retention"))


def rules_of(data: bytes, name: str = "retention") -> tuple[Rule, ...]:
    """The rules that a CSV is. Raises `BadTable`, which says where and what would be right.

    Every category has its rule, once, whether there is a dossier or not.
    """
    rules = []
    seen: Counter[tuple[str, bool]] = Counter()
    for line, row in rows_of(name, data, _COLUMNS):
        rule = _rule(name, line, row)
        rules.append(rule)
        for category in rule.categories:
            for dossier in (True, False):
                if rule.dossier in {None, dossier}:
                    seen[category, dossier] += 1
                    if seen[category, dossier] > 1:
                        raise BadTable(name, line, f"'{category}' has a rule already")
    missing = [
        category for category in CATEGORIES for dossier in (True, False) if not seen[category, dossier]
    ]
    if missing:
        raise BadTable(name, 0, f"'{missing[0]}' has no rule")
    return tuple(rules)


def verdicts(record: Record, rules: Sequence[Rule], now: int) -> tuple[Verdict, ...]:
    """What becomes of each piece at `now` (µs), in the order of the pieces."""
    events = _Events(record)
    found: dict[Key, Verdict] = {}
    later: list[tuple[Piece, Rule | None]] = []
    for piece in record.pieces:
        rule = _rule_for(piece, rules, dossier=events.has_dossier)
        if rule is None or rule.since in {"record", "sources"}:
            later.append((piece, rule))
        else:
            found[piece.key] = _dated(piece, rule, events, now)
    _follow(found, [(piece, rule) for piece, rule in later if rule and rule.since == "record"], now)
    _belong(found, record, [(piece, rule) for piece, rule in later if not rule or rule.since == "sources"])
    _stay(found, record)
    return tuple(found[piece.key] for piece in record.pieces)


class _Events:
    """What the rules count from."""

    def __init__(self, record: Record) -> None:
        self.record = record
        pieces = record.pieces
        dossiers = [piece for piece in pieces if piece.key.type == "EpisodeOfCare"]
        self.has_dossier = bool(dossiers)
        self.is_followed = any(piece.is_open for piece in pieces)
        self.care = _latest(
            piece.last for piece in pieces if piece.category in _HEALTH or piece.key.type == "Encounter"
        )
        self.contact = _latest(piece.last for piece in pieces if piece.category not in _STILL)
        self.exit = _latest(piece.until for piece in dossiers) or self.contact

    def of(self, piece: Piece, rule: Rule) -> int | None:
        """When the rule's event was, in µs; `_NEVER`: it has not come yet; None: nobody knows."""
        match rule.since:
            case "care":
                stays = any(one.is_open for one in self.record.pieces if one.key.type == "Encounter")
                return _NEVER if stays else self.care
            case "contact":
                return _NEVER if self.is_followed else self.contact
            case "exit":
                return _NEVER if self.is_followed else self.exit
            case _:
                return _NEVER if piece.until is None else piece.until


def _dated(piece: Piece, rule: Rule, events: _Events, now: int) -> Verdict:
    since = events.of(piece, rule)
    if piece.shared:
        return Verdict(piece.key, "keep", rule.name)
    if since is None:
        return Verdict(piece.key, "undated", rule.name)
    if since == _NEVER:
        return Verdict(piece.key, "archived" if piece.is_archived else "keep", rule.name)
    purge = None if rule.purge is None else _purge(since, rule.purge, rule, events.record)
    archive = None if rule.archive is None else _later(since, rule.archive)
    if purge is not None and purge <= now:
        return Verdict(piece.key, "purge", rule.name, purge)
    if piece.is_archived:
        return Verdict(piece.key, "archived", rule.name, purge)
    if archive is not None and archive <= now:
        return Verdict(piece.key, "archive", rule.name, archive)
    return Verdict(piece.key, "keep", rule.name, purge if archive is None else archive)


def _purge(since: int, years: int, rule: Rule, record: Record) -> int:
    """R.1112-7: https://www.legifrance.gouv.fr/codes/article_lc/LEGIARTI000036658351"""
    if rule.death is not None and record.died is not None and record.died < _later(since, rule.death):
        return _later(record.died, rule.death)
    end = _later(since, years)
    if rule.majority is not None and record.born is not None:
        return max(end, _later(record.born, rule.majority))
    return end


def _follow(found: dict[Key, Verdict], last: Iterable[tuple[Piece, Rule]], now: int) -> None:
    """What goes with the last of all the rest. Where there is nothing else, nothing says that it is to go."""
    fates = {verdict.fate for verdict in found.values()}
    latest = max((verdict.at or 0 for verdict in found.values()), default=0)
    for piece, rule in last:
        ended = piece.until is None or rule.purge is None or _later(piece.until, rule.purge) <= now
        if piece.shared or not fates:
            fate: Fate = "archived" if piece.is_archived else "keep"
        elif fates == {"purge"} and rule.purge is not None and ended:
            fate = "purge"
        elif piece.is_archived:
            fate = "archived"
        else:
            fate = "archive" if fates <= {"archive", "archived", "purge"} else "keep"
        found[piece.key] = Verdict(
            piece.key, fate, rule.name, latest if fate in {"purge", "archive"} else None
        )


def _belong(found: dict[Key, Verdict], record: Record, others: Sequence[tuple[Piece, Rule | None]]) -> None:
    """What belongs to others: a Provenance to what it refers to, a Binary to what refers to it."""
    referrers = _referrers(record.pieces)
    for piece, rule in others:
        name = rule.name if rule else ""
        of = piece.refers if rule else referrers.get(piece.key, ())
        fates = {found[key].fate for key in of if key in found}
        if piece.shared or not fates:
            fate: Fate = "archived" if piece.is_archived else "keep"
        elif fates == {"purge"}:
            fate = "purge"
        elif piece.is_archived:
            fate = "archived"
        else:
            fate = "archive" if fates <= {"archive", "archived", "purge"} else "keep"
        at = max((found[key].at or 0 for key in of if key in found), default=None)
        found[piece.key] = Verdict(piece.key, fate, name, at if fate in {"purge", "archive"} else None)


def _stay(found: dict[Key, Verdict], record: Record) -> None:
    """Stop the purge of what is held, and of what is referred to by anything that stays."""
    going = {key: verdict for key, verdict in found.items() if verdict.fate == "purge"}
    for key, verdict in going.items():
        if record.person in record.held or key in record.held:
            found[key] = Verdict(key, "held", verdict.rule, verdict.at)
    by_key = {piece.key: piece for piece in record.pieces}
    staying = [key for key in by_key if found[key].fate != "purge"]
    while staying:
        piece = by_key[staying.pop()]
        for key in piece.refers:
            known = found.get(key)
            if known is not None and known.fate == "purge":
                found[key] = Verdict(key, "needed", known.rule, known.at)
                staying.append(key)


def without(found: Sequence[Verdict], record: Record, kept: Collection[Key]) -> tuple[Verdict, ...]:
    """The same when `kept`, whose time has come, are needed by others outside of the record."""
    after = {one.key: one for one in found}
    for key in kept:
        after[key] = Verdict(key, "needed", after[key].rule, after[key].at)
    _stay(after, record)
    return tuple(after[one.key] for one in found)


def _referrers(pieces: Iterable[Piece]) -> Mapping[Key, list[Key]]:
    found: dict[Key, list[Key]] = {}
    for piece in pieces:
        for key in piece.refers:
            found.setdefault(key, []).append(piece.key)
    return found


def _rule_for(piece: Piece, rules: Sequence[Rule], *, dossier: bool) -> Rule | None:
    return next(
        (one for one in rules if piece.category in one.categories and one.dossier in {None, dossier}), None
    )


def _latest(moments: Iterable[int | None]) -> int | None:
    return max((moment for moment in moments if moment is not None), default=None)


def years_before(moment: int, years: int) -> int:
    """The same day so many years before; of 29 February, the day before if need be."""
    return _later(moment, -years)


def _later(moment: int, years: int) -> int:
    """The same day some years later, in µs; 29 February becomes 1 March, 28 February when counting back."""
    seconds, rest = divmod(moment, 1_000_000)
    try:
        day = datetime.fromtimestamp(seconds, UTC)
        year = day.year + years
        if not 1 <= year <= 9999:
            return _NEVER if years > 0 else moment_of(EPOCH)
        if (day.month, day.day) == (2, 29) and not _is_leap(year):
            day = day.replace(month=3, day=1) if years > 0 else day.replace(day=28)
        return moment_of(day.replace(year=year)) + rest
    except (ValueError, OverflowError, OSError):  # beyond what a calendar knows
        return _NEVER


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _rule(name: str, line: int, row: Row) -> Rule:
    since = row["since"]
    if since not in get_args(Since):
        raise BadTable(name, line, f"column 'since' has one of {', '.join(get_args(Since))}")
    if row["dossier"] not in {"", "yes", "no"}:
        raise BadTable(name, line, "column 'dossier' has 'yes', 'no' or nothing")
    categories = frozenset(row["categories"].split())
    if not categories <= set(CATEGORIES):
        raise BadTable(name, line, f"column 'categories' has some of {', '.join(CATEGORIES)}")
    return Rule(
        row["rule"],
        categories,
        cast(Since, since),
        {"": None, "yes": True, "no": False}[row["dossier"]],
        *[_years(name, line, row, column) for column in ("archive", "purge", "majority", "death")],
    )


def _years(name: str, line: int, row: Row, column: str) -> int | None:
    text = row[column]
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 4):
        raise BadTable(name, line, f"column '{column}' has a number of years, or nothing")
    return int(text)
