from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from fhir_server.interactions import fhirpath_patch
from fhir_server.interactions.fhirpath_patch import apply
from fhir_server.kernel.errors import FhirError, Malformed, TooLarge, Unprocessable
from fhir_server.kernel.wire import Tree, decode, encode, number, same
from fhir_server.web.xml import tree_of

SUITE = Path(__file__).parents[3] / "../shared/conformance/patch/fhir-patch-tests.dev.xml"
_TYPES = {"type": "valueCode", "path": "valueString", "name": "valueString"}


def operation(kind: str, path: str, value: Tree | None = None, **parts: Any) -> Tree:
    """One operation; `value` is what its part holds: `{"valueDate": "1930-01-01"}`."""
    named = {"type": kind, "path": path, **parts}
    found = [{"name": name, _TYPES.get(name, "valueInteger"): given_} for name, given_ in named.items()]
    if value is not None:
        found.append({"name": "value", **value})
    return {"name": "operation", "part": found}


def extension(**content: Any) -> Tree:
    """The value that is an Extension, which no `value[x]` can be: parts, the `url` and perhaps another."""
    return {"part": [{"name": "url", "valueUri": "u"}, *([content] if content else [])]}


def parameters(*operations: Tree) -> Tree:
    return {"resourceType": "Parameters", "parameter": list(operations)}


def patched(inside: str, *operations: Tree, type: str = "Patient") -> str:
    """The inside of a resource after operations, as text."""
    tree = decode(f'{{"resourceType":"{type}",{inside}}}'.encode())
    text = encode(apply(tree, parameters(*operations))).decode()
    return text.removeprefix(f'{{"resourceType":"{type}"').removeprefix(",").removesuffix("}")


TEXT = {"valueString": "x"}


@pytest.mark.parametrize(
    ("inside", "change", "result"),
    [
        # add
        (
            '"id":"1"',
            operation("add", "Patient", {"valueDate": "1930"}, name="birthDate"),
            '"id":"1","birthDate":"1930"',
        ),
        (
            '"id":"1"',
            operation("add", "Patient", {"valueBoolean": True}, name="deceased"),
            '"id":"1","deceasedBoolean":true',
        ),
        (
            '"id":"1"',
            operation("add", "Patient", {"valueBoolean": True}, name="deceasedBoolean"),
            '"id":"1","deceasedBoolean":true',
        ),
        (
            '"id":"1"',
            operation("add", "Patient", {"valueHumanName": {"text": "a"}}, name="name"),
            '"id":"1","name":[{"text":"a"}]',
        ),
        (
            '"name":[{"given":["a"]}]',
            operation("add", "Patient.name", TEXT, name="given"),
            '"name":[{"given":["a","x"]}]',
        ),
        (
            '"gender":"male"',
            operation("add", "Patient", {"valueBoolean": False}, name="active"),
            '"gender":"male","active":false',
        ),
        (
            '"birthDate":"1930"',
            operation("add", "Patient.birthDate", extension(name="value", valueString="v"), name="extension"),
            '"birthDate":"1930","_birthDate":{"extension":[{"url":"u","valueString":"v"}]}',
        ),
        (
            '"name":[{"given":["a","b"]}]',
            operation("add", "Patient.name.given[1]", extension(), name="extension"),
            '"name":[{"given":["a","b"],"_given":[null,{"extension":[{"url":"u"}]}]}]',
        ),
        (
            '"name":[{"given":["a"],"_given":[{"id":"1"}]}]',
            operation("add", "Patient.name", TEXT, name="given"),
            '"name":[{"given":["a","x"],"_given":[{"id":"1"},null]}]',
        ),
        (
            '"name":[{"given":["a"]}]',
            operation("add", "Patient.name", {"_valueString": {"id": "1"}}, name="given"),
            '"name":[{"given":["a",null],"_given":[null,{"id":"1"}]}]',
        ),
        (
            '"id":"1"',
            operation("add", "Patient", {"valueDate": "1930", "_valueDate": {"id": "b"}}, name="birthDate"),
            '"id":"1","birthDate":"1930","_birthDate":{"id":"b"}',
        ),
        (
            '"id":"1"',
            operation(
                "add", "Patient", {"resource": {"resourceType": "Organization", "id": "o"}}, name="contained"
            ),
            '"id":"1","contained":[{"resourceType":"Organization","id":"o"}]',
        ),
        (
            '"id":"1"',
            operation(
                "add",
                "Patient",
                {
                    "part": [
                        {"name": "name", "valueHumanName": {"text": "n"}},
                        {"name": "telecom", "valueContactPoint": {"value": "1"}},
                        {"name": "telecom", "valueContactPoint": {"value": "2"}},
                        {"name": "extension", **extension(name="value", valueCode="c")},
                    ]
                },
                name="contact",
            ),
            '"id":"1","contact":[{"name":{"text":"n"},"telecom":[{"value":"1"},{"value":"2"}],'
            '"extension":[{"url":"u","valueCode":"c"}]}]',
        ),
        # insert
        (
            '"name":[{"given":["a","b"]}]',
            operation("insert", "Patient.name.given", TEXT, index=1),
            '"name":[{"given":["a","x","b"]}]',
        ),
        (
            '"name":[{"given":["a","b"]}]',
            operation("insert", "Patient.name.given", TEXT, index=2),
            '"name":[{"given":["a","b","x"]}]',
        ),
        (
            '"name":[{"given":["a","b"],"_given":[null,{"id":"2"}]}]',
            operation("insert", "Patient.name.given", TEXT, index=0),
            '"name":[{"given":["x","a","b"],"_given":[null,null,{"id":"2"}]}]',
        ),
        # delete
        (
            '"id":"1","birthDate":"1930","_birthDate":{"id":"b"}',
            operation("delete", "Patient.birthDate"),
            '"id":"1"',
        ),
        ('"id":"1","name":[{"text":"a"}]', operation("delete", "Patient.name[0]"), '"id":"1"'),
        ('"id":"1","name":[{"text":"a"}]', operation("delete", "Patient.name.text"), '"id":"1"'),
        ('"id":"1"', operation("delete", "Patient.name.where(use = 'old')"), '"id":"1"'),
        ('"id":"1"', operation("delete", "Patient.birthDate"), '"id":"1"'),
        ('"deceasedBoolean":true,"id":"1"', operation("delete", "Patient.deceased"), '"id":"1"'),
        ('"deceasedBoolean":true,"id":"1"', operation("delete", "Patient.deceasedBoolean"), '"id":"1"'),
        (
            '"name":[{"given":["a","b"],"_given":[null,{"id":"2"}]}]',
            operation("delete", "Patient.name.given[0]"),
            '"name":[{"given":["b"],"_given":[{"id":"2"}]}]',
        ),
        (
            '"name":[{"given":["a","b"],"_given":[null,{"id":"2"}]}]',
            operation("delete", "Patient.name.given[1]"),
            '"name":[{"given":["a"]}]',
        ),
        (
            '"birthDate":"1930","_birthDate":{"extension":[{"url":"u"}]}',
            operation("delete", "Patient.birthDate.extension('u')"),
            '"birthDate":"1930"',
        ),
        (
            '"id":"1","_birthDate":{"extension":[{"url":"u"}]}',
            operation("delete", "Patient.birthDate.extension"),
            '"id":"1"',
        ),
        (
            '"name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u"}]}]}]',
            operation("delete", "Patient.name.given.extension"),
            '"name":[{"given":["a"]}]',
        ),
        # replace
        (
            '"birthDate":"1930","id":"1"',
            operation("replace", "Patient.birthDate", {"valueDate": "1931"}),
            '"birthDate":"1931","id":"1"',
        ),
        (
            '"birthDate":"1930","_birthDate":{"id":"b"}',
            operation("replace", "Patient.birthDate", {"valueDate": "1931"}),
            '"birthDate":"1931"',
        ),
        (
            '"gender":"male"',
            operation("replace", "Patient.gender", {"valueString": "female"}),
            '"gender":"female"',
        ),
        ('"gender":"male"', operation("replace", "gender", {"valueCode": "other"}), '"gender":"other"'),
        (
            '"deceasedBoolean":true,"_deceasedBoolean":{"id":"d"},"id":"1"',
            operation("replace", "Patient.deceased", {"valueDateTime": "2020"}),
            '"deceasedDateTime":"2020","id":"1"',
        ),
        (
            '"name":[{"given":["a","b"],"_given":[null,{"id":"2"}]}]',
            operation("replace", "Patient.name.given[1]", TEXT),
            '"name":[{"given":["a","x"]}]',
        ),
        (
            '"name":[{"text":"a"},{"text":"b"}]',
            operation("replace", "Patient.name.where(text = 'b')", {"valueHumanName": {"family": "c"}}),
            '"name":[{"text":"a"},{"family":"c"}]',
        ),
        (
            '"contact":[{"gender":"male"}]',
            operation("replace", "Patient.contact[0]", {"part": [{"name": "gender", "valueCode": "female"}]}),
            '"contact":[{"gender":"female"}]',
        ),
        (
            '"extension":[{"url":"u","valueString":"a"}]',
            operation("replace", "Patient.extension('u').value", {"valueInteger": 3}),
            '"extension":[{"url":"u","valueInteger":3}]',
        ),
        # move
        (
            '"name":[{"text":"a"},{"text":"b"}]',
            operation("move", "Patient.name", source=1, destination=0),
            '"name":[{"text":"b"},{"text":"a"}]',
        ),
        (
            '"name":[{"given":["a","b","c"],"_given":[null,null,{"id":"3"}]}]',
            operation("move", "Patient.name.given", source=2, destination=0),
            '"name":[{"given":["c","a","b"],"_given":[{"id":"3"},null,null]}]',
        ),
    ],
)
def test_an_operation_changes_what_its_path_finds(inside: str, change: Tree, result: str) -> None:
    assert patched(inside, change) == result


def test_decimals_keep_their_digits() -> None:
    change = operation("replace", "Observation.value", {"valueQuantity": {"value": number("1.50")}})

    result = patched(
        '"valueQuantity":{"value":2.0},"referenceRange":[{"low":{"value":1.0}}]', change, type="Observation"
    )

    assert result == '"valueQuantity":{"value":1.50},"referenceRange":[{"low":{"value":1.0}}]'


def test_operations_apply_to_the_result_of_the_one_before() -> None:
    add = operation("add", "Patient", {"valueHumanName": {"text": "a"}}, name="name")
    extend = operation("add", "Patient.name[0]", {"valueString": "Payet"}, name="family")
    delete = operation("delete", "Patient.name[0].text")

    assert patched('"id":"1"', add, extend, delete) == '"id":"1","name":[{"family":"Payet"}]'


def test_the_tree_that_is_patched_is_not_changed_and_the_patch_is_not_shared() -> None:
    tree = decode(b'{"resourceType":"Patient","name":[{"given":["a"]}]}')
    value: Tree = {"text": "b"}

    result = apply(tree, parameters(operation("add", "Patient", {"valueHumanName": value}, name="name")))
    result["name"][1]["text"] = "c"
    result["name"][0]["given"].append("d")

    assert tree["name"] == [{"given": ["a"]}]
    assert value == {"text": "b"}


@pytest.mark.parametrize(
    "change",
    [
        operation("add", "Patient", {"valueDate": "1930"}, name="birthDate"),  # there already
        operation(
            "add", "Patient", {"valueDateTime": "1930"}, name="deceased"
        ),  # there as another alternative
        operation("add", "Patient", {"valueDateTime": "1930"}, name="deceasedDateTime"),
        operation("add", "Patient", TEXT, name="nonsense"),
        operation("add", "Patient", TEXT, name="resourceType"),
        operation("add", "Patient", {"valueInteger": 1}, name="active"),
        operation("add", "Patient", TEXT, name="name"),
        operation("add", "Patient", {"valueHumanName": {"text": "a"}}, name="telecom"),
        operation("add", "Patient", TEXT, name="deceased"),
        operation("add", "Patient", {"part": [{"name": "nonsense", "valueString": "x"}]}, name="contact"),
        operation("add", "Patient", {"part": [{"name": "gender", "valueCode": "x"}] * 2}, name="contact"),
        operation("add", "Patient", {"part": [{"name": "x", "valueCode": "x"}]}, name="active"),
        operation("add", "Patient", {"resource": {"resourceType": "Patient"}}, name="name"),
        operation("add", "Patient.name", TEXT, name="given"),  # two names
        operation("add", "Patient.photo", TEXT, name="title"),  # none
        operation("add", "'x'", TEXT, name="given"),
        operation("insert", "Patient.name.given", TEXT, index=0),  # of two names
        operation("insert", "Patient.name[0].given", TEXT, index=3),
        operation("insert", "Patient.name[0].given[0]", TEXT, index=0),
        operation("insert", "Patient.name.where(use = 'usual')", {"valueHumanName": {"text": "a"}}, index=0),
        operation("insert", "Patient.photo", {"valueAttachment": {"title": "a"}}, index=0),
        operation("insert", "Patient.birthDate", {"valueDate": "1930"}, index=0),
        operation("insert", "Patient", TEXT, index=0),
        operation("insert", "Patient.name", TEXT, index=0),
        operation("delete", "Patient.name"),
        operation("delete", "Patient"),
        operation("delete", "Patient.nmae"),
        operation("delete", "Observation.status"),
        operation("delete", "Nonsense.status"),
        operation("delete", "Patient.name.count()"),
        operation("delete", "Patient.name.where($this.memberOf('u'))"),
        operation("delete", "Patient.name.nonsense()"),
        operation("replace", "Patient.photo", {"valueAttachment": {"title": "a"}}),
        operation("replace", "Patient.name", {"valueHumanName": {"text": "a"}}),
        operation("replace", "Patient.birthDate", TEXT),
        operation("replace", "Patient.birthDate", {"valueBoolean": True}),
        operation("replace", "Patient", {"resource": {"resourceType": "Patient"}}),
        operation("move", "Patient.name", source=2, destination=0),
        operation("move", "Patient.name", source=0, destination=2),
        operation("move", "Patient.photo", source=0, destination=0),
        operation("move", "Patient.birthDate", source=0, destination=0),
    ],
)
def test_an_operation_that_does_not_fit_is_unprocessable(change: Tree) -> None:
    inside = (
        '"name":[{"given":["a","b"]},{"use":"usual","given":["c"]}],"birthDate":"1930","deceasedBoolean":true'
    )

    with pytest.raises(Unprocessable) as refusal:
        patched(inside, operation("delete", "Patient.gender"), change)

    assert refusal.value.status == 422
    assert refusal.value.issues[0].expression.startswith("Parameters.parameter[1]")


def test_a_refusal_repeats_no_value() -> None:
    change = operation("replace", "Patient.name.where(family = 'Hoarau').given", {"valueString": "Marie"})

    with pytest.raises(Unprocessable) as refusal:
        patched('"name":[{"family":"Payet"}]', change)

    assert not {"Hoarau", "Marie", "Payet"} & set(refusal.value.issues[0].text.replace("'", " ").split())


_NO_VALUES: list[Tree] = [
    {},
    {"valueString": "a", "valueCode": "b"},
    {"valueNonsense": "a"},
    {"valueHumanName": "a"},
    {"valueHumanName": {}},
    {"valueString": {"a": 1}},
    {"valueString": ["a"]},
    {"_valueString": "x"},
    {"_valueHumanName": {"id": "x"}},
    {"resource": 5},
    {"part": []},
    {"part": ["x"]},
    {"part": [{"valueString": "x"}]},
    {"part": [{"name": "text"}]},
]


def _without(name: str) -> Tree:
    full = operation("insert", "Patient.name", TEXT, index=0)
    return {"name": "operation", "part": [part for part in full["part"] if part["name"] != name]}


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"resourceType": "Patient"},
        {"resourceType": "Parameters", "parameter": {}},
        parameters({}),
        parameters({"name": "operations"}),
        parameters({"name": "operation"}),
        parameters({"name": "operation", "part": "x"}),
        {"resourceType": "Parameters", "parameter": ["x"]},
        parameters({"name": "operation", "part": ["x"]}),
        parameters(_without("type")),
        parameters(_without("path")),
        parameters(_without("value")),
        parameters(_without("index")),
        parameters(operation("remove", "Patient.name")),
        parameters(operation("add", "Patient", TEXT)),
        parameters(operation("move", "Patient.name", source=0)),
        parameters(operation("move", "Patient.name", source=-1, destination=0)),
        parameters(operation("move", "Patient.name", source=True, destination=0)),
        parameters(operation("delete", "Patient.name[")),
        parameters(operation("delete", "")),
        parameters(operation("delete", "Patient.name", nonsense=1)),
        parameters({"name": "operation", "part": [{"name": "type", "valueCode": "delete"}] * 2}),
        parameters({"name": "operation", "part": [{"name": "type", "valueCode": 5}]}),
        *(parameters(operation("add", "Patient", value, name="name")) for value in _NO_VALUES),
    ],
)
def test_what_is_no_fhirpath_patch_is_malformed(patch: Tree) -> None:
    with pytest.raises(Malformed):
        apply({"resourceType": "Patient"}, patch)


def test_a_malformed_operation_is_found_before_any_is_done() -> None:
    with pytest.raises(Malformed):
        patched('"id":"1"', operation("replace", "Patient.gender", TEXT), operation("nonsense", "Patient"))


def test_a_patch_has_a_limit_of_operations() -> None:
    with pytest.raises(TooLarge):
        patched('"id":"1"', *[operation("delete", "Patient.name")] * 10_001)


def test_a_patch_has_a_limit_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhirpath_patch, "MAX_VISITS", 5000)
    names = ",".join(['{"text":"a"}'] * 100)

    with pytest.raises(Unprocessable) as refusal:
        patched(f'"name":[{names}]', *[operation("delete", "Patient.name.where(text = 'b')")] * 100)

    assert refusal.value.issues[0].code == "too-costly"


def test_a_patch_cannot_nest_deeper_than_the_parser_takes() -> None:
    deep = extension()
    for _ in range(60):
        deep = extension(name="extension", **deep)
    add = operation("add", "Patient", deep, name="extension")
    deeper = operation("add", "Patient.extension" + "[0].extension" * 59, deep, name="extension")

    with pytest.raises(Unprocessable, match="levels deep"):
        patched('"id":"1"', add, deeper)


@pytest.mark.skipif(not SUITE.exists(), reason="the shared conformance material is not beside this checkout")
def test_the_official_suite_passes() -> None:
    cases = list(etree.parse(SUITE).getroot())

    assert len(cases) == 22
    for case in cases:
        before, patch, *after = [
            tree_of(etree.tostring(element[0], with_tail=False))
            for element in case.iterchildren("input", "diff", "output")
        ]
        if after:
            assert same(apply(before, patch), after[0]), case.get("name")
        else:
            with pytest.raises(Unprocessable):
                apply(before, patch)


_PATHS = [
    *(
        "Patient",
        "Patient.name",
        "Patient.name[0]",
        "name.given",
        "Patient.name[0].given[1]",
        "birthDate",
        "deceased",
    ),
    *(
        "contact.name",
        "extension('u')",
        "name.where(use='x').given",
        "contained",
        "'x'",
        "%resource.name.first()",
    ),
]
_NAMES = [
    "name",
    "given",
    "deceased",
    "deceasedBoolean",
    "birthDate",
    "contact",
    "extension",
    "contained",
    "x",
    "text",
]
_CONTENT: list[Tree] = [
    {"valueString": "s"}, {"valueDate": "2000"}, {"valueBoolean": True}, {"valueHumanName": {"given": ["g"]}},
    {"valueUri": "u"}, {"resource": {"resourceType": "Patient"}}, {"_valueString": {"id": "1"}},
    {"part": [{"name": "name", "valueHumanName": {"text": "t"}}]}, {"part": [{"name": "url", "valueUri": "u"}]},
]  # fmt: skip
_OPERATIONS = st.builds(
    operation,
    st.sampled_from(["add", "insert", "delete", "replace", "move"]),
    st.sampled_from(_PATHS),
    st.sampled_from(_CONTENT),
    name=st.sampled_from(_NAMES),
    index=st.integers(0, 2),
    source=st.integers(0, 2),
    destination=st.integers(0, 2),
)


def _no_gaps(value: Any) -> bool:
    """Whether a tree has no empty object or list, and lists of primitives run in step with their extensions."""
    if isinstance(value, dict):
        pairs = [(value.get(key[1:]), inner) for key, inner in value.items() if key.startswith("_")]
        in_step = all(len(v) == len(e) for v, e in pairs if isinstance(v, list) and isinstance(e, list))
        return bool(value) and in_step and all(map(_no_gaps, value.values()))
    if isinstance(value, list):
        return bool(value) and any(item is not None for item in value) and all(map(_no_gaps, value))
    return True


@given(st.lists(_OPERATIONS, max_size=8))
def test_any_patch_leaves_a_well_formed_tree_or_is_refused(operations: list[Tree]) -> None:
    tree = decode(
        b'{"resourceType":"Patient","name":[{"use":"x","given":["a",null,"c"],"_given":[null,{"id":"g"},null]},{"text":"b"}],'
        b'"birthDate":"1930","_birthDate":{"extension":[{"url":"u"}]}}'
    )
    for change in operations:
        try:
            tree = apply(tree, parameters(change))
        except FhirError as refusal:
            assert refusal.status in {400, 422}  # noqa: PT017 (the patch goes on after a refusal)
        assert _no_gaps(tree)
