"""The cases of the reference validator, each with its own options: the same verdict, the first error at the same place.

`docs/conformance.md` has the tables below in words.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions.packaged import SHIPPED
from fhir_server.kernel.errors import FhirError
from fhir_server.kernel.issues import Issue
from fhir_server.kernel.wire import decode
from fhir_server.validation.judge import judge
from fhir_server.validation.world import Options, World
from fhir_server.web import xml
from terminology.codes import codes_of

CASES = Path(__file__).parents[2].parent / "shared/conformance/validator"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="../shared/conformance/validator is not there")

# Case → the definition that R4 4.0.1 does not have and the verdict rests on.
UNDECIDABLE = {
    "bundle-id-5": "the code system of CVX (http://hl7.org/fhir/sid/cvx), for the display of a code",
}
# Case → why our verdict is another one.
OTHERWISE = {
    "contained-resource-bad-id-ignore": (
        "rests on an option (validateContains: IGNORE) that the entry does not name; an id of 65 characters and a "
        "contained resource that nothing refers to are errors of R4"
    ),
    "bad-markdown-no-html": (
        "rests on an option (no HTML in markdown) that the entry does not name; R4 lets markdown have it"
    ),
}
# Case → why our first error is at another place.
ELSEWHERE = {
    "japanese-utf8-ok": "not UTF-8: the body is refused whole, at a line and column",
    "bundle-ea-testcase": "rests on options (no experimental content) that the entry does not name",
    "versioned-extension": "the same errors in another order: structure first",
    "relative_reference_to_fullUrl.id_in_Composition": "the reference always says entry[0]; it is entry[1]",
    "relative_reference_to_TYPE_ID.all_fullUrl_UUID": "the reference counts from 1; it is entry[0], author[0]",
    "synthea": "the same errors in another order",
    "vs-params-2": "the extension stands beside the filter's value, which the reference leaves out",
    "vs-params-3": "the extension stands beside the filter's value, which the reference leaves out",
}
# The texts of code systems that R4 names and does not carry.
UNCARRIED = re.compile(
    r"Wrong Display Name .* for (http://loinc\.org|http://snomed\.info/sct|http://hl7\.org/fhir/sid)"
)


def cases() -> list[dict[str, Any]]:
    if not CASES.is_dir():
        return []
    found: list[dict[str, Any]] = json.loads((CASES / "index.json").read_bytes())
    return found


def readable(case: dict[str, Any]) -> bool:
    """Whether there is a resource to judge: what cannot be read is told by the parsers, in English."""
    if not case["file"].endswith(".json"):
        return False
    try:
        decode((CASES / case["file"]).read_bytes())
    except FhirError:
        return False
    return True


def options_of(case: dict[str, Any]) -> Options:
    """The reference knows no extension that it has no definition of, examples aside."""
    return Options(
        unknown_extensions="error",
        examples=case.get("examples", True),
        no_markup=case.get("security-checks", False),
    )


def issues_of(case: dict[str, Any]) -> list[Issue]:
    body = (CASES / case["file"]).read_bytes()
    try:
        tree = xml.tree_of(body) if case["file"].endswith(".xml") else decode(body)
    except FhirError as error:
        return list(error.issues)
    world = World(SHIPPED, codes_of(SHIPPED), options=options_of(case))
    return judge(tree, world)


def errors_of(issues: list[Issue]) -> list[Issue]:
    return [issue for issue in issues if issue.severity in {"error", "fatal"}]


def plain(expression: str) -> str:
    """A place as both write it: without types of choices, comments, and the index where XML is read."""
    if expression == "(xml)":
        return ""
    if "/f:" in expression:
        return expression.replace("/f:", ".").strip(".")
    for written in (r"/\*.*?\*/", r"\.ofType\(\w+\)", r"\[url='[^']*'\]"):
        expression = re.sub(written, "", expression)
    return expression.rstrip(".")


def first_place(case: dict[str, Any]) -> str | None:
    """Of the first error that can be found from what R4 carries."""
    for text, expression in zip(case["errorMessages"], case["errorExpressions"], strict=True):
        if not UNCARRIED.match(text):
            return plain(expression or "")
    return None


def same_place(ours: str, theirs: str, case: dict[str, Any]) -> bool:
    in_xml = "/f:" in (case["errorExpressions"][0] or "")
    return (re.sub(r"\[\d+\]", "", ours) if in_xml else ours) == theirs


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["name"])
def test_the_verdict_is_that_of_the_reference(case: dict[str, Any]) -> None:
    if case["name"] in UNDECIDABLE:
        pytest.skip(f"rests on {UNDECIDABLE[case['name']]}")

    errors = errors_of(issues_of(case))

    agrees = bool(errors) == (case["errors"] > 0)
    assert agrees == (case["name"] not in OTHERWISE), [(e.expression, e.text) for e in errors]


def test_the_first_error_is_at_the_same_place_but_for_what_is_explained() -> None:
    elsewhere, judged = set(), 0
    for case in cases():
        theirs = first_place(case) if case["errors"] else None
        errors = errors_of(issues_of(case)) if theirs is not None else []
        if theirs is None or case["name"] in OTHERWISE:
            continue
        judged += 1
        if not errors or not same_place(errors[0].expression, theirs, case):
            elsewhere.add(case["name"])

    assert elsewhere == ELSEWHERE.keys()
    assert len(elsewhere) <= 0.2 * judged


def test_nearly_all_cases_are_decided_and_decided_alike() -> None:
    decided = len(cases()) - len(UNDECIDABLE)

    assert len(UNDECIDABLE) <= 8
    assert len(OTHERWISE) <= 0.03 * decided


@pytest.mark.parametrize("case", [case for case in cases() if readable(case)], ids=lambda case: case["name"])
def test_every_issue_is_told_in_both_languages(case: dict[str, Any]) -> None:
    for issue in issues_of(case):
        assert issue.french, issue.text
