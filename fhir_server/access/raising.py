"""Whether a write would raise somebody's rights: links before and links after, compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise
from typing import Final

from fhir_server.access.spells import ALWAYS, after, cut
from fhir_server.kernel.keys import Key
from fhir_server.search.sight import Link, Tie
from fhir_server.search.spans import BEGINNING, END

# Which ties show at least as much as another, of the same cells. Any tie shows as much as itself.
_AS_MUCH: Final[dict[Tie, tuple[Tie, ...]]] = {
    Tie.TEAM: (Tie.TEAM_INFORMED,),
    Tie.OTHER: (Tie.OTHER_INFORMED, Tie.TEAM, Tie.TEAM_INFORMED),
    Tie.OTHER_INFORMED: (Tie.TEAM_INFORMED,),
    Tie.SOLLICITATION: (Tie.TEAM, Tie.TEAM_INFORMED),
    Tie.FEED: (Tie.TEAM, Tie.TEAM_INFORMED, Tie.OTHER, Tie.OTHER_INFORMED, Tie.PCP, Tie.SOLLICITATION),
}


def raised(actors: Collection[Key], before: Iterable[Link], later: Iterable[Link], now: int) -> bool:
    """Whether whoever has all of `actors` may see more, or for longer, by the links `later` than by those `before`.

    Of data of whatever time: where links are about data of some time alone, each such time is compared, and what bears
    no date or spans several of them.
    """
    had = [link for link in before if link.actor in actors]
    has = [link for link in later if link.actor in actors]
    bounds = {at for link in (*had, *has) if link.data is not None for at in link.data}
    if not bounds:
        return _longer(had, has, now)
    times = [[span] for span in pairwise(sorted({BEGINNING, *bounds, END}))]
    return any(
        _longer([link.about(dates) for link in had], [link.about(dates) for link in has], now)
        for dates in (*times, [(BEGINNING, END)])
    )


def kin_raised(before: Collection[Link], later: Collection[Link], now: int) -> bool:
    """Whether a relative of the person may see more, or for longer."""
    changed = {link.actor for link in {*before} ^ {*later} if link.actor.type == "RelatedPerson"}
    return any(raised((actor,), before, later, now) for actor in changed)


def _longer(had: list[Link], has: list[Link], now: int) -> bool:
    moments = [moment for link in (*had, *has) for moment in (link.since, link.until)]
    whole = after(ALWAYS, now)
    return whole is not None and any(
        _more(_at(had, since), _at(has, since)) for since, _ in cut(whole, moments)
    )


def _more(had: list[Link], has: list[Link]) -> bool:
    reach = 0
    for link in has:
        reach |= link.allow
        as_much = [one for one in had if one.tie == link.tie or one.tie in _AS_MUCH.get(link.tie, ())]
        if link.allow & ~_all(one.allow for one in as_much) or link.named & ~_all(
            one.named for one in as_much
        ):
            return True
    denied = _all(link.deny for link in had) & ~_all(link.deny for link in has)
    opposed = _all(link.oppose for link in had) & ~_all(link.oppose | link.deny for link in has)
    return bool(reach & (denied | opposed))


def _at(links: list[Link], moment: int) -> list[Link]:
    return [link for link in links if link.since <= moment < link.until]


def _all(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
