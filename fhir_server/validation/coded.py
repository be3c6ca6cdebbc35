"""Codes: whether they are of the value set that an element is bound to, of their code system, and called by their name.

What cannot be told is said once for each value set; what is looked up first counts as right until it is known.

https://hl7.org/fhir/R4/terminologies.html#strength
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from fhir_server.fhirpath.values import Node
from fhir_server.kernel.issues import Severity
from fhir_server.kernel.wire import Tree
from fhir_server.validation.judging import Judging
from fhir_server.validation.nos import meant
from fhir_server.validation.profile_rules import Binding
from terminology.membership import LATER, NO, UNKNOWN, YES, Code, Held

_SEVERITY: Final[dict[str, Severity]] = {
    "required": "error",
    "extensible": "warning",
    "preferred": "information",
}
_ASKED: Final = {
    "required": ("is required here", "obligatoire ici"),
    "extensible": (
        "is to be used here where it has a suitable code",
        "à employer ici s'il a un code qui convient",
    ),
    "preferred": ("is recommended here", "recommandé ici"),
}


def code_in(coding: Any, judging: Judging) -> Code | None:
    """The code of a Coding or a Quantity, which is asked for again and again: by its code system, by each binding."""
    found = judging.codes.get(id(coding))
    if found is None:
        found = judging.codes[id(coding)] = coding, _code_in(coding)
    return found[1]


def _code_in(coding: Any) -> Code | None:
    if type(coding) is not dict or type(coding.get("code")) is not str:
        return None
    system, version, display = coding.get("system", ""), coding.get("version", ""), coding.get("display", "")
    if type(system) is type(version) is type(display) is str:
        return Code(system, coding["code"], version, display)
    return Code(
        system if type(system) is str else "",
        coding["code"],
        version if type(version) is str else "",
        display if type(display) is str else "",
    )


def is_bound(binding: Binding, value: Any, type_: str, judging: Judging) -> bool:
    """Whether an item of a type has a code that surely is of the value set: asked of JSON itself."""
    within = judging.world.codes.within
    if type(value) is str:
        return within(binding.value_set, Code(None, value)) is YES
    if type(value) is not dict:
        return False
    codings = value.get("coding") if type_ == "CodeableConcept" else [value]
    if type(codings) is not list:
        return False
    for coding in codings:
        code = code_in(coding, judging)
        if code is not None and within(binding.value_set, code) is YES:
            return True
    return False


def judge_binding(binding: Binding, node: Node, judging: Judging) -> None:
    """Whether a code, Coding, CodeableConcept, Quantity, string or uri has a code of the value set."""
    codes = _codes_of(node, judging)
    if codes is None:
        return
    if not codes:
        _without(binding, node, judging)
        return
    held = _among(binding.value_set, codes, judging)
    if held is NO and (others := [one for code in codes if (one := meant(code)) is not None]):
        held = _among(binding.value_set, others, judging)
        if held is not NO:
            _say_misspelt(node, judging)
    if held is UNKNOWN and binding.strength != "preferred":
        _unknown(binding.value_set, node, judging)
    elif held is NO:
        _say_outside(binding, len(codes) > 1, node, judging)
    if binding.maximum and held is not YES:
        _judge_maximum(binding.maximum, codes, node, judging)


def _say_outside(binding: Binding, several: bool, node: Node, judging: Judging) -> None:
    few = judging.world.codes.few(binding.value_set)
    english, french = _outside(binding, several, few)
    judging.say("code-invalid", english, french, node, _SEVERITY[binding.strength])


@lru_cache(maxsize=512)
def _outside(binding: Binding, several: bool, few: tuple[str, ...]) -> tuple[str, str]:
    """The sentences, which are the same for all codes."""
    english, french = _ASKED[binding.strength]
    what, quoi = (
        ("No coding is", "Aucun codage n'est") if several else ("The code is not", "Le code n'est pas")
    )
    hint = f": {', '.join(few)}" if few else ""
    return (
        f"{what} of the value set {binding.value_set}, which {english}{hint}",
        f"{quoi} du jeu de valeurs {binding.value_set}, {french}{' ' if hint else ''}{hint}",
    )


def _say_misspelt(node: Node, judging: Judging) -> None:
    judging.say(
        "code-invalid",
        "The system of the code is not written as the NOS writes it: …/NOS/TRE_X/FHIR/TRE-X",
        "Le système du code n'est pas écrit comme le fait la NOS : …/NOS/TRE_X/FHIR/TRE-X",
        node,
        "warning",
    )


def _judge_maximum(value_set: str, codes: Sequence[Code], node: Node, judging: Judging) -> None:
    held = _among(value_set, codes, judging)
    if held is UNKNOWN:
        _unknown(value_set, node, judging)
    elif held is NO:
        judging.say(
            "code-invalid",
            f"The code is not of the value set {value_set}, which none may leave here",
            f"Le code n'est pas du jeu de valeurs {value_set}, hors duquel rien n'est admis ici",
            node,
        )


def _among(value_set: str, codes: Sequence[Code], judging: Judging) -> Held:
    """Whether one of several codes is of a value set."""
    within = judging.world.codes.within
    if len(codes) == 1:
        return within(value_set, codes[0])
    found = [within(value_set, code) for code in codes]
    for answer in (YES, LATER, UNKNOWN):
        if answer in found:
            return answer
    return NO


def _codes_of(node: Node, judging: Judging) -> list[Code] | None:
    """The codes of an item; None where a binding has no say: no value, or the value of another type."""
    value = node.value
    if node.type == "CodeableConcept":
        codings = value.get("coding") if type(value) is dict else None
        return [code for one in codings if (code := code_in(one, judging))] if type(codings) is list else []
    if type(value) is dict:
        code = code_in(value, judging)
        return [] if code is None else [code]
    return [Code(None, value)] if type(value) is str else None


def _without(binding: Binding, node: Node, judging: Judging) -> None:
    """An item with no code at all, where one is to be."""
    if node.type == "Quantity" or binding.strength == "preferred":
        return
    required = binding.strength == "required"
    judging.say(
        "code-invalid",
        f"There is no code, and one of {binding.value_set} {'is required' if required else 'should be'} here",
        f"Il n'y a pas de code, et il en {'faut' if required else 'faudrait'} un de {binding.value_set} ici",
        node,
        "error" if required else "warning",
    )


def _unknown(value_set: str, node: Node, judging: Judging) -> None:
    judging.cannot_check(
        value_set,
        f"Cannot check whether codes are of {value_set}: the value set, or a code system it needs, is not known here",
        f"Impossible de vérifier les codes : le jeu de valeurs {value_set}, ou un système de codes qu'il emploie, "
        "n'est pas connu ici",
        node,
    )


def is_known(coding: Tree, judging: Judging) -> bool:
    """Whether there is surely nothing to say of a Coding or a Quantity by itself."""
    code = code_in(coding, judging)
    if code is None or not code.system:
        return True
    held = judging.world.codes.known(code)
    if held is YES and code.display:
        displays = judging.world.codes.displays(code)
        return not displays or code.display in displays
    return held is not NO


def judge_coding(coding: Tree, node: Node, judging: Judging) -> None:
    """A Coding by itself, whatever it is bound to. `node` is the Coding's, or the Quantity's."""
    code = code_in(coding, judging)
    if code is None or not code.system:
        return
    held = judging.world.codes.known(code)
    if held is NO and not _elsewhere(code, judging):
        judging.say(
            "code-invalid",
            "The code system has no such code",
            "Le système de codes n'a pas ce code",
            f"{node.place}.code",
        )
    elif held is YES and code.display:
        _judge_display(code, node, judging)


def _elsewhere(code: Code, judging: Judging) -> bool:
    """Whether another version of the code system, where the coding names none, has the code."""
    versions = () if code.version else judging.world.registry.versions("CodeSystem", code.system or "")
    codes = judging.world.codes
    return len(versions) > 1 and any(
        codes.known(replace(code, version=version)) in {YES, LATER} for version in versions
    )


def _judge_display(code: Code, node: Node, judging: Judging) -> None:
    displays = judging.world.codes.displays(code)
    if not displays or code.display in displays:
        return
    folded = {_folded(one) for one in displays}
    if _folded(code.display) not in folded:
        judging.say(
            "invalid",
            "The display is not one of the names that the code system gives to this code",
            "Le libellé (display) n'est pas un de ceux que le système de codes donne à ce code",
            f"{node.place}.display",
            "warning",
        )


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
