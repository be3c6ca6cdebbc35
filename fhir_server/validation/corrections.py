"""What expressions of R4 mean, where what is written does not say it.

R4 was published with constraints that fail on what their own text allows. Each is replaced, by the text of the
expression, with what its `human` says; most of them were corrected in later versions of FHIR.

https://hl7.org/fhir/R4/fhirpath.html · https://jira.hl7.org (FHIR-13084 and others)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_NAME: Final = r"[^\\s\\.,:;\\\'\"\\/|?!@#$%&*()\\[\\]{}]{1,64}"

_MEANT: Final[Mapping[str, str]] = {
    # An element that is absent gives no answer, which is not "no".
    "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')": "name.empty() or name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')",
    "fullUrl.contains('/_history/').not()": "fullUrl.empty() or fullUrl.contains('/_history/').not()",
    "probability is decimal implies (probability as decimal) <= 100": (
        "probability.empty() or (probability is decimal).not() or (probability as decimal) <= 100"
    ),
    "(low.empty() or ((low.code = '%') and (low.system = %ucum)))"
    " and (high.empty() or ((high.code = '%') and (high.system = %ucum)))": (
        "$this is decimal or ((low.empty() or ((low.code = '%') and (low.system = %ucum)))"
        " and (high.empty() or ((high.code = '%') and (high.system = %ucum))))"
    ),
    # The text says "more than one".
    "enableWhen.count() > 2 implies enableBehavior.exists()": (
        "enableWhen.count() > 1 implies enableBehavior.exists()"
    ),
    # FHIR's boolean is not System's.
    "operator = 'exists' implies (answer is Boolean)": "operator = 'exists' implies (answer is boolean)",
    # A category is a CodeableConcept, never equal to a word.
    "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/"
    "condition-ver-status' and code = 'entered-in-error').exists() or"
    " category.select($this='problem-list-item').empty()": (
        "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/"
        "condition-ver-status' and code = 'entered-in-error').exists() or category.coding.where("
        "system='http://terminology.hl7.org/CodeSystem/condition-category' and code='problem-list-item').empty()"
    ),
    # `when` repeats, and `in` takes one item.
    "offset.empty() or (when.exists() and ((when in ('C' | 'CM' | 'CD' | 'CV')).not()))": (
        "offset.empty() or (when.exists() and when.where($this in ('C' | 'CM' | 'CD' | 'CV')).empty())"
    ),
    # '#' alone is the resource around.
    "reference.startsWith('#').not() or"
    " (reference.substring(1).trace('url') in %rootResource.contained.id.trace('ids'))": (
        "reference.empty() or reference = '#' or reference.startsWith('#').not()"
        " or (reference.substring(1) in %rootResource.contained.id)"
    ),
    # `as` takes one item, and a link of any kind counts.
    "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().as(canonical)"
    " | %resource.descendants().as(uri) | %resource.descendants().as(url)))"
    " or descendants().where(reference = '#').exists() or descendants().where(as(canonical) = '#').exists()"
    " or descendants().where(as(canonical) = '#').exists()).not()).trace('unmatched', id).empty()": (
        "contained.where((('#'+id in (%resource.descendants().reference | %resource.descendants().ofType(canonical)"
        " | %resource.descendants().ofType(uri) | %resource.descendants().ofType(url)))"
        " or descendants().where(reference = '#').exists() or descendants().ofType(canonical).where($this = '#')"
        ".exists()).not()).empty()"
    ),
    # Nothing to look at is no reason to ask: `iif` of nothing is nothing.
    "onBehalfOf.exists() implies (member.resolve().iif(empty(), true, ofType(Practitioner).exists()))": (
        "onBehalfOf.exists() implies"
        " (member.resolve().empty() or member.resolve().ofType(Practitioner).exists())"
    ),
    # Parameters may point to resources by their type.
    "targetProfile.exists() implies (type = 'Reference' or type = 'canonical')": (
        "targetProfile.exists() implies (type = 'Reference' or type = 'canonical' or type.matches('^[A-Z]'))"
    ),
    # `max` other than '*' and no `min` in a differential.
    "min.empty() or max.empty() or (max = '*') or iif(max != '*', min <= max.toInteger())": (
        "min.empty() or max.empty() or (max = '*') or iif(max.toInteger().empty(), true, min <= max.toInteger())"
    ),
}
_BY_KEY: Final[Mapping[str, str]] = {
    # Patterns that were written to be matched whole.
    "eld-19": rf"path.matches('^{_NAME}(\\.{_NAME}(\\[x\\])?(\\:[^\\s\\.]+)?)*$')",
    "eld-20": r"path.matches('^[A-Za-z][A-Za-z0-9]*(\\.[a-z][A-Za-z0-9]*(\\[x\\])?)*$')",
}


def meant_by(expression: str, key: str) -> str:
    """The expression to evaluate; the same where it is right."""
    if key in _BY_KEY and "path.matches" in expression:
        return _BY_KEY[key]
    return _MEANT.get(expression, expression)
