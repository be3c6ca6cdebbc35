from __future__ import annotations

import time

import pytest

from terminology.errors import NotExpandable
from terminology.grammars import GRAMMARS, LANGUAGES, MEDIA_TYPES
from terminology.implicit import implicit
from terminology.units import UCUM


@pytest.mark.parametrize(
    ("system", "code", "display"),
    [
        (LANGUAGES, "fr", "French"),
        (LANGUAGES, "fr-FR", "French (France)"),
        (LANGUAGES, "FR-fr", "French (France)"),
        (LANGUAGES, "zh-Hant-TW", "Chinese (Taiwan)"),
        (LANGUAGES, "rcf", ""),
        (LANGUAGES, "de-1996", "German"),
        (LANGUAGES, "es-419", "Spanish"),
        (LANGUAGES, "x-prive", ""),
        (LANGUAGES, "i-klingon", ""),
        (LANGUAGES, "qq", None),
        (LANGUAGES, "fr-QX", None),
        (LANGUAGES, "fr_FR", None),
        (LANGUAGES, "f", None),
        (LANGUAGES, "", None),
        (LANGUAGES, "a" * 300, None),
        (MEDIA_TYPES, "application/fhir+json", ""),
        (MEDIA_TYPES, "text/plain; charset=UTF-8", ""),
        (MEDIA_TYPES, 'text/plain;format="a b"', ""),
        (MEDIA_TYPES, "json", ""),
        (MEDIA_TYPES, "pdf", None),
        (MEDIA_TYPES, "text/", None),
        (MEDIA_TYPES, "text/plain charset", None),
        (UCUM, "mg/dL", "mg/dL"),
        (UCUM, "{score}", "{score}"),
        (UCUM, "mmol/kg/h", "mmol/kg/h"),
        (UCUM, "°C", None),
        (UCUM, "foo", None),
        (UCUM, "(" * 5000, None),
    ],
)
def test_a_grammar_tells_which_codes_there_are(system: str, code: str, display: str | None) -> None:
    concept = GRAMMARS[system].find(code)

    assert (concept and concept.display) == display


@pytest.mark.parametrize("system", [LANGUAGES, MEDIA_TYPES, UCUM])
@pytest.mark.parametrize("text", ["a-" * 99, "a/b" + ";c=d" * 49, "a" * 199, "x-" + "a1-" * 65, "((((" * 49])
def test_no_text_keeps_a_grammar_busy(system: str, text: str) -> None:
    start = time.perf_counter()

    GRAMMARS[system].find(text)

    assert time.perf_counter() - start < 2


SCT, LOINC = "http://snomed.info/sct", "http://loinc.org"


@pytest.mark.parametrize(
    ("url", "include"),
    [
        (f"{SCT}?fhir_vs", {"system": SCT}),
        (
            f"{SCT}?fhir_vs=isa/73211009",
            {"system": SCT, "filter": [{"property": "concept", "op": "is-a", "value": "73211009"}]},
        ),
        (
            f"{SCT}?fhir_vs=refset/700043003",
            {"system": SCT, "filter": [{"property": "concept", "op": "in", "value": "700043003"}]},
        ),
        (
            f"{SCT}/11000315107/version/20240621?fhir_vs",
            {"system": SCT, "version": f"{SCT}/11000315107/version/20240621"},
        ),
        (f"{LOINC}/vs", {"system": LOINC}),
        (
            f"{LOINC}/vs/LL715-4",
            {"system": LOINC, "filter": [{"property": "LIST", "op": "=", "value": "LL715-4"}]},
        ),
        (
            f"{LOINC}/vs/LG100-4",
            {"system": LOINC, "filter": [{"property": "parent", "op": "=", "value": "LG100-4"}]},
        ),
    ],
)
def test_an_implicit_value_set_is_what_its_url_says(url: str, include: dict[str, object]) -> None:
    tree = implicit(url)

    assert tree is not None
    assert tree["compose"] == {"include": [include]}


@pytest.mark.parametrize("url", [f"{SCT}?fhir_vs=ecl/<73211009", f"{SCT}?fhir_vs=isa/x", f"{SCT}?fhir_vs="])
def test_an_implicit_value_set_that_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(NotExpandable):
        implicit(url)


@pytest.mark.parametrize("url", [SCT, f"{LOINC}/vs/8480-6", "http://example.org?fhir_vs", ""])
def test_other_urls_are_no_implicit_value_sets(url: str) -> None:
    assert implicit(url) is None
