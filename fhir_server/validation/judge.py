"""Everything that is wrong with a resource: structure, constraints, codes, extensions, profiles and the rules in prose.

`judge` never waits. What must be looked up first (codes in a database, resources that references lead to) counts as
right and is remembered by the world; whoever can wait settles it and judges again.

https://hl7.org/fhir/R4/validation.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fhir_server.definitions.catalogue import resource_types
from fhir_server.definitions.model import R4
from fhir_server.fhirpath.tree import root_of
from fhir_server.fhirpath.values import Node
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import Tree
from fhir_server.validation.base import base_issues
from fhir_server.validation.declared import judge_declared
from fhir_server.validation.grounds import judge_grounds
from fhir_server.validation.judging import Judging, TooCostly, is_wrong
from fhir_server.validation.library import library_of
from fhir_server.validation.profile_rules import Profile
from fhir_server.validation.profiled import conforms_to, problems_with
from fhir_server.validation.rules import issues_of
from fhir_server.validation.sane import sane
from fhir_server.validation.validator import MAX_ISSUES, check
from fhir_server.validation.world import World


def judge(tree: Tree, world: World, profiles: Sequence[str] = ()) -> list[Issue]:
    """All that is wrong with a resource, and what a reader should know of it; empty when there is nothing to say.

    `profiles` are canonicals that it is asked to conform to, beside those of its `meta.profile`.
    """
    issues = check(tree)
    type_ = tree.get("resourceType")
    if not isinstance(type_, str) or type_ not in resource_types():
        return issues
    sound = sane(tree) if issues else tree
    judging = _judging(world)
    try:
        judging.issues += base_issues(sound, world, judging.conforms_to)
        node = root_of(sound, R4)
        judge_grounds(node, judging)
        judge_declared(node, judging, profiles)
        judging.issues += issues_of(sound, world)
    except (TooCostly, RecursionError):
        judging.say(
            "too-costly",
            "The judgement costs more than is allowed, and was ended: there may be more to say",
            "L'examen coûte plus qu'il n'est permis et a été arrêté : il peut rester à dire",
            type_,
        )
    judging.end()
    if not judging.issues:
        return issues
    return list(_told_once(issues, judging.issues))


def conforms(node: Node, profile: str, world: World) -> bool | None:
    """Whether an item conforms to a profile; None: the profile is not known, or it cannot be told."""
    judging = _judging(world)
    if not isinstance(judging.library.profile(profile), Profile):
        return None
    try:
        return any(
            not is_wrong(problems_with(node, meant, judging) or [])
            for meant in judging.library.meant(profile)
        )
    except (TooCostly, RecursionError):
        return None


def _judging(world: World) -> Judging:
    judging = Judging(world, library_of(world.registry))

    def asked(node: Node, profile: str) -> bool | None:
        if not isinstance(judging.library.profile(profile), Profile):
            return None
        return any(conforms_to(node, meant, judging) for meant in judging.library.meant(profile))

    judging.conforms_to = asked
    return judging


def _told_once(structural: list[Issue], others: Iterable[Issue]) -> Iterator[Issue]:
    """All issues without repetition; where a value is none of its type, that is all there is to say of the place."""
    yield from structural
    wrong = {issue.expression for issue in structural if issue.code == "value"}
    told: set[Any] = set()
    room = {"error": MAX_ISSUES, "warning": MAX_ISSUES, "information": MAX_ISSUES, "fatal": MAX_ISSUES}
    for issue in others:
        key = (issue.expression, issue.code, issue.text)
        if key not in told and issue.expression not in wrong and room[issue.severity] > 0:
            told.add(key)
            room[issue.severity] -= 1  # a thousand warnings leave no error untold
            yield issue
