"""The constraints that every clinical record meets, written in Python: expression → function of the JSON object.

They say what the expressions say (`corrections` included), many times faster. A function is only asked about objects
of sound shape; what is not may raise `TypeError`, `AttributeError` or `KeyError`.

https://hl7.org/fhir/R4/conformance-rules.html#constraints
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

from fhir_server.definitions.elements import shape_of
from fhir_server.fhirpath.quantities import amounts
from fhir_server.fhirpath.temporal import compare, day_of
from fhir_server.fhirpath.values import Node, Quantity, system_of
from fhir_server.kernel.wire import Tree, decimal_of

Form: TypeAlias = Callable[[Tree], bool]

_UCUM: Final = "http://unitsofmeasure.org"
_CODE_SYSTEMS: Final = "http://terminology.hl7.org/CodeSystem/"


def _has(name: str) -> Form:
    """Whether an element that is no choice is there."""
    beside = f"_{name}"
    return lambda node: name in node or beside in node


def _choice(shape: str, element: str) -> Form:
    """Whether an element that is a choice is there, under any of its names."""
    return lambda node: not _alternatives(shape, element).isdisjoint(node)


@cache
def _alternatives(shape: str, element: str) -> frozenset[str]:
    names = [child.property for child in shape_of(shape).children.values() if child.element == element]
    return frozenset(names) | {f"_{name}" for name in names}


def _any(*names: str) -> Form:
    keys = frozenset(names) | {f"_{name}" for name in names}
    return lambda node: not keys.isdisjoint(node)


def _if(one: Form, other: Form) -> Form:
    """Where one is there, so is the other."""
    return lambda node: not one(node) or other(node)


def _not_both(one: Form, other: Form) -> Form:
    return lambda node: not (one(node) and other(node))


def _not_negative(name: str) -> Form:
    # The value may be there for its extensions only: no number, and an expression has no answer, which fails.
    beside = f"_{name}"
    return lambda node: decimal_of(node[name]) >= 0 if name in node else beside not in node


def _codings(concept: Tree | None) -> Iterator[Tree]:
    yield from (concept or {}).get("coding", ())


def _coded(concept: Tree | None, system: str, *codes: str) -> bool:
    return any(coding.get("system") == system and coding.get("code") in codes for coding in _codings(concept))


def _entered_in_error(node: Tree, system: str) -> bool:
    return _coded(node.get("verificationStatus"), _CODE_SYSTEMS + system, "entered-in-error")


def in_order(start: str, end: str) -> bool:
    """Whether one date is not after another. Unlike precisions may leave it open, which is a no as for FHIRPath."""
    if start == end:
        return True
    if len(start) == len(end) and start[19:] == end[19:]:
        return start <= end
    one, other = day_of(start, kind="DateTime"), day_of(end, kind="DateTime")
    return one is None or other is None or compare(one, other) in (-1, 0)


def _ordered(start: str, end: str) -> Form:
    def form(node: Tree) -> bool:
        one, other = node.get(start), node.get(end)
        return one is None or other is None or in_order(one, other)

    return form


def _range(node: Tree) -> bool:
    low, high = (_quantity(node.get(name)) for name in ("low", "high"))
    if low is None or high is None:
        return True
    both = amounts(low, high)
    return both is not None and both[0] <= both[1]


def _quantity(tree: Any) -> Quantity | None:
    if not tree:
        return None
    found = system_of(Node(tree, "Quantity"))
    return found if isinstance(found, Quantity) else None


def _ratio(node: Tree) -> bool:
    numerator = "numerator" in node
    return (numerator == ("denominator" in node)) and (numerator or "extension" in node)


def _timing_offset(node: Tree) -> bool:
    if "offset" not in node and "_offset" not in node:
        return True
    when = node.get("when", ())
    return ("when" in node or "_when" in node) and not any(one in ("C", "CM", "CD", "CV") for one in when)


def _appointment_times(node: Tree) -> bool:
    both = _START(node) and _END(node)
    return both or node.get("status") in ("proposed", "cancelled", "waitlist")


def _problem_has_status(node: Tree) -> bool:
    return (
        "clinicalStatus" in node
        or _entered_in_error(node, "condition-ver-status")
        or not any(
            _coded(category, _CODE_SYSTEMS + "condition-category", "problem-list-item")
            for category in node.get("category", ())
        )
    )


def _abated(node: Tree) -> bool:
    return not _ABATEMENT(node) or _coded(
        node.get("clinicalStatus"), _CODE_SYSTEMS + "condition-clinical", "resolved", "remission", "inactive"
    )


def _no_value_of_component(node: Tree) -> bool:
    """obs-7: the code of a component is not that of the observation, where this one has a value."""
    if not _VALUE(node):
        return True
    # Codings are equal as trees: the same elements with the same values.
    codings = list(_codings(node.get("code")))
    return not any(
        coding in codings
        for component in node.get("component", ())
        for coding in _codings(component.get("code"))
    )


def _bundle_requests(node: Tree) -> bool:
    asked = node.get("type") in ("batch", "transaction", "history")
    return all(("request" in entry) is asked for entry in node.get("entry", ()))


def _bundle_responses(node: Tree) -> bool:
    answered = node.get("type") in ("batch-response", "transaction-response", "history")
    return all(("response" in entry) is answered for entry in node.get("entry", ()))


def _full_urls_differ(node: Tree) -> bool:
    if node.get("type") == "history":
        return True
    urls = [
        entry.get("fullUrl", "") + (entry.get("resource", {}).get("meta") or {}).get("versionId", "")
        for entry in node.get("entry", ())
        if "fullUrl" in entry or "_fullUrl" in entry
    ]
    return len(set(urls)) == len(urls)


def _first_is(type: str, wanted: str) -> Form:
    def form(node: Tree) -> bool:
        if node.get("type") != type:
            return True
        entry = node.get("entry")
        return entry is not None and entry[0].get("resource", {}).get("resourceType") == wanted

    return form


def _document_has_identifier(node: Tree) -> bool:
    identifier = node.get("identifier") or {}
    return node.get("type") != "document" or (_any("system")(identifier) and _any("value")(identifier))


def _parameter(node: Tree) -> bool:
    part, value, resource = "part" in node, _PARAMETER_VALUE(node), "resource" in node
    return (part and not value and not resource) or (not part and value != resource)


def _consent(code: str) -> Form:
    # The code system is `something` in the expression: no Consent has it.
    return lambda node: "patient" in node or not _coded(node.get("scope"), "something", code)


def _repeated(node: Tree, name: str) -> int:
    return max(len(node.get(name, ())), len(node.get(f"_{name}", ())))


def _item_children(node: Tree) -> bool:
    return (node.get("type") != "group" or "item" in node) and (
        node.get("type") != "display" or "item" not in node
    )


def _item_type(*types: str) -> Form:
    return lambda node: node.get("type") in types


def _unless(condition: Form, *absent: str) -> Form:
    """Elements that are not there unless a condition holds."""
    there = _any(*absent)
    return lambda node: not there(node) or condition(node)


def _display(*absent: str) -> Form:
    there = _any(*absent)
    return lambda node: node.get("type") != "display" or not there(node)


def _use_is_not_home(node: Tree) -> bool:
    return node.get("use") != "home"


_START, _END = _has("start"), _has("end")
_RATE = _choice("MedicationAdministration.dosage", "rate")
_VALUE = _choice("Observation", "value")
_ABATEMENT = _choice("Condition", "abatement")
_PARAMETER_VALUE = _choice("Parameters.parameter", "value")

FORMS: Final[Mapping[str, Form]] = {
    "data.empty() or contentType.exists()": _if(_has("data"), _has("contentType")),
    "value.empty() or system.exists()": _if(_has("value"), _has("system")),
    "code.empty() or system.exists()": _if(_has("code"), _has("system")),
    "comparator.empty()": _not_both(_has("comparator"), lambda _node: True),
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": _ordered("start", "end"),
    "low.empty() or high.empty() or (low <= high)": _range,
    "(numerator.empty() xor denominator.exists()) and (numerator.exists() or extension.exists())": _ratio,
    "expression.exists() or reference.exists()": _any("expression", "reference"),
    "duration.empty() or durationUnit.exists()": _if(_has("duration"), _has("durationUnit")),
    "period.empty() or periodUnit.exists()": _if(_has("period"), _has("periodUnit")),
    "duration.exists() implies duration >= 0": _not_negative("duration"),
    "period.exists() implies period >= 0": _not_negative("period"),
    "periodMax.empty() or period.exists()": _if(_has("periodMax"), _has("period")),
    "durationMax.empty() or duration.exists()": _if(_has("durationMax"), _has("duration")),
    "countMax.empty() or count.exists()": _if(_has("countMax"), _has("count")),
    "offset.empty() or (when.exists() and ((when in ('C' | 'CM' | 'CD' | 'CV')).not()))": _timing_offset,
    "timeOfDay.empty() or when.empty()": _not_both(_has("timeOfDay"), _has("when")),
    "verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/"
    "allergyintolerance-verification' and code = 'entered-in-error').exists() or clinicalStatus.exists()": (
        lambda node: "clinicalStatus" in node or _entered_in_error(node, "allergyintolerance-verification")
    ),
    "verificationStatus.coding.where(system = 'http://terminology.hl7.org/CodeSystem/"
    "allergyintolerance-verification' and code = 'entered-in-error').empty() or clinicalStatus.empty()": (
        lambda node: (
            "clinicalStatus" not in node or not _entered_in_error(node, "allergyintolerance-verification")
        )
    ),
    "type.exists() or actor.exists()": _any("type", "actor"),
    "start.exists() = end.exists()": lambda node: _START(node) is _END(node),
    "(start.exists() and end.exists()) or (status in ('proposed' | 'cancelled' | 'waitlist'))": (
        _appointment_times
    ),
    "participantType.exists() or actor.exists()": _any("participantType", "actor"),
    "total.empty() or (type = 'searchset') or (type = 'history')": _unless(
        _item_type("searchset", "history"), "total"
    ),
    "entry.search.empty() or (type = 'searchset')": lambda node: (
        node.get("type") == "searchset" or not any("search" in entry for entry in node.get("entry", ()))
    ),
    "entry.all(request.exists() = (%resource.type = 'batch' or %resource.type = 'transaction'"
    " or %resource.type = 'history'))": _bundle_requests,
    "entry.all(response.exists() = (%resource.type = 'batch-response' or %resource.type ="
    " 'transaction-response' or %resource.type = 'history'))": _bundle_responses,
    "resource.exists() or request.exists() or response.exists()": _any("resource", "request", "response"),
    "(type = 'history') or entry.where(fullUrl.exists()).select(fullUrl&resource.meta.versionId)"
    ".isDistinct()": _full_urls_differ,
    "fullUrl.contains('/_history/').not()": lambda node: "/_history/" not in node.get("fullUrl", ""),
    "type = 'document' implies (identifier.system.exists() and identifier.value.exists())": (
        _document_has_identifier
    ),
    "type = 'document' implies (timestamp.hasValue())": lambda node: (
        node.get("type") != "document" or "timestamp" in node
    ),
    "type = 'document' implies entry.first().resource.is(Composition)": _first_is("document", "Composition"),
    "type = 'message' implies entry.first().resource.is(MessageHeader)": _first_is(
        "message", "MessageHeader"
    ),
    "text.exists() or entry.exists() or section.exists()": _any("text", "entry", "section"),
    "emptyReason.empty() or entry.empty()": _not_both(_has("emptyReason"), _has("entry")),
    "summary.exists() or assessment.exists()": _any("summary", "assessment"),
    "code.exists() or detail.exists()": _any("code", "detail"),
    "clinicalStatus.exists() or verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/"
    "condition-ver-status' and code = 'entered-in-error').exists() or"
    " category.select($this='problem-list-item').empty()": _problem_has_status,
    "abatement.empty() or clinicalStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/"
    "condition-clinical' and (code='resolved' or code='remission' or code='inactive')).exists()": _abated,
    "verificationStatus.coding.where(system='http://terminology.hl7.org/CodeSystem/condition-ver-status'"
    " and code='entered-in-error').empty() or clinicalStatus.empty()": lambda node: (
        "clinicalStatus" not in node or not _entered_in_error(node, "condition-ver-status")
    ),
    "detail.empty() or reference.empty()": _not_both(_has("detail"), _has("reference")),
    "policy.exists() or policyRule.exists()": _any("policy", "policyRule"),
    **{
        "patient.exists() or scope.coding.where(system='something' and code="
        f"'{code}').exists().not()": _consent(code)
        for code in ("patient-privacy", "research", "adr", "treatment")
    },
    "age.empty() or born.empty()": _not_both(
        _choice("FamilyMemberHistory", "age"), _choice("FamilyMemberHistory", "born")
    ),
    "age.exists() or estimatedAge.empty()": _if(_has("estimatedAge"), _choice("FamilyMemberHistory", "age")),
    "(detail.exists() and measure.exists()) or detail.exists().not()": _if(
        _choice("Goal.target", "detail"), _has("measure")
    ),
    "member.empty() or (actual = true)": lambda node: "member" not in node or node.get("actual") is True,
    "documentType.exists() or reference.exists()": _any("documentType", "reference"),
    "(part.exists() and value.empty() and resource.empty()) or (part.empty() and (value.exists() xor"
    " resource.exists()))": _parameter,
    "lastModified.exists().not() or authoredOn.exists().not() or lastModified >= authoredOn": _ordered(
        "authoredOn", "lastModified"
    ),
    "mode = 'changes' or entry.deleted.empty()": lambda node: (
        node.get("mode") == "changes" or not any(_any("deleted")(entry) for entry in node.get("entry", ()))
    ),
    "mode = 'working' or entry.date.empty()": lambda node: (
        node.get("mode") == "working" or not any(_any("date")(entry) for entry in node.get("entry", ()))
    ),
    "dose.exists() or rate.exists()": lambda node: "dose" in node or _RATE(node),
    "whenHandedOver.empty() or whenPrepared.empty() or whenHandedOver >= whenPrepared": _ordered(
        "whenPrepared", "whenHandedOver"
    ),
    "low.exists() or high.exists() or text.exists()": _any("low", "high", "text"),
    "dataAbsentReason.empty() or value.empty()": lambda node: (
        "dataAbsentReason" not in node or not _VALUE(node)
    ),
    "value.empty() or component.code.where(coding.intersect(%resource.code.coding).exists()).empty()": (
        _no_value_of_component
    ),
    "(identifier.count() + name.count()) > 0": _any("identifier", "name"),
    "where(use = 'home').empty()": _use_is_not_home,
    "name.exists() or telecom.exists() or address.exists() or organization.exists()": _any(
        "name", "telecom", "address", "organization"
    ),
    "orderDetail.empty() or code.exists()": _if(_has("orderDetail"), _has("code")),
    "(answer.exists() and item.exists()).not()": _not_both(_has("answer"), _has("item")),
    "name.empty() or query.empty()": _not_both(_has("name"), _has("query")),
    "(type='group' implies item.empty().not()) and (type.trace('type')='display' implies"
    " item.trace('item').empty())": _item_children,
    "type!='display' or code.empty()": _display("code"),
    "answerOption.empty() or answerValueSet.empty()": _not_both(_has("answerOption"), _has("answerValueSet")),
    "(type ='choice' or type = 'open-choice' or type = 'decimal' or type = 'integer' or type = 'date' or"
    " type = 'dateTime' or type = 'time' or type = 'string' or type = 'quantity') or"
    " (answerValueSet.empty() and answerOption.empty())": _unless(
        _item_type(
            *("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity")
        ),
        "answerValueSet",
        "answerOption",
    ),
    "type!='display' or (required.empty() and repeats.empty())": _display("required", "repeats"),
    "(type!='group' and type!='display') or initial.empty()": lambda node: (
        node.get("type") not in ("group", "display") or "initial" not in node
    ),
    "type!='display' or readOnly.empty()": _display("readOnly"),
    "(type in ('boolean' | 'decimal' | 'integer' | 'string' | 'text' | 'url' | 'open-choice')) or"
    " maxLength.empty()": _unless(
        _item_type("boolean", "decimal", "integer", "string", "text", "url", "open-choice"), "maxLength"
    ),
    "answerOption.empty() or initial.empty()": _not_both(_has("answerOption"), _has("initial")),
    "enableWhen.count() > 2 implies enableBehavior.exists()": lambda node: (
        _repeated(node, "enableWhen") < 2 or _any("enableBehavior")(node)
    ),
    "repeats=true or initial.count() <= 1": lambda node: (
        node.get("repeats") is True or _repeated(node, "initial") <= 1
    ),
}

# Expressions (as `corrections` has them) that ask beyond the object, with what makes them certain without asking.
CERTAIN: Final[Mapping[str, Form]] = {
    "onBehalfOf.exists() implies (member.resolve().empty() or member.resolve().ofType(Practitioner).exists())": (
        lambda node: "onBehalfOf" not in node
    ),
    "definition.resource.fhirVersion.all(%context.fhirVersion contains $this)": (
        lambda node: "definition" not in node
    ),
}
