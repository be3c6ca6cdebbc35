"""The walk of compiled rules over a resource: what of it breaks them, and where.

https://hl7.org/fhir/R4/profiling.html
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.definitions.model import R4
from fhir_server.definitions.snapshots import CORE, is_type
from fhir_server.fhirpath.types import derives
from fhir_server.fhirpath.values import Node
from fhir_server.kernel.issues import Issue
from fhir_server.validation.coded import judge_binding
from fhir_server.validation.invariants import Constraint
from fhir_server.validation.judging import HOPS, Judging, fewest, is_wrong
from fhir_server.validation.limits import judge_limits
from fhir_server.validation.profile_rules import Field, Profile, Reach, Rules, Unusable
from fhir_server.validation.reach import Step, reached, target_of, type_named, under, way_of
from fhir_server.validation.slicing import judge_slices
from fhir_server.validation.surely import Left, look_at
from fhir_server.validation.world import LATER


def problems_with(node: Node, canonical: str, judging: Judging) -> list[Issue] | None:
    """What is wrong with an item by a profile, judged once; None: the profile is not known, or cannot be used.

    A circle (the profile of a resource that refers to itself) closes with nothing wrong.
    """
    key = (id(node.value), canonical)
    if key in judging.known:
        return judging.known[key] or []
    profile = judging.library.profile(canonical)
    if not isinstance(profile, Profile):
        return None
    judging.know(node.value, canonical, None)
    if node.type != profile.type and not derives(node.type, profile.type, R4):
        issues = judging.apart(lambda: _say_of_another(profile, node, judging), profile.canonical)
    elif node.extra is not None:
        issues = judging.apart(lambda: judge_item(profile.rules, node, judging), profile.canonical)
    else:
        left = judging.left.pop(key, None) or _left_of(profile.rules, node, judging)
        issues = _issues_of_left(left, profile, node, judging)
    judging.know(node.value, canonical, issues)
    return issues


def _left_of(rules: Rules, node: Node, judging: Judging) -> list[Left]:
    judging.charge()
    return look_at(rules, node.value, node.type, judging) or []


def _issues_of_left(left: list[Left], profile: Profile, node: Node, judging: Judging) -> list[Issue]:
    """What is wrong with an item by a profile, where it is known what is left to be judged."""
    if not left:
        return []
    return judging.apart(lambda: _judge_left(left, node, judging), profile.canonical)


def _say_of_another(profile: Profile, node: Node, judging: Judging) -> None:
    judging.say(
        "structure",
        f"The profile {profile.url} is for {profile.type}, and this is {node.type}",
        f"Le profil {profile.url} est pour {profile.type}, et ceci est {node.type}",
        node,
    )


def conforms_to(node: Node, canonical: str, judging: Judging) -> bool:
    """Whether an item conforms to a profile. What is not known counts as kept."""
    return not is_wrong(problems_with(node, canonical, judging) or [])


def keeps(rules: Rules | None, node: Node, judging: Judging) -> bool:
    """Whether an item keeps rules; nothing is said."""
    return rules is None or not is_wrong(judging.apart(lambda: judge_item(rules, node, judging)))


def in_reach(steps: tuple[Step, ...]) -> Reach:
    """The function that finds what a discriminator looks at."""
    if not steps:
        return lambda node, _judging: [node]
    if len(steps) == 1 and steps[0][0] == "name":
        name = steps[0][1]
        return lambda node, _judging: under(node, R4.alternatives(node.type, name))
    return lambda node, judging: reached(node, steps, judging)


def judge_item(rules: Rules, node: Node, judging: Judging) -> None:
    """Say all that is wrong with an item by rules."""
    if node.extra is None:
        _judge_left(_left_of(rules, node, judging), node, judging)
    else:
        judging.charge()
        _judge_all(rules, node, judging)


def _judge_left(left: list[Left], node: Node, judging: Judging) -> None:
    for one in left:
        _judge_one_left(one, one.node(node), judging)


def _judge_one_left(left: Left, node: Node, judging: Judging) -> None:
    rules, field = left.rules, left.below
    if left.inside is not None:
        _judge_inside(*left.inside, node, judging)
        issues = judging.known.get((id(node.value), left.inside[0]))
        if left.sure and issues is not None and not is_wrong(issues):
            judging.issues += issues
            return
    if rules is not None:
        if left.kind == "item":
            _judge_all(rules, node, judging)
        else:
            _judge_itself(rules, node, judging)
    if field is not None:
        if left.kind == "field":
            _judge_field(field, node, judging)
        elif field.slicing is not None:
            items = under(node, tuple(field.keys.values()))
            judge_slices(field.slicing, items, node, judging, judge_item, keeps)


def _judge_inside(canonical: str, left: list[Left], node: Node, judging: Judging) -> None:
    """Make known what is wrong with an item by the profile of its type."""
    profile = judging.library.profile(canonical)
    if left and isinstance(profile, Profile) and (id(node.value), canonical) not in judging.known:
        judging.know(node.value, canonical, None)
        judging.know(node.value, canonical, _issues_of_left(left, profile, node, judging))


def _judge_all(rules: Rules, node: Node, judging: Judging) -> None:
    if _judge_itself(rules, node, judging):
        for field in rules.fields:
            _judge_field(field, node, judging)


def _judge_itself(rules: Rules, node: Node, judging: Judging) -> bool:
    """Judge an item, what is inside it aside. No: it is of another type, and rules for its inside do not fit."""
    if rules.types is not None and not _judge_type(rules, node, judging):
        return False
    if rules.value is not None and not rules.value.fits(node.value):
        _say_other(rules, node, judging)
    for constraint in rules.constraints:
        _judge_constraint(constraint, node, judging)
    if rules.binding is not None:
        judge_binding(rules.binding, node, judging)
    if rules.limits is not None:
        judge_limits(rules.limits, node, judging)
    if rules.targets and node.type == "Reference":
        _judge_target(rules.targets, node, judging)
    if rules.aggregation and node.type == "Reference":
        _judge_way(rules.aggregation, node, judging)
    return True


def _say_other(rules: Rules, node: Node, judging: Judging) -> None:
    assert rules.value is not None, "asked about a value that is not fixed"
    if rules.value.exact:
        english, french = "is fixed by the profile", "est fixé par le profil"
    else:
        english, french = "has a pattern in the profile", "suit un modèle dans le profil"
    judging.say(
        "value",
        f"'{rules.path}' {english}, and the value here is another",
        f"« {rules.path} » {french}, et la valeur est ici différente",
        node,
    )


def _judge_field(field: Field, node: Node, judging: Judging) -> None:
    items = under(node, tuple(field.keys.values()))
    count = len(items)
    if count < field.min:
        missing = not count
        judging.say(
            "required" if missing else "structure",
            f"Element '{field.path}' is required ({field.range}) and "
            + ("is missing" if missing else f"appears {count} times only"),
            f"L'élément « {field.path} » est obligatoire ({field.range}) et "
            + ("absent" if missing else f"n'apparaît que {count} fois"),
            node,
        )
    elif field.max is not None and count > field.max:
        judging.say(
            "structure",
            f"The profile does not allow '{field.path}'"
            if not field.max
            else f"Element '{field.path}' appears {count} times, and may {field.max} times at most",
            f"Le profil n'admet pas « {field.path} »"
            if not field.max
            else f"L'élément « {field.path} » apparaît {count} fois, au lieu de {field.max} au plus",
            node,
        )
    if field.rules is not None:
        for item in items:
            judge_item(field.rules, item, judging)
    if field.slicing is not None:
        judge_slices(field.slicing, items, node, judging, judge_item, keeps)


def _judge_constraint(constraint: Constraint, node: Node, judging: Judging) -> None:
    severity = constraint.severity
    if constraint.best_practice and severity != "error":
        wanted = judging.world.options.best_practice
        if wanted == "ignore":
            return
        severity = "error" if wanted == "error" else "warning"
    judging.look()
    held = constraint.holds(node, judging.world, judging.around())
    if held is False:
        judging.say("invariant", constraint.text, constraint.french, node, severity)
    elif held is None:
        judging.cannot_check(
            f"{judging.profile}#{constraint.key}",
            f"The constraint {constraint.key} cannot be evaluated here: it is not checked",
            f"La contrainte {constraint.key} ne peut pas être évaluée ici : elle n'est pas vérifiée",
            node,
        )


def _judge_type(rules: Rules, node: Node, judging: Judging) -> bool:
    types = rules.types or {}
    mine = next((type_ for type_ in types if type_ == node.type or derives(node.type, type_, R4)), None)
    if mine is None:
        names = ", ".join(types)
        judging.say(
            "structure",
            f"'{rules.path}' is of type {names} in the profile, and this is of type {node.type}",
            f"« {rules.path} » est de type {names} dans le profil, et ceci de type {node.type}",
            node,
        )
        return False
    if types[mine]:
        _judge_one_of(types[mine], node, node, judging)
    return True


def _judge_one_of(canonicals: Sequence[str], node: Node, place: Node, judging: Judging) -> None:
    """An item conforms to one profile of several, or to the one that there is, in one of its versions."""
    found: list[list[Issue]] = []
    for canonical in canonicals:
        for meant in judging.library.meant(canonical):
            issues = problems_with(node, meant, judging)
            if issues is None:
                _say_unknown(canonical, place, judging)
                return
            if not is_wrong(issues):
                judging.issues += issues
                return
            found.append(issues)
    if len(canonicals) == 1 and node is place:
        judging.issues += fewest(found)
        return
    names = ", ".join(canonicals)
    what, quoi = (
        ("This", "Ceci")
        if node is place
        else ("What this reference leads to", "Ce que désigne cette référence")
    )
    first = next(issue for issue in fewest(found) if is_wrong([issue]))
    judging.say(
        "structure",
        f"{what} conforms to none of the profiles that are allowed here: {names} "
        f"(for one, {first.expression}: {first.text})",
        f"{quoi} n'est conforme à aucun des profils admis ici : {names} "
        f"(notamment, {first.expression} : {first.french or first.text})",
        place,
    )


def _say_unknown(canonical: str, node: Node, judging: Judging) -> None:
    found = judging.library.profile(judging.library.near(canonical))
    if isinstance(found, Unusable):
        judging.cannot_check(canonical, found.text, found.french, node)
        return
    judging.cannot_check(
        canonical,
        f"The profile {canonical} is not known here: what is to conform to it is not checked",
        f"Le profil {canonical} n'est pas connu ici : ce qui doit s'y conformer n'est pas vérifié",
        node,
    )


def _judge_way(allowed: frozenset[str], node: Node, judging: Judging) -> None:
    """A target that lies in the same Bundle is referenced, too."""
    way = way_of(node, judging)
    if not way or way in allowed or (way == "bundled" and "referenced" in allowed):
        return
    ways = ", ".join(sorted(allowed))
    judging.say(
        "structure",
        f"What this reference leads to is {way}, and the profile wants it to be {ways} (aggregation)",
        f"La cible de cette référence est « {way} », et le profil la veut « {ways} » (aggregation)",
        node,
    )


def _judge_target(targets: Sequence[str], node: Node, judging: Judging) -> None:
    """What a Reference leads to is of a type, and conforms to a profile, that the element allows."""
    target = target_of(node, judging)
    if target is LATER:
        return
    type_ = target.type if isinstance(target, Node) else type_named(node.inside)
    if type_ is None:
        return
    mine: list[str] = []
    types: list[str] = []
    for canonical in targets:
        name = _type_of(canonical, judging)
        if name is None:
            _say_unknown(canonical, node, judging)
            return
        types.append(name)
        if derives(type_, name, R4):
            mine.append(canonical)
    if not mine:
        names = " or ".join(dict.fromkeys(types))
        judging.say(
            "structure",
            f"This reference may lead to {names} in the profile, and leads to {type_}",
            f"Cette référence désigne {' ou '.join(dict.fromkeys(types))} dans le profil, et ici {type_}",
            node,
        )
        return
    if not isinstance(target, Node) or judging.hops >= HOPS or any(_is_type(one) for one in mine):
        return
    judging.hops += 1
    try:
        _judge_one_of(mine, target, node, judging)
    finally:
        judging.hops -= 1


def _is_type(canonical: str) -> bool:
    """Whether a canonical is that of a type of FHIR's own, which every resource of the type conforms to."""
    return canonical.startswith(CORE) and is_type(canonical.removeprefix(CORE).partition("|")[0])


def _type_of(canonical: str, judging: Judging) -> str | None:
    if _is_type(canonical):
        return canonical.removeprefix(CORE).partition("|")[0]
    found = judging.library.profile(judging.library.near(canonical))
    return found.type if isinstance(found, Profile) else None
