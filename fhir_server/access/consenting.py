"""Who may record a consent, and with which proof.

A withdrawal, an opposition, an exclusion is taken from anyone who may record a consent of the person. What opens
something, be it by permitting or by lifting a denial, is never recorded by the one whom it favours alone: it carries
the proof of whoever gave it, the person or who represents them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from fhir_server.access.cells import Cells
from fhir_server.access.consents import (
    EXCLUSION,
    OPENING,
    PROTECTION,
    Statement,
    code_of,
    covers_span,
    permits,
    proven,
    statements_of,
    unread,
    verified_with,
)
from fhir_server.access.decisions import CONSENT, WRITING, Decision, allowed, refused
from fhir_server.access.facts import Facts
from fhir_server.access.spells import DAY, after, covers, moment_in
from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree

_UNPROVEN: Final = "consent: without proof of whoever gives it (source or verification)"


def judge_consent(
    old: Tree | None,
    new: Tree | None,
    *,
    actors: Collection[Key],
    facts: Facts,
    cells: Cells,
    now: int,
    represents: Callable[[Key, int], bool],
) -> tuple[Decision, bool]:
    """Whether whoever has `actors` may write this version of a Consent, and whether it opens anything to anybody.

    `represents`: whether somebody speaks for the person about some cells.
    """
    before = () if old is None else tuple(statements_of(old, facts, cells))
    later = () if new is None else tuple(statements_of(new, facts, cells))
    favours = tuple(_favours(before, later, now))
    if not favours:
        silent = _silent(new, later, facts)
        return allowed(WRITING, "consent: nothing opened") if silent is None else silent, False
    return _proof(old, new, favours, actors, facts, now, represents), True


def _silent(new: Tree | None, later: Sequence[Statement], facts: Facts) -> Decision | None:
    """Refuses what would do nothing although it is meant to do something, so that its writer knows."""
    if new is None or later or new.get("status") != "active":
        return None
    if code_of(new) == EXCLUSION:
        return refused(CONSENT, "consent: Consent.provision.actor names nobody known here")
    if code_of(new) not in OPENING or not permits(new):
        return None
    if place := unread(new, facts):
        return refused(CONSENT, f"consent: {place} cannot be obeyed")
    return None if proven(new) else refused(CONSENT, _UNPROVEN)


def _proof(
    old: Tree | None,
    new: Tree | None,
    favours: Sequence[Statement],
    actors: Collection[Key],
    facts: Facts,
    now: int,
    represents: Callable[[Key, int], bool],
) -> Decision:
    if new is None:
        return refused(CONSENT, "consent: a denial is lifted by a new version, not by a deletion")
    if place := unread(new, facts):
        return refused(CONSENT, f"consent: {place} cannot be obeyed")
    if (moment_in(new.get("dateTime")) or 0) > now + DAY:
        return refused(CONSENT, "consent: Consent.dateTime is yet to come")
    favoured = {statement.actor for statement in favours}
    if all(statement.code == PROTECTION for statement in favours):
        # A judge decided, who is nobody here: the judgment stands for the proof, but for that of nothing else.
        if not favoured.isdisjoint(actors) or not _sourced(old, new):
            return refused(CONSENT, "consent: a measure of protection is recorded by others, with its source")
        return allowed(WRITING, "consent: with proof")

    performers = {facts.target(reference) for reference in new.get("performer", ())}
    cells = 0
    for statement in favours:
        cells |= statement.cells
    givers = {key for key in performers if key is not None and key not in favoured and represents(key, cells)}
    if not givers:
        return refused(
            CONSENT, "consent: Consent.performer is neither the person nor who represents them in this"
        )
    if not givers.isdisjoint(actors):
        return allowed(WRITING, "consent: by whoever gives it")
    if not (_sourced(old, new) or _verified(old, new, givers, facts)):
        return refused(CONSENT, _UNPROVEN)
    return allowed(WRITING, "consent: with proof")


def _favours(before: Sequence[Statement], later: Sequence[Statement], now: int) -> Iterator[Statement]:
    """What is permitted that was not, and what was denied that is not any more, now or later."""
    for statement in later:
        if statement.permits and not _said(statement, before, now):
            yield statement
    for statement in before:
        if not statement.permits and not _said(statement, later, now):
            yield statement


def _said(statement: Statement, others: Sequence[Statement], now: int) -> bool:
    """Whether others say the same at least as broadly, as long and as strongly, for what is left of its time."""
    rest = after(statement.spell, now)
    if rest is None:
        return True
    return any(
        (one.code, one.actor, one.permits) == (statement.code, statement.actor, statement.permits)
        and not statement.cells & ~one.cells
        and covers_span(one.data, statement.data)
        and one.dated >= statement.dated
        and covers([one.spell], rest)
        for one in others
    )


def _sourced(old: Tree | None, new: Tree) -> bool:
    """A source that the version before did not have: what proved one decision does not prove the next."""
    return any(
        new.get(name) and (old is None or new[name] != old.get(name))
        for name in ("sourceReference", "sourceAttachment")
    )


def _verified(old: Tree | None, new: Tree, givers: set[Key], facts: Facts) -> bool:
    known: Sequence[Any] = () if old is None else old.get("verification", ())
    fresh = [one for one in new.get("verification", ()) if one not in known]
    asked = verified_with({**new, "verification": fresh}, facts.bases)
    return asked is not None and not givers.isdisjoint(asked)
