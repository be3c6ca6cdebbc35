from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.definitions.model import R4
from fhir_server.fhirpath.errors import CannotEvaluate, FhirpathError
from fhir_server.fhirpath.evaluator import evaluate
from fhir_server.fhirpath.functions import FUNCTIONS
from fhir_server.fhirpath.values import Budget, Node, Quantity, system_of
from fhir_server.kernel.wire import Tree, decode, encode

BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"

PATIENT: Tree = decode(
    b"""{"resourceType": "Patient", "id": "p", "active": true,
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Org"}],
    "name": [
      {"use": "official", "family": "Payet", "given": ["Marie", null, "Ang\xc3\xa8le"],
       "_given": [null, {"id": "hidden"}, {"extension": [{"url": "u", "valueCode": "x"}]}]},
      {"use": "usual", "given": ["Mimi"]}],
    "birthDate": "1950-03-01",
    "_birthDate": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthTime",
                                  "valueDateTime": "1950-03-01T10:00:00+04:00"}]},
    "deceasedBoolean": false, "multipleBirthInteger": 2,
    "contact": [{"name": {"family": "Hoarau"}, "telecom": [{"system": "phone", "value": "1"}]}]}"""
)
OBSERVATION: Tree = decode(
    b"""{"resourceType": "Observation", "status": "final", "code": {"text": "c"},
    "valueQuantity": {"value": 185.0, "unit": "lbs", "system": "http://unitsofmeasure.org", "code": "[lb_av]"},
    "component": [{"code": {"text": "a"}, "valueInteger": 1}, {"code": {"text": "b"}, "valueString": "s"}]}"""
)


def answer(expression: str, tree: Tree, **options: Any) -> list[Node] | FhirpathError:
    try:
        return evaluate(expression, tree, R4, **options)
    except FhirpathError as refusal:
        return refusal


def code_of(found: list[Node] | FhirpathError) -> str:
    """The issue code of a refusal; nothing for an answer."""
    return found.issues[0].code if isinstance(found, FhirpathError) else ""


def values(expression: str, tree: Tree = PATIENT, **options: Any) -> list[object]:
    """Simple values, and the place of everything else."""
    return [
        node.place if (value := system_of(node)) is None else getattr(value, "text", value)
        for node in evaluate(expression, tree, R4, **options)
    ]


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("Patient.name.given", ["Marie", "Patient.name[0].given[1]", "Angèle", "Mimi"]),
        ("name.family", ["Payet"]),
        ("Patient.deceased", [False]),
        ("Patient.deceasedBoolean", []),
        ("DomainResource.id | Resource.id", ["p"]),
        ("Observation.status", []),
        ("Patient.name[1].use", ["usual"]),
        ("Patient.name[5]", []),
        ("name.where(use = 'official').given.first()", ["Marie"]),
        ("name.where(given.count() > $index).use", ["official"]),
        ("name.given.last()", ["Mimi"]),
        ("name.tail().given", ["Mimi"]),
        ("name.given.skip(2).take(1)", ["Angèle"]),
        ("name.exists(use = 'old')", [False]),
        ("contact.empty() or name.exists()", [True]),
        (f"birthDate.extension('{BIRTH_TIME}').value", ["1950-03-01T10:00:00+04:00"]),
        ("birthDate.extension(%`ext-patient-birthTime`).exists()", [True]),
        ("contained.name", ["Org"]),
        ("contained.where($this is Organization).id", ["o"]),
        ("contained.ofType(Patient)", []),
        ("multipleBirth.is(integer) and multipleBirth is FHIR.integer", [True]),
        ("multipleBirth is System.Integer", [False]),
        ("1 is Integer and 1.0 is System.Decimal", [True]),
        ("Patient is DomainResource", [True]),
        ("contact is BackboneElement", [True]),
        ("(multipleBirth as integer) + 1", [3]),
        ("name.given contains 'Mimi' and 'X' in name.given", [False]),
        ("birthDate < @1960", [True]),
        ("birthDate = @1950-03-01T10:00", []),
        ("(1 | 2 | 1 | 1.0).count()", [2]),
        ("1 = 1.00 and 1.10 ~ 1.1 and 'A b' ~ 'a  B'", [True]),
        ("{} and false", [False]),
        ("{} or {}", []),
        ("{} implies true", [True]),
        ("true xor false", [True]),
        ("5 div 0", []),
        ("2147483647 + 1", []),
        ("7 div 2 + 7 mod 2 - 1 / 2", ["3.5"]),
        ("-(3)", [-3]),
        ("'a' & {} & 'b'", ["ab"]),
        ("%context.id = %resource.id and %rootResource.id = 'p'", [True]),
        ("%sct", ["http://snomed.info/sct"]),
        ("name.select(given.count())", [3, 1]),
        ("(1 | 2 | 3).aggregate($total + $this, 0)", [6]),
        ("Patient.descendants().where($this is Extension).url", [BIRTH_TIME, "u"]),
        ("name.given.join('-')", CannotEvaluate),
        ("name[1].given.join('-')", ["Mimi"]),
        ("iif(active, 'yes', 1/0)", ["yes"]),
        ("'abc'.substring(1, 1) + 'abc'.indexOf('c').toString()", ["b2"]),
        ("'a,b'.split(',').count()", [2]),
        ("'aXa'.replace('a', 'b').lower()", ["bxb"]),
        ("birthDate.value", ["1950-03-01"]),
        ("birthDate.hasValue() and name.given[1].hasValue().not()", [True]),
        ("name.first() = name.first()", [True]),
        ("name.given = name.given.tail() or name.given != name.given", [False]),
        ("name.all(given.exists()) and (true | false).anyTrue() and (true | false).anyFalse()", [True]),
        ("(true | false).allTrue() or (true | false).allFalse()", [False]),
        ("name.supersetOf(Patient.name.first())", [True]),
        ("multipleBirth.is(string)", [False]),
        ("{}.is(string)", []),
        ("{} is string", []),
        ("active.as(boolean)", [True]),
        ("name.first().single().use", ["official"]),
        ("name.given.first().union('x').combine('x')", ["Marie", "x", "x"]),
        ("name[1].given.trace('given').getValue()", ["Mimi"]),
        ("name.given[1].getValue()", []),
        ("iif(false, 1)", []),
        ("{}.iif(true, 'yes')", ["yes"]),
        ("{}.toString()", []),
        ("true.toString() + 'x'.toString() + 1.50.toString() + @2014-01.toString()", ["truex1.502014-01"]),
        ("'abc'.length() + {}.length()", []),
        ("'abc'.length()", [3]),
        ("'abc'.substring(5) | 'abc'.substring(1) | {}.substring(0)", ["bc"]),
        ("'abc'.replace({}, 'x')", []),
        ("{}.split(',')", []),
        ("'ab'.split('')", ["a", "b"]),
        ("'ab'.toChars()", ["a", "b"]),
        ("{}.join(',')", []),
        ("'abc'.startsWith('ab') and 'abc'.endsWith('bc') and 'abc'.contains('b')", [True]),
        ("' a '.trim() & 'b'.upper() & {}.upper()", ["aB"]),
        ("1 ~ 1.0 and (1 | 2) ~ (2 | 1) and {} ~ {}", [True]),
        ("1 ~ (1 | 2) or 1 ~ 'a' or true ~ 1 or 'a' ~ 'b'", [False]),
        ("@2014 ~ @2014 and (@T10 ~ @2014).not() and 1.0 'g' ~ 1.01 'g'", [True]),
        ("(@T10 = @2014) or (1 'g' = 2 'g')", [False]),
        ("1 = {} or {} < 1 or {} in name", []),
        ("@T10:00 < @T11:00 and 1 'g' < 2 'g'", [True]),
        ("+1 - 0.5 * 2", ["0.0"]),
        ("{} + 1", []),
        ("name[{}]", []),
        ("name[-1]", []),
        ("id.where($this = 'p').$this.id", ["p"]),
        ("(@2014 | @2014-01 | @2014 | @T10 | 1 'g' | 1 'g').count()", [4]),
        ("(@2014-01-01T10:00Z | @2014-01-01T12:00+02:00).count()", [1]),
        ("name.isDistinct() and name.subsetOf(Patient.name)", [True]),
        ("(name | name).count()", [2]),
        ("name.intersect(name.first()).exclude(name)", []),
        ("children().count() > 5", [True]),
        ("Patient.contact.repeat(telecom | name).count()", [2]),
        ("1 < 2 and 2 >= 2 and 'a' < 'b' and 2 <= 2.5 and not(2 > 3)", CannotEvaluate),
        ("(1 < 2) and (2 >= 2) and ('a' < 'b') and (2 > 3).not()", [True]),
        ("name.first() ~ name.first() and (name.first() ~ name.last()).not()", [True]),
        ("(name | contact).repeat(name).family", ["Hoarau"]),
        ("1 + 1 'g'", []),
        ("Patient.gender.is(code)", []),
        (
            "multipleBirth.type().name & multipleBirth.type().baseType & 1.type().namespace",
            ["integerFHIR.ElementSystem"],
        ),
        ("name.family.ofType(System.String) | name.family.ofType(string)", ["Payet"]),
        ("name.sort(-use).use", ["usual", "official"]),
        ("(3 | 1 | 2).sort().first() + (3 | 1 | 2).sort(-$this).first()", [4]),
        ("now() >= now() and today() = today() and timeOfDay() = timeOfDay()", [True]),
        ("now().toString().length()", [29]),
        ("birthDate.toString()", ["1950-03-01"]),
        ("'a.b'.matches('^a[.]b$') and 'xaby'.matches('ab') and 'xaby'.matchesFull('ab').not()", [True]),
        ("'11/30/1972'.replaceMatches('(?<month>[0-9]+)/(?<day>[0-9]+)', '${day}.$1')", ["30.11/1972"]),
        ("'aab'.replaceMatches('a*', '<$0>')", ["<aa>b"]),
        (
            "'ab'.encode('hex') & '6162'.decode('hex') & 'a?'.encode('urlbase64').decode('urlbase64')",
            ["6162aba?"],
        ),
        (
            "'<a>'.escape('html').unescape('html') & 'a\\n'.escape('json') & 'b\\\\t'.unescape('json').trim()",
            ["<a>a\\nb"],
        ),
        ("-(1 'g') = -1 'g' and +(1 'g') = 1 'g'", [True]),
        ("name.checkModifiers('u').count()", [2]),
        ("conformsTo('http://hl7.org/fhir/StructureDefinition/DomainResource')", [True]),
        ("contained.conformsTo('http://hl7.org/fhir/StructureDefinition/Patient|4.0.1')", [False]),
    ],
)
def test_expressions_find_what_the_language_says(
    expression: str, found: list[object] | type[Exception]
) -> None:
    if isinstance(found, list):
        assert [str(v) if not isinstance(v, int | str) else v for v in values(expression)] == found
    else:
        with pytest.raises(found):
            values(expression)


def test_a_quantity_is_compared_with_a_literal_of_its_unit() -> None:
    assert values("value > 180 '[lb_av]' and value = 185 '[lb_av]'", OBSERVATION) == [True]
    assert isinstance(system_of(evaluate("value", OBSERVATION, R4)[0]), Quantity)


def test_every_alternative_of_a_choice_has_one_name() -> None:
    assert values("component.value", OBSERVATION) == [1, "s"]
    assert values("component.value.ofType(string)", OBSERVATION) == ["s"]


def test_the_json_name_of_a_choice_is_understood_only_when_asked_for() -> None:
    assert values("valueQuantity.unit", OBSERVATION) == []
    assert values("valueQuantity.unit", OBSERVATION, typed_choices=True) == ["lbs"]


@pytest.mark.parametrize(
    ("expression", "type", "place", "key", "index"),
    [
        ("Patient", "Patient", "Patient", None, None),
        ("contact.telecom", "ContactPoint", "Patient.contact[0].telecom[0]", "telecom", 0),
        ("contact", "Patient.contact", "Patient.contact[0]", "contact", 0),
        ("deceased", "boolean", "Patient.deceased", "deceasedBoolean", None),
        ("name.given.skip(2).first()", "string", "Patient.name[0].given[2]", "given", 2),
        (
            "name.given.extension.value",
            "code",
            "Patient.name[0].given[2].extension[0].value",
            "valueCode",
            None,
        ),
        ("contained", "Organization", "Patient.contained[0]", "contained", 0),
    ],
)
def test_a_node_knows_its_type_and_its_place(
    expression: str, type: str, place: str, key: str | None, index: int | None
) -> None:
    (node,) = evaluate(expression, PATIENT, R4)

    assert (node.type, node.place, node.index) == (type, place, index)
    assert (node.element.key if node.element else None) == key


def test_a_node_holds_the_object_of_the_tree_itself() -> None:
    (node,) = evaluate("name.given.extension", PATIENT, R4)

    assert node.value is PATIENT["name"][0]["_given"][2]["extension"][0]
    assert node.parent is not None
    assert node.parent.inside is PATIENT["name"][0]["_given"][2]


def test_further_variables_are_known_by_name() -> None:
    assert values("%who.family", variables={"who": (Node({"family": "Grondin"}, "HumanName"),)}) == [
        "Grondin"
    ]


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        ("name.nonsense()", "processing"),
        ("name.first(1)", "processing"),
        ("name.where()", "processing"),
        ("%unknown", "processing"),
        ("$index", "processing"),
        ("$total", "processing"),
        ("name.single()", "processing"),
        ("name and true", "processing"),
        ("name.skip('a')", "processing"),
        ("name['a']", "processing"),
        ("active is Nonsense", "processing"),
        ("name.ofType(1)", "processing"),
        ("'a' < 1", "processing"),
        ("true < false", "processing"),
        ("name.first() < 1", "processing"),
        ("active + 1", "processing"),
        ("@2014 + 1", "processing"),
        ("@2014 + 1 'a'", "processing"),
        ("-active", "processing"),
        ("+active", "processing"),
        ("'a'.matches('(')", "processing"),
        ("'a'.matches('(a)\\\\1')", "processing"),
        ("'a'.ln()", "processing"),
        ("1.5.round(-1)", "processing"),
        ("2.power('a')", "processing"),
        ("1.comparable(1 'g')", "processing"),
        ("'a'.encode('rot13')", "processing"),
        ("'?'.decode('base64')", "processing"),
        ("'a'.escape('xml')", "processing"),
        ("'\\\\'.unescape('json')", "processing"),
        ("'a'.unescape('xml')", "processing"),
        ("(name | id).sort()", "processing"),
        ("name.first().memberOf('u')", "not-supported"),
        ("name.first().subsumes(name.first())", "not-supported"),
        ("name.first().elementDefinition()", "not-supported"),
        ("name.slice('u', 's')", "not-supported"),
        ("name.first().htmlChecks()", "not-supported"),
        ("conformsTo('urn:x')", "not-found"),
        ("1.startsWith('1')", "processing"),
        ("(1 | 2).toString()", "processing"),
        ("(1 | 2).join(',')", "processing"),
        ("name.first().startsWith('a')", "processing"),
        ("'a'.startsWith(1)", "processing"),
        ("'a'.length(1)", "processing"),
        ("name.is(System.Nonsense.Type)", "processing"),
        ("(1 | 2) in name", "processing"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_as_unprocessable(expression: str, code: str) -> None:
    with pytest.raises(CannotEvaluate) as refusal:
        values(expression)

    assert refusal.value.status == 422
    assert refusal.value.issues[0].code == code


@pytest.mark.parametrize(
    "expression",
    [
        "'aaaaaaaaaa'" + ".select($this & $this)" * 40,
        "'aaaaaaaaaa'" + ".select($this.replace('a', $this))" * 20,
        "('a' | 'b')" + ".combine($this.descendants().combine(Patient.descendants()))" * 90,
        "Patient.descendants()" + ".select(%resource.descendants())" * 10,
        "(1 | 2)"
        + ".select(1 | 2 | 3 | 4).combine(5)" * 30
        + ".select($this.combine(%resource.descendants()))" * 9,
        "1" + ".combine(1|2|3|4).select(name | $this)" * 80,
        "2147483" + ".select($this * $this)" * 90,
        "'x'.repeat($this & 'x')",
        "1.repeat($this + 1)",
        "'a'" + ".replace('a', 'aaaaaaaaaa')" * 5 + ".replaceMatches('(a|aa)+?', 'b')",
        "'a'" + ".replace('a', 'aaaaaaaaaa')" * 5 + ".matches('(?=(?=a*b)a*b)x')",
        "Patient.descendants().select(%resource.descendants() ~ %resource.descendants())",
        "Patient.repeat($this.children())" + ".select(%resource.repeat(children()))" * 20,
    ],
)
def test_no_short_expression_holds_the_server(expression: str) -> None:
    assert code_of(answer(expression, PATIENT)) in {"", "too-costly"}


@pytest.mark.parametrize(
    "expression",
    [
        "Patient" + ".where($this" * 45 + ")" * 45,
        "iif(true," * 95 + "1" + ")" * 95,
        "-" * 95 + "1",
        "true" + " and true" * 95,
        "(" * 95 + "name" + ")" * 95 + ".given.first()",
    ],
)
def test_the_deepest_expression_allowed_fits_the_stack(expression: str) -> None:
    assert evaluate(expression, PATIENT, R4)


def test_literals_that_python_takes_for_equal_are_not_the_same_expression() -> None:
    assert [values(text) for text in ("1", "true", "1.0")] == [[1], [True], [1]]
    assert [values(f"{text} is Boolean") for text in ("1", "true", "1.0")] == [[False], [True], [False]]


def test_a_budget_is_shared_by_evaluations() -> None:
    budget = Budget(40)

    codes = [code_of(answer("name.given", PATIENT, budget=budget)) for _ in range(10)]

    assert codes[0] == ""
    assert codes[-1] == "too-costly"


@pytest.mark.parametrize(
    "number", ["1e999999999", "1e9999999999999999999", "-1e-999999999", "123456789012345678901234567890"]
)
def test_numbers_beyond_reason_are_survived(number: str) -> None:
    tree = decode(b'{"resourceType": "Observation", "valueQuantity": {"value": %s}}' % number.encode())

    expressions = [
        "value.value.toString()",
        "value.value + 1",
        "value | value",
        "value.value = 1",
        "value ~ value",
    ]

    codes = {code_of(answer(expression, tree)) for expression in expressions}

    assert codes <= {"", "processing", "not-supported"}


def test_trees_that_are_no_resources_are_survived() -> None:
    odd: list[Tree] = [
        {},
        {"resourceType": 5},
        {"resourceType": "Nonsense", "name": "x"},
        {
            "resourceType": "Patient",
            "name": "x",
            "birthDate": {"a": 1},
            "_birthDate": [1, "x"],
            "contact": [[1], None],
        },
        {
            "resourceType": "Patient",
            "name": {"given": "x", "_given": 4},
            "contained": [{"resourceType": "../x"}],
        },
    ]
    expressions = [
        "descendants()",
        "Patient.name.given",
        "birthDate > @2000",
        "contained.id",
        "contact | name",
    ]

    codes = {code_of(answer(expression, tree)) for tree in odd for expression in expressions}

    assert codes <= {"", "processing"}


_LEAVES = [
    *(
        "name",
        "given",
        "birthDate",
        "deceased",
        "extension",
        "Patient",
        "$this",
        "$index",
        "{}",
        "true",
        "1",
        "2.50",
    ),
    *(
        "'a'",
        "''",
        "@2014-01",
        "@T10:00",
        "1 'g'",
        "2 days",
        "%resource",
        "contained",
        "multipleBirth",
        "value",
    ),
]
_OPERATORS = [
    "+",
    "-",
    "*",
    "/",
    "div",
    "mod",
    "&",
    "|",
    "<",
    "<=",
    "=",
    "!=",
    "~",
    "!~",
    "in",
    "contains",
    "and",
    "or",
]


def _expressions() -> st.SearchStrategy[str]:
    """Expressions of the language, well-formed and seldom meaningful."""

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        names = st.sampled_from(sorted(FUNCTIONS))
        return st.one_of(
            st.builds("({} {} {})".format, inner, st.sampled_from(_OPERATORS), inner),
            st.builds("{}.{}({})".format, inner, names, st.lists(inner, max_size=2).map(",".join)),
            st.builds(
                "{}.{}({})".format,
                inner,
                st.sampled_from(["is", "ofType"]),
                st.sampled_from(["Patient", "string"]),
            ),
            st.builds("{}[{}]".format, inner, inner),
            st.builds("(-{})".format, inner),
        )

    return st.recursive(st.sampled_from(_LEAVES), larger, max_leaves=6)


@given(_expressions())
def test_any_expression_has_an_answer_or_a_refusal_and_leaves_the_tree_alone(expression: str) -> None:
    before = encode(PATIENT)

    found = answer(expression, PATIENT)

    assert isinstance(found, list) or found.status == 422
    assert encode(PATIENT) == before
