"""The profiles that a resource says it conforms to, and those that somebody asks it to.

Without a version, a canonical means the newest that is held. The national guides live in two generations at once, and
either will do: the one that the resource conforms to is named.

https://hl7.org/fhir/R4/resource.html#Meta
"""

from __future__ import annotations

from collections.abc import Iterable

from fhir_server.definitions.snapshots import CORE
from fhir_server.fhirpath.values import Node
from fhir_server.kernel.issues import Issue, Severity
from fhir_server.validation.implied import implied_profiles
from fhir_server.validation.judging import Judging, is_wrong
from fhir_server.validation.profile_rules import Unusable
from fhir_server.validation.profiled import problems_with


def judge_declared(node: Node, judging: Judging, asked: Iterable[str] = ()) -> None:
    """Judge a resource by the profiles of its `meta.profile`, and by those `asked` for beside."""
    options = judging.world.options
    meta = node.inside.get("meta") if options.declared else None
    declared = meta.get("profile") if isinstance(meta, dict) else None
    done: set[str] = set()
    for canonical in asked:
        if canonical not in done:
            done.add(canonical)
            _judge(canonical, node, judging, place=node.place, wanted=True)
    for canonical in implied_profiles(node.inside) if options.declared else ():
        if canonical not in done:
            done.add(canonical)
            _judge(canonical, node, judging, place=node.place, wanted=False)
    for index, canonical in enumerate(declared if isinstance(declared, list) else ()):
        if isinstance(canonical, str) and canonical not in done:
            done.add(canonical)
            _judge(canonical, node, judging, place=f"{node.place}.meta.profile[{index}]", wanted=False)


def _judge(canonical: str, node: Node, judging: Judging, *, place: str, wanted: bool) -> None:
    if canonical.partition("|")[0] == f"{CORE}{node.type}":
        return
    found: list[tuple[str, list[Issue]]] = []
    for meant in judging.library.meant(canonical) if "|" not in canonical else (canonical,):
        profile = judging.library.profile(meant)
        if profile is None or isinstance(profile, Unusable):
            _say_unusable(canonical, profile, place, judging, wanted=wanted)
            return
        if profile.abstract:
            judging.say(
                "not-supported",
                f"The profile {canonical} is abstract: a resource conforms to one that is derived from it",
                f"Le profil {canonical} est abstrait : une ressource se conforme à un profil qui en dérive",
                place,
                "error" if wanted else "warning",
            )
            return
        issues = problems_with(node, meant, judging) or []
        found.append((profile.canonical, issues))
        if not is_wrong(issues):
            break
    best, issues = found[-1] if not is_wrong(found[-1][1]) else min(found, key=lambda one: len(one[1]))
    judging.issues += issues
    if len(judging.library.meant(canonical)) > 1 and "|" not in canonical and not is_wrong(issues):
        judging.say(
            "informational",
            f"Of the versions that are held of this profile, the resource conforms to {best}",
            f"Parmi les versions détenues de ce profil, la ressource est conforme à {best}",
            place,
            "information",
        )


def _say_unusable(
    canonical: str, profile: Unusable | None, place: str, judging: Judging, *, wanted: bool
) -> None:
    severity: Severity = "error" if wanted else "warning"
    if profile is None:
        judging.say(
            "not-found",
            f"The profile {canonical} is not known here: the resource is not judged by it",
            f"Le profil {canonical} n'est pas connu ici : la ressource n'y est pas confrontée",
            place,
            severity,
        )
    else:
        judging.say(profile.code, profile.text, profile.french, place, severity)
