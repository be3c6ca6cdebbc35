"""Labels as they are written: what the server puts into `meta.security`, and who may set and lift what.

The server writes the category and never takes a client's. Labels stay across PUT and PATCH although a client leaves
them out; only `$meta-delete` lifts one, for those whom the table allows. That is mostly the author, so nobody becomes
the author of what another hides. A document says its visibility in `securityLabel` as well, and both say the same. A
mask that the person set themselves is marked `userSelected`: the author may not lift it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

from fhir_server.access.caller import Caller
from fhir_server.access.categories import category_of
from fhir_server.access.decisions import LABELS, Decision, allowed, refused
from fhir_server.access.marks import (
    ARCHIVE,
    CATEGORY_SYSTEM,
    CODES,
    CONFIDENTIALITY_SYSTEM,
    LABEL_SYSTEM,
    VISIBILITY_SYSTEM,
    is_shared,
    label_of,
    said_labels,
)
from fhir_server.access.reading import values
from fhir_server.access.roles import OPERATOR
from fhir_server.access.subjects import persons_of
from fhir_server.access.tables import SHARED, Tables
from fhir_server.access.worth import DOCTOR
from fhir_server.kernel.values import immutable
from fhir_server.kernel.wire import Tree
from fhir_server.search.sight import HIDING, Label, Link, Stamp, Tie

COORDINATOR: Final = "coordonnateur"
_MASK: Final = (VISIBILITY_SYSTEM, "MASQUE_PS")
_NORMAL: Final = (CONFIDENTIALITY_SYSTEM, "N")

_HIDDEN: Final = int(HIDING | Label.INTERNE | Label.SENSITIVE)
_AUTHOR: Final = "author"
_PERSON: Final = "the person"
_DOCTOR: Final = "médecin traitant"
_REFERENT: Final = "référent"
_TEAM: Final = "the author's organisation"
_OPERATOR: Final = "an operator"


@immutable
class Rule:
    """Who may set a label, and who may lift it."""

    name: str
    set_by: tuple[str, ...]
    lifted_by: tuple[str, ...]


_TABLE: Final = {
    # Whoever set it lifts it; what the person set is checked besides.
    Label.MASQUE_PS: Rule("MASQUE_PS", (_AUTHOR, _PERSON), (_AUTHOR, _PERSON)),
    Label.INVISIBLE_PATIENT: Rule("INVISIBLE_PATIENT", (_AUTHOR,), (_AUTHOR,)),
    Label.INVISIBLE_REPRESENTANTS: Rule(
        "INVISIBLE_REPRESENTANTS_LEGAUX", (_AUTHOR, _PERSON), (_AUTHOR, _PERSON)
    ),
    Label.INTERNE: Rule("interne-structure", (_TEAM,), (_TEAM,)),
    Label.PARTAGE_SOCIAL: Rule(SHARED, (_AUTHOR, _DOCTOR), (_AUTHOR, _DOCTOR)),
    Label.AIDANTS: Rule("audience:aidants", (_AUTHOR, _REFERENT, _PERSON), (_AUTHOR, _REFERENT, _PERSON)),
    Label.URGENCE: Rule("urgence", (_AUTHOR, _DOCTOR), (_AUTHOR, _DOCTOR)),
    Label.SENSITIVE: Rule("confidentiality", (_AUTHOR,), (_AUTHOR,)),
    Label.ARCHIVED: Rule(ARCHIVE, (_OPERATOR,), (_OPERATOR,)),
}


def stamped(
    new: Tree,
    tables: Tables,
    *,
    old: Tree | None = None,
    caller: Caller | None = None,
    lifting: bool = False,
    bases: tuple[str, ...] = (),
) -> Tree:
    """The resource with its category and labels, as it is stored: `new` itself is not changed.

    `old`: the version before, whose labels stay unless `lifting` (`$meta-delete`). A rule of the minimal view adds its
    label when a resource begins to meet it, so that a lifted label does not come back at the next edit. `caller`: who
    writes; None: the server.
    """
    codings = _labels(_security(new))
    if not lifting:
        codings += _labels(values(new, "securityLabel.coding"))
        codings += _labels_in(old) if old is not None else []
    if is_shared(new, tables) and (old is None or not (_is_stamped(old) and is_shared(old, tables))):
        codings.append({"system": LABEL_SYSTEM, "code": SHARED})
    by_person = caller is not None and not set(caller.actors).isdisjoint(persons_of(new, bases))
    kept = _merged(codings, old, by_person=by_person)
    others = [coding for coding in _security(new) if not _is_ours(coding)]
    meta = {name: value for name, value in new.get("meta", {}).items() if name != "security"}
    archived = _archives(old) if old is not None and not lifting else []
    if archived and not _archives(new):
        meta["tag"] = [*meta.get("tag", ()), *archived]
    tree = {**new, "meta": {**meta, "security": kept}}
    if tree["resourceType"] == "DocumentReference":
        _mirror(tree, kept, lifting=lifting)
    # The labels that stay have a say in the category.
    category = category_of(tree, tables, bases)
    mine = [{"system": CATEGORY_SYSTEM, "code": category}] if category else []
    security = [*others, *mine, *kept]
    if security:
        meta["security"] = security
    tree.pop("meta")
    return {**tree, "meta": meta} if meta else tree


def judge(
    old: Tree | None,
    new: Tree,
    caller: Caller,
    stamp: Stamp,
    links: Collection[Link],
    now: int,
    tables: Tables,
) -> Decision:
    """Whether the labels that differ between two versions, both as stored, may be set and lifted by a caller.

    `stamp`: of the version before; of a new resource, its own: whoever creates it counts as its author. `links`: those
    of its persons. Rules of the minimal view set their label themselves: that is not asked of the caller.
    """
    if caller.kind == "anyone":
        return allowed(LABELS, "no authentication")
    before, after = said_labels(old) if old is not None else 0, said_labels(new)
    if before == after:
        return allowed(LABELS, "labels")
    parts = _parts_of(caller, stamp, links, now, creating=old is None)
    for label, rule in _TABLE.items():
        if after & label and not before & label:
            if label is Label.PARTAGE_SOCIAL and is_shared(new, tables):
                continue
            who = rule.set_by
        elif before & label and not after & label:
            who = rule.lifted_by
            if label is Label.MASQUE_PS and old is not None and _set_by_person(old):
                who = (_PERSON,)
        else:
            continue
        if parts.isdisjoint(who):
            verb = "set" if after & label else "lifted"
            return refused(LABELS, f"{rule.name} is {verb} by {' or '.join(who)}")
    return allowed(LABELS, "labels")


def judge_authors(old: Tree | None, caller: Caller, stamp: Stamp, after: Stamp) -> Decision:
    """Whether a caller may come to be an author: not of what carries a label that hides it, set by another.

    `stamp`: of the version before; `after`: of the new one.
    """
    actors = {*caller.actors, *((caller.delegator,) if caller.delegator else ())}
    hidden = old is not None and caller.kind != "anyone" and bool(said_labels(old) & _HIDDEN)
    if hidden and actors.isdisjoint(stamp.authors) and not actors.isdisjoint(after.authors):
        return refused(LABELS, "labelled: nobody makes themselves the author of what another keeps hidden")
    return allowed(LABELS, "authors")


def _parts_of(
    caller: Caller, stamp: Stamp, links: Collection[Link], now: int, *, creating: bool
) -> frozenset[str]:
    """What a caller is to a resource."""
    actors = {*caller.actors, *((caller.delegator,) if caller.delegator else ())}
    ties = {
        link.tie
        for link in links
        if link.person in stamp.persons and link.actor in actors and link.since <= now < link.until
    }
    found = set()
    if creating or not actors.isdisjoint(stamp.authors):
        found.add(_AUTHOR)
    if Tie.PERSON in ties:
        found.add(_PERSON)
    if Tie.PCP in ties and DOCTOR in caller.roles:
        found.add(_DOCTOR)
    if COORDINATOR in caller.roles and not ties.isdisjoint({Tie.TEAM, Tie.TEAM_INFORMED}):
        found.add(_REFERENT)
    if (creating and stamp.owner is not None) or stamp.owner in actors:
        found.add(_TEAM)
    if caller.kind == "operator" or OPERATOR in caller.roles:
        found.add(_OPERATOR)
    return frozenset(found)


def _security(tree: Tree) -> list[Any]:
    found: list[Any] = tree.get("meta", {}).get("security", [])
    return found


def _labels_in(tree: Tree) -> list[dict[str, Any]]:
    return _labels((*_security(tree), *values(tree, "securityLabel.coding")))


def _labels(codings: Iterable[Any]) -> list[dict[str, Any]]:
    """The codings that are labels, by the systems that are written."""
    return [_spelt(coding) for coding in codings if _is_label(coding)]


def _is_label(coding: Any) -> bool:
    return bool(label_of(coding.get("system", ""), coding.get("code", "")))


def _is_ours(coding: Any) -> bool:
    return coding.get("system") == CATEGORY_SYSTEM or _is_label(coding)


def _is_stamped(tree: Tree) -> bool:
    return any(coding.get("system") == CATEGORY_SYSTEM for coding in _security(tree))


def _spelt(coding: Any) -> dict[str, Any]:
    """A label by the system that is written."""
    label, code = label_of(coding.get("system", ""), coding["code"]), coding["code"]
    system = next(system for (system, known), found in CODES.items() if known == code and found == label)
    return {**coding, "system": system}


def _merged(codings: list[dict[str, Any]], old: Tree | None, *, by_person: bool) -> list[dict[str, Any]]:
    """Each label once, in a fixed order; who set a mask is the server's to say."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for coding in codings:
        said = {name: value for name, value in coding.items() if name != "userSelected"}
        found.setdefault((coding["system"], coding["code"]), said)
    mask = found.get(_MASK)
    if mask is not None:
        was_masked = old is not None and bool(said_labels(old) & Label.MASQUE_PS)
        if (old is not None and _set_by_person(old)) if was_masked else by_person:
            mask["userSelected"] = True
    return [found[place] for place in CODES if place in found]


def _set_by_person(tree: Tree) -> bool:
    return any(
        (one["system"], one["code"]) == _MASK and one.get("userSelected") is True for one in _labels_in(tree)
    )


def _archives(tree: Tree) -> list[Any]:
    return [
        tag
        for tag in tree.get("meta", {}).get("tag", ())
        if (tag.get("system"), tag.get("code")) == (LABEL_SYSTEM, ARCHIVE)
    ]


def _mirror(tree: Tree, kept: list[dict[str, Any]], *, lifting: bool) -> None:
    """The visibility of a document, in `securityLabel` as in `meta`; the national note has room for one concept."""
    visibility = [coding for coding in kept if coding["system"] == VISIBILITY_SYSTEM]
    concepts = []
    for concept in tree.get("securityLabel", ()):
        codings = [
            coding
            for coding in concept.get("coding", ())
            if not _is_label(coding)
            or (_spelt(coding)["system"] == CONFIDENTIALITY_SYSTEM and not (lifting and _lacks(kept, coding)))
        ]
        if visibility:  # "normal" would say the contrary
            codings = [one for one in codings if (one.get("system"), one.get("code")) != _NORMAL]
        if codings or "coding" not in concept:
            concepts.append({**concept, "coding": codings} if codings else concept)
    if visibility:
        concepts.insert(0, {"coding": visibility})
    tree.pop("securityLabel", None)
    if concepts:
        tree["securityLabel"] = concepts


def _lacks(kept: list[dict[str, Any]], coding: Any) -> bool:
    return not any((one["system"], one["code"]) == (coding.get("system"), coding.get("code")) for one in kept)
