"""Whether a code is right, as `$validate-code` answers: in a value set, in a code system, and with its display.

What nobody here can tell is no answer: neither true nor false, but the reason.

https://hl7.org/fhir/R4/valueset-operation-validate-code.html · https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from terminology.desk import Later
from terminology.errors import NoAnswer, NotExpandable
from terminology.grammars import Grammar
from terminology.holding import Holding
from terminology.languages import matches, shown, texts
from terminology.library import Library
from terminology.lookup import UnknownCode, found_in
from terminology.membership import Code, Held
from terminology.systems import Concept, Tree

Language = Literal["en", "fr"]


@dataclass(frozen=True, slots=True)
class Sentence:
    english: str
    french: str

    def in_(self, language: Language) -> str:
        return self.french if language == "fr" else self.english


@dataclass(frozen=True, slots=True)
class Verdict:
    """`display`: the one that is right, where it is known."""

    result: bool
    display: str = ""
    message: Sentence | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    abstract: bool = True  # whether a code that groups others will do
    language: str = ""  # of displays


ANYHOW = Wanted()


def in_value_set(tree: Tree, codes: Sequence[Code], library: Library, wanted: Wanted = ANYHOW) -> Verdict:
    """Whether one of `codes`, those of a CodeableConcept or just one, is of a ValueSet. Raises `NoAnswer`, `Later`."""
    wrong: Verdict | None = None
    reason: NoAnswer | None = None
    later: Later | None = None
    for code in codes:
        holding = Holding(library, code)
        try:
            held = holding.of(tree)
            if held is Held.YES:
                verdict = _in_set(holding, wanted)
                if verdict.result:
                    return verdict
                wrong = wrong or verdict
        except Later as error:
            later = error
            continue
        if held is Held.UNKNOWN:
            reason = reason or holding.reason
    if later is not None:
        raise later
    if wrong is not None:
        return wrong
    if reason is not None:
        raise reason
    return Verdict(
        False,
        message=_why_not(codes, tree.get("url", "")),
    )


def _in_set(holding: Holding, wanted: Wanted) -> Verdict:
    code, said = holding.code, holding.said
    system = code.system or holding.system
    concept = holding.concept
    if concept is None and system:
        concept = _concept(holding.library, Code(system, code.code, code.version))
    designations = [*said.get("designation", ()), *(concept.designations if concept else ())]
    main = said.get("display", "") or (concept.display if concept else "")
    known = [one for one in (main, concept.display if concept else "") if one]
    near = holding.library.near(system)
    language = near.language if near else ""
    return _verdict(code, concept, known, designations, language, wanted)


def _concept(library: Library, code: Code) -> Concept | None:
    """The concept, where its code system is known. Raises `Later`."""
    try:
        return found_in(library, code.system or "", code.version, code.code)[1]
    except NoAnswer:
        return None


def in_code_system(
    codes: Sequence[Code], library: Library, url: str, version: str, wanted: Wanted
) -> Verdict:
    """Whether one of `codes` is of a code system. Raises `NoAnswer`, `Later`."""
    wrong: Verdict | None = None
    for code in codes:
        if code.system not in {None, url}:
            continue
        try:
            system, concept = found_in(library, url, version or code.version, code.code)
        except UnknownCode:
            known = library.system(url, version or code.version)
            if known is not None and not isinstance(known, Grammar) and not known.complete:
                raise NotExpandable(
                    f"only a part of the concepts of {url} is known here",
                    f"seule une partie des concepts de {url} est connue ici",
                ) from None
            continue
        language = "" if isinstance(system, Grammar) else system.language
        known_displays = [concept.display] if concept.display else []
        verdict = _verdict(code, concept, known_displays, concept.designations, language, wanted)
        if verdict.result:
            return verdict
        wrong = wrong or verdict
    return wrong or Verdict(
        False,
        message=Sentence(
            f"{url} has no such code" if len(codes) == 1 else f"none of the codes is one of {url}",
            f"{url} n'a pas ce code" if len(codes) == 1 else f"aucun des codes n'est de {url}",
        ),
    )


def _verdict(
    code: Code,
    concept: Concept | None,
    known: Sequence[str],
    designations: Sequence[Tree],
    language: str,
    wanted: Wanted,
) -> Verdict:
    best = shown(known[0], language, designations, wanted.language) if known else ""
    if not wanted.abstract and concept is not None and concept.abstract:
        return Verdict(
            False,
            best,
            Sentence(
                "The code only groups others and cannot be chosen",
                "Le code ne fait qu'en regrouper d'autres et ne peut être choisi",
            ),
        )
    if (
        code.display
        and known
        and not _is_one_of(code.display, _accepted(known, designations, language, wanted))
    ):
        return Verdict(
            False,
            best,
            Sentence(
                f"The display is not one of the code; '{best}' would be right",
                f"Le libellé n'est pas celui du code ; « {best} » serait juste",
            ),
        )
    return Verdict(True, best)


def _accepted(known: Sequence[str], designations: Sequence[Tree], language: str, wanted: Wanted) -> list[str]:
    """In all languages, or in the one that is asked for where there is a text in it."""
    if wanted.language:
        own = [
            one["value"]
            for one in designations
            if matches(one.get("language", ""), wanted.language) and "value" in one
        ]
        if matches(language, wanted.language):
            own += known
        if own:
            return own
    return [*known, *texts("", designations)]


def _is_one_of(display: str, accepted: Iterable[str]) -> bool:
    """Case and the number of spaces do not matter."""
    return _plain(display) in {_plain(one) for one in accepted}


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _why_not(codes: Sequence[Code], url: str) -> Sentence:
    of, de = (f"of {url}", f"de {url}") if url else ("of the value set", "du jeu de valeurs")
    if codes and not any(code.system for code in codes):
        return Sentence(
            f"Without its system, no code is one {of}", f"Sans son système, aucun code n'est {de}"
        )
    if len(codes) == 1:
        return Sentence(f"The code is not one {of}", f"Le code n'est pas {de}")
    return Sentence(f"None of the codes is one {of}", f"Aucun des codes n'est {de}")
