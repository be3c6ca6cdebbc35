from __future__ import annotations

import base64
import copy
import json
from pathlib import Path
from typing import Any

import jsonpatch
import jsonpointer
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.interactions import json_patch
from fhir_server.interactions.json_patch import apply, apply_operations, body_of_binary, operations_of
from fhir_server.kernel.errors import FhirError, Malformed, TooLarge, Unprocessable, UnsupportedMediaType
from fhir_server.kernel.wire import MAX_DEPTH, Tree, decode, encode, same, value_of

SUITE = Path(__file__).parents[3] / "../shared/conformance/patch/json-patch-tests.dev.json"


def patched(tree: str, patch: Any) -> str:
    """The text of a tree after a patch."""
    return encode(
        apply(decode(tree.encode()), patch if isinstance(patch, bytes) else json.dumps(patch).encode())
    ).decode()


@pytest.mark.parametrize(
    ("tree", "operation", "result"),
    [
        ('{"a":1}', {"op": "add", "path": "/b", "value": [2]}, '{"a":1,"b":[2]}'),
        ('{"a":1,"b":2}', {"op": "add", "path": "/a", "value": 3}, '{"a":3,"b":2}'),
        ('{"a":[1,2]}', {"op": "add", "path": "/a/1", "value": 9}, '{"a":[1,9,2]}'),
        ('{"a":[1,2]}', {"op": "add", "path": "/a/2", "value": 9}, '{"a":[1,2,9]}'),
        ('{"a":[1,2]}', {"op": "add", "path": "/a/-", "value": 9}, '{"a":[1,2,9]}'),
        ('{"a":1}', {"op": "add", "path": "", "value": {"b": 2}}, '{"b":2}'),
        ('{"a":1,"b":2}', {"op": "replace", "path": "/a", "value": None}, '{"a":null,"b":2}'),
        ('{"a":[1,2]}', {"op": "replace", "path": "/a/0", "value": 9}, '{"a":[9,2]}'),
        ('{"a":1}', {"op": "replace", "path": "", "value": {"b": 2}}, '{"b":2}'),
        ('{"a":1,"b":2}', {"op": "remove", "path": "/a"}, '{"b":2}'),
        ('{"a":[1]}', {"op": "remove", "path": "/a/0"}, '{"a":[]}'),
        ('{"a":{"b":1},"c":2}', {"op": "move", "from": "/a/b", "path": "/d"}, '{"a":{},"c":2,"d":1}'),
        ('{"a":[1,2,3]}', {"op": "move", "from": "/a/0", "path": "/a/2"}, '{"a":[2,3,1]}'),
        ('{"a":1}', {"op": "move", "from": "/a", "path": "/a"}, '{"a":1}'),
        ('{"a":{"b":1}}', {"op": "copy", "from": "/a", "path": "/c"}, '{"a":{"b":1},"c":{"b":1}}'),
        ('{"a":{"b":[1]}}', {"op": "copy", "from": "/a", "path": "/a/b/0"}, '{"a":{"b":[{"b":[1]},1]}}'),
        ('{"a/b":1,"m~n":2,"~1":3}', {"op": "remove", "path": "/a~1b"}, '{"m~n":2,"~1":3}'),
        ('{"a/b":1,"m~n":2,"~1":3}', {"op": "remove", "path": "/m~0n"}, '{"a/b":1,"~1":3}'),
        ('{"a/b":1,"m~n":2,"~1":3}', {"op": "remove", "path": "/~01"}, '{"a/b":1,"m~n":2}'),
        ('{"":1,"0":2}', {"op": "remove", "path": "/"}, '{"0":2}'),
        ('{"a":1}', {"op": "add", "path": "/b", "value": 2, "unknown": 3}, '{"a":1,"b":2}'),
    ],
)
def test_an_operation_does_what_rfc_6902_says(tree: str, operation: Tree, result: str) -> None:
    assert patched(tree, [operation]) == result


def test_numbers_are_moved_and_added_digit_for_digit() -> None:
    patch = b'[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/c","value":2.50}]'

    assert patched('{"a":1.10,"z":1.0e-7}', patch) == '{"a":1.10,"z":1.0e-7,"b":1.10,"c":2.50}'


def test_the_tree_that_is_patched_is_not_changed_and_shares_nothing() -> None:
    tree = decode(b'{"a":{"b":[1]},"c":[{}]}')
    before = encode(tree)

    result = apply(tree, b'[{"op":"copy","from":"/a","path":"/d"},{"op":"add","path":"/d/b/0","value":2}]')
    result["c"][0]["x"] = 1

    assert encode(tree) == before
    assert result["a"] == {"b": [1]}


@pytest.mark.parametrize(
    ("there", "tested", "equal"),
    [
        ("1", "1.0", True),
        ("1.10", "1.1", True),
        ("1e2", "100", True),
        ("1", "2", False),
        ("1", "true", False),
        ("0", "false", False),
        ("true", "true", True),
        ("null", "null", True),
        ("null", "false", False),
        ('"1"', "1", False),
        ('"a"', '"a"', True),
        ('{"a":1,"b":2.0}', '{"b":2,"a":1}', True),
        ('{"a":1}', '{"a":1,"b":2}', False),
        ("[1,2]", "[2,1]", False),
        ("[1,[2]]", "[1.0,[2]]", True),
        ("[]", "{}", False),
        ("1e9999999999999999999", "1e9999999999999999999", True),
        ("1e9999999999999999999", "2", False),
    ],
)
def test_test_compares_values_and_not_their_text(there: str, tested: str, equal: bool) -> None:
    tree = f'{{"v":{there}}}'
    patch = f'[{{"op":"test","path":"/v","value":{tested}}}]'.encode()

    if equal:
        assert patched(tree, patch) == tree
    else:
        with pytest.raises(Unprocessable, match="another one"):
            patched(tree, patch)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}",
        b'"add"',
        b"[1]",
        b"[null]",
        b'[{"path":"/a"}]',
        b'[{"op":"delete","path":"/a"}]',
        b'[{"op":["add"],"path":"/a","value":1}]',
        b'[{"op":"add","value":1}]',
        b'[{"op":"add","path":5,"value":1}]',
        b'[{"op":"add","path":"/a"}]',
        b'[{"op":"replace","path":"/a"}]',
        b'[{"op":"test","path":"/a"}]',
        b'[{"op":"copy","path":"/a"}]',
        b'[{"op":"move","path":"/a","from":null}]',
        b'[{"op":"remove","path":"a"}]',
        b'[{"op":"remove","path":"/a~2"}]',
        b'[{"op":"remove","path":"/a~"}]',
        b'[{"op":"remove","op":"remove","path":"/a"}]',
        b'[{"op":"remove","path":"/missing"},{"op":"nonsense","path":"/a"}]',  # read whole before anything is done
    ],
)
def test_what_is_no_patch_document_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        patched('{"a":1}', body)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/x/y", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "add", "path": "/l/3", "value": 1},
        {"op": "add", "path": "/l/01", "value": 1},
        {"op": "add", "path": "/l/-1", "value": 1},
        {"op": "add", "path": "/l/1e0", "value": 1},
        {"op": "add", "path": "/l/" + "9" * 5000, "value": 1},
        {"op": "add", "path": "/extension[url:x]/valueBoolean", "value": 1},
        {"op": "add", "path": "", "value": []},
        {"op": "replace", "path": "/x", "value": 1},
        {"op": "replace", "path": "/l/2", "value": 1},
        {"op": "replace", "path": "/l/-", "value": 1},
        {"op": "remove", "path": "/x"},
        {"op": "remove", "path": "/l/-"},
        {"op": "remove", "path": ""},
        {"op": "move", "from": "/x", "path": "/y"},
        {"op": "move", "from": "/o", "path": "/o/p"},
        {"op": "move", "from": "", "path": "/o/p"},
        {"op": "copy", "from": "/x", "path": "/y"},
        {"op": "test", "path": "/x", "value": None},
        {"op": "test", "path": "/a/0", "value": 1},
    ],
)
def test_a_patch_that_does_not_fit_is_unprocessable(operation: Tree) -> None:
    with pytest.raises(Unprocessable):
        patched('{"a":1,"l":[1,2],"o":{}}', [operation])


def test_a_refusal_names_the_operation_and_the_pointer_and_no_value() -> None:
    patch = [
        {"op": "test", "path": "/a", "value": "x"},
        {"op": "test", "path": "/name/0/family", "value": "Hoarau"},
    ]

    with pytest.raises(Unprocessable) as refusal:
        patched('{"a":"x","name":[{"family":"Payet"}]}', patch)

    text = refusal.value.issues[0].text
    assert "Operation 1 (test /name/0/family)" in text
    assert "Payet" not in text
    assert "Hoarau" not in text


def test_a_long_pointer_is_cut_in_the_message() -> None:
    with pytest.raises(Unprocessable) as refusal:
        patched("{}", [{"op": "remove", "path": "/" + "x" * 100_000}])

    assert len(refusal.value.issues[0].text) < 400


def test_a_patch_has_a_limit_of_operations() -> None:
    operation = {"op": "test", "path": "/a", "value": 1}

    assert patched('{"a":1}', [operation] * 10_000) == '{"a":1}'
    with pytest.raises(TooLarge):
        patched('{"a":1}', [operation] * 10_001)


def test_copies_that_double_the_tree_again_and_again_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_patch, "MAX_BYTES", 1_000_000)
    bomb = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 60

    with pytest.raises(TooLarge, match="copies more than"):
        patched('{"a":["xxxxxxxx"]}', bomb)


def nest(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    "operation",
    [
        f'{{"op":"add","path":"/t{"/0" * 149}/-","value":VALUE}}',
        f'{{"op":"replace","path":"/t{"/0" * 149}","value":[VALUE]}}',
        f'{{"op":"copy","from":"/s","path":"/t{"/0" * 149}/-"}}',
        f'{{"op":"move","from":"/s","path":"/t{"/0" * 149}/-"}}',
    ],
)
def test_a_patch_cannot_nest_deeper_than_the_parser_takes(operation: str) -> None:
    def result(levels: int) -> str:
        tree = f'{{"t":{nest(150)},"s":{nest(levels)}}}'
        return patched(tree, f"[{operation.replace('VALUE', nest(levels))}]".encode())

    assert nest(MAX_DEPTH - 1) in result(MAX_DEPTH - 151)
    with pytest.raises(Unprocessable, match="levels deep"):
        result(MAX_DEPTH - 150)


# A PATCH entry of a Bundle


def test_a_binary_carries_a_patch_document() -> None:
    data = base64.b64encode(b'[{"op":"remove","path":"/a"}]').decode()
    binary = {
        "contentType": "application/json-patch+json; charset=utf-8",
        "data": data[:10] + "\n" + data[10:],
    }

    assert body_of_binary(binary) == b'[{"op":"remove","path":"/a"}]'


@pytest.mark.parametrize(
    ("binary", "error"),
    [
        ({}, UnsupportedMediaType),
        ({"contentType": "application/json", "data": ""}, UnsupportedMediaType),
        ({"contentType": "application/json-patch+json", "data": "*"}, Malformed),
        ({"contentType": "application/json-patch+json", "data": "YQ"}, Malformed),
        ({"contentType": "application/json-patch+json", "data": "é"}, Malformed),
    ],
)
def test_a_binary_that_carries_none_is_refused(binary: Tree, error: type[FhirError]) -> None:
    with pytest.raises(error):
        body_of_binary(binary)


# Against others


@pytest.mark.skipif(not SUITE.exists(), reason="the shared conformance material is not beside this checkout")
def test_the_official_suite_passes() -> None:
    cases = value_of(SUITE.read_bytes())

    for case in cases:
        operations = operations_of(orjson.dumps(case["patch"]))
        if "error" in case:
            with pytest.raises(Unprocessable):
                apply_operations(case["doc"], operations)
        else:
            assert same(apply_operations(case["doc"], operations), case["expected"]), case["comment"]


_KEYS = st.sampled_from(["a", "b", "c/d", "e~f", "0", "1"])
_VALUES = st.recursive(
    st.integers(0, 3) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)
_TREES = st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=4)


def _places(value: Any, prefix: str = "") -> list[str]:
    """Every pointer into a value, and one beyond the end of each list."""
    found = [prefix]
    if isinstance(value, dict):
        for key, inner in value.items():
            found += _places(inner, f"{prefix}/{jsonpointer.escape(key)}")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found += _places(inner, f"{prefix}/{index}")
        found += [f"{prefix}/{len(value)}", f"{prefix}/-"]
    return found


@st.composite
def trees_and_patches(draw: st.DrawFn) -> tuple[Tree, list[Tree]]:
    tree = draw(_TREES)
    places = st.sampled_from([place for place in _places(tree) if place] or ["/a"])
    targets = places | st.builds("{}/{}".format, places, st.sampled_from(["a", "b", "0", "1", "-"]))
    operations = st.one_of(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "replace", "test"]), "path": targets, "value": _VALUES}
        ),
        st.fixed_dictionaries({"op": st.just("remove"), "path": targets}),
        st.fixed_dictionaries({"op": st.sampled_from(["move", "copy"]), "from": places, "path": targets}),
    )
    return tree, draw(st.lists(operations, min_size=1, max_size=4))


@given(trees_and_patches())
def test_trees_of_integers_and_strings_are_patched_as_the_library_does(
    given_: tuple[Tree, list[Tree]],
) -> None:
    tree, patch = given_
    expected: Any
    try:
        expected = jsonpatch.apply_patch(copy.deepcopy(tree), patch)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError):
        expected = None

    if expected is None:
        with pytest.raises(Unprocessable):
            apply(tree, orjson.dumps(patch))
    else:
        assert orjson.dumps(apply(tree, orjson.dumps(patch))) == orjson.dumps(expected)  # key order too
