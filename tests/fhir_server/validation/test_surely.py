from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fhir_server.definitions.model import R4
from fhir_server.definitions.packaged import SHIPPED
from fhir_server.fhirpath.tree import root_of
from fhir_server.kernel.wire import Tree
from fhir_server.validation.invariants import constraint_of
from fhir_server.validation.judging import Judging
from fhir_server.validation.library import library_of
from fhir_server.validation.profile_rules import Binding, Field, Limits, Rules, Slice, Slicing, Value
from fhir_server.validation.profile_rules import Test as SliceTest
from fhir_server.validation.surely import Left, look_at
from fhir_server.validation.world import World
from terminology.codes import codes_of

GENDER = "http://hl7.org/fhir/ValueSet/administrative-gender"
NOWHERE = "https://example.org/ValueSet/nowhere"
ADDRESS = "http://hl7.org/fhir/StructureDefinition/Address"
OF_EXPRESSION = constraint_of(
    {"key": "x-1", "severity": "error", "human": "X", "expression": "birthDate.exists()"}, "Patient"
)
OF_JSON = replace(OF_EXPRESSION, form=lambda node: "birthDate" in node)


def field(name: str, type: str = "Patient", **asked: Any) -> Field:
    return Field(name, f"{type}.{name}", {one.key: one for one in R4.alternatives(type, name)}, **asked)


def patient(*fields: Field, **asked: Any) -> Rules:
    return Rules("Patient", fields=fields, **asked)


def is_(value: str) -> Value:
    return Value(exact=True, fits=lambda found: found == value)


def slicing(*, closed: bool = False, min: int = 0, rules: Rules | None = None, **others: Any) -> Slicing:
    """Of identifiers, by their systems: one slice."""
    test = SliceTest(lambda _nodes, _judging: False, fits=(lambda found: found == "urn:a",))
    one = Slice("a", "Patient.identifier:a", (test,), min, None, f"{min}..*", rules, None)
    plain: dict[str, Any] = {"at_end": False, "ordered": False, "keys": (("system",),), "rest": None}
    return Slicing(closed=closed, reaches=(), slices=(one,), codings=None, urls=None, **(plain | others))


def left_of(rules: Rules, tree: Tree) -> list[Left]:
    judging = Judging(World(SHIPPED, codes_of(SHIPPED)), library_of(SHIPPED))
    return look_at(rules, tree, "Patient", judging) or []


def told(rules: Rules, **elements: Any) -> list[str]:
    """What is left, and of which item."""
    tree = {"resourceType": "Patient", **elements}
    root = root_of(tree, R4)
    return [f"{one.kind} {one.node(root).place}" for one in left_of(rules, tree)]


FAMILY = field("name", rules=Rules("Patient.name", fields=(field("family", "HumanName", min=1),)))
OFFICIAL = field(
    "identifier",
    rules=Rules(
        "Patient.identifier",
        fields=(field("use", "Identifier", rules=Rules("Patient.identifier.use", value=is_("official"))),),
    ),
)
CODED = field("gender", rules=Rules("Patient.gender", binding=Binding("required", GENDER)))
UNKNOWN = field("gender", rules=Rules("Patient.gender", binding=Binding("required", NOWHERE)))
OF_A = Rules("Patient.identifier:a", fields=(field("value", "Identifier", min=1),))


@pytest.mark.parametrize(
    ("rules", "elements"),
    [
        pytest.param(patient(), {}, id="nothing asked"),
        pytest.param(patient(field("name", min=1)), {"name": [{"family": "A"}]}, id="there"),
        pytest.param(patient(field("photo", max=0)), {"name": [{}]}, id="not there"),
        pytest.param(patient(field("gender", min=1)), {"gender": "male"}, id="one value"),
        pytest.param(patient(FAMILY), {"name": [{"family": "A"}, {"family": "B"}]}, id="of each item"),
        pytest.param(patient(OFFICIAL), {"identifier": [{"use": "official"}, {"value": "1"}]}, id="a value"),
        pytest.param(patient(CODED), {"gender": "male"}, id="a code"),
        pytest.param(patient(constraints=(OF_JSON,)), {"birthDate": "2000"}, id="a constraint of JSON"),
        pytest.param(patient(types={"Patient": ()}), {}, id="its type"),
        pytest.param(patient(field("deceased", min=1)), {"deceasedBoolean": False}, id="one of a choice"),
        pytest.param(
            patient(field("deceased", min=1, rules=Rules("Patient.deceased[x]", types={"boolean": ()}))),
            {"deceasedBoolean": True},
            id="one of a choice, of its type",
        ),
        pytest.param(patient(field("identifier", slicing=slicing())), {"identifier": [{}]}, id="of no slice"),
        pytest.param(
            patient(field("identifier", slicing=slicing(min=1, rules=OF_A))),
            {"identifier": [{"system": "urn:b"}, {"system": "urn:a", "value": "1"}]},
            id="of a slice",
        ),
    ],
)
def test_what_keeps_its_rules_in_the_plainest_way_is_done_with(
    rules: Rules, elements: dict[str, Any]
) -> None:
    assert told(rules, **elements) == []


@pytest.mark.parametrize(
    ("rules", "elements", "left"),
    [
        pytest.param(patient(field("name", min=1)), {}, ["field Patient"], id="missing"),
        pytest.param(patient(field("name", max=1)), {"name": [{}, {}]}, ["field Patient"], id="too many"),
        pytest.param(
            patient(field("gender", max=0)), {"gender": "male"}, ["field Patient"], id="not allowed"
        ),
        pytest.param(
            patient(FAMILY),
            {"name": [{"family": "A"}, {"text": "B"}]},
            ["field Patient.name[1]"],
            id="inside",
        ),
        pytest.param(
            patient(OFFICIAL),
            {"identifier": [{"use": "usual"}]},
            ["itself Patient.identifier[0].use"],
            id="another value",
        ),
        pytest.param(patient(CODED), {"gender": "x"}, ["itself Patient.gender"], id="another code"),
        pytest.param(patient(UNKNOWN), {"gender": "male"}, ["itself Patient.gender"], id="unknown value set"),
        pytest.param(patient(constraints=(OF_JSON,)), {}, ["itself Patient"], id="a broken constraint"),
        pytest.param(
            patient(constraints=(OF_EXPRESSION,)),
            {"birthDate": "2000"},
            ["itself Patient"],
            id="a constraint with no form of JSON, kept or not",
        ),
        pytest.param(patient(limits=Limits(length=9)), {}, ["itself Patient"], id="limits, kept or not"),
        pytest.param(patient(types={"Group": ()}), {}, ["item Patient"], id="another type"),
        pytest.param(
            patient(field("birthDate", min=1)),
            {"birthDate": "2000", "_birthDate": {"id": "a"}},
            ["field Patient"],
            id="what stands beside a primitive",
        ),
        pytest.param(
            patient(field("deceased", min=1)),
            {"deceasedBoolean": True, "deceasedDateTime": "2000"},
            ["field Patient"],
            id="two of a choice",
        ),
        pytest.param(
            patient(field("deceased", rules=Rules("Patient.deceased[x]", types={"dateTime": ()}))),
            {"deceasedBoolean": True},
            ["item Patient.deceased"],
            id="one of a choice, of another type",
        ),
        pytest.param(
            patient(field("gender", min=1)),
            {"gender": ["male"]},
            ["field Patient"],
            id="an array for a value",
        ),
        pytest.param(
            patient(FAMILY), {"name": [{"family": "A"}, "B"]}, ["field Patient"], id="a value for an object"
        ),
        pytest.param(
            patient(field("managingOrganization", rules=Rules("x", targets=("https://example.org/P",)))),
            {"managingOrganization": {"reference": "Organization/1"}},
            ["itself Patient.managingOrganization"],
            id="what a reference leads to",
        ),
        pytest.param(
            patient(field("identifier", slicing=slicing(min=1))),
            {"identifier": [{"system": "urn:b"}]},
            ["slices Patient"],
            id="no item of a slice",
        ),
        pytest.param(
            patient(field("identifier", slicing=slicing(closed=True))),
            {"identifier": [{"system": "urn:b"}]},
            ["slices Patient"],
            id="an item of no slice",
        ),
        pytest.param(
            patient(field("identifier", slicing=slicing(ordered=True))),
            {"identifier": [{"system": "urn:a"}]},
            ["slices Patient"],
            id="slices in an order, kept or not",
        ),
        pytest.param(
            patient(field("identifier", slicing=slicing(keys=None))),
            {"identifier": [{"system": "urn:a"}]},
            ["slices Patient"],
            id="slices that values alone do not tell apart",
        ),
        pytest.param(
            patient(field("identifier", slicing=slicing(rules=OF_A))),
            {"identifier": [{"system": "urn:b"}, {"system": "urn:a"}]},
            ["field Patient.identifier[1]"],
            id="an item of a slice",
        ),
    ],
)
def test_whatever_may_be_wrong_is_left_to_be_judged_where_it_stands(
    rules: Rules, elements: dict[str, Any], left: list[str]
) -> None:
    assert told(rules, **elements) == left


def test_nothing_that_a_definition_says_becomes_a_part_of_a_function() -> None:
    hostile = '"\n) or exit() #'
    rules = patient(
        replace(CODED, path=hostile, range=hostile),
        field(
            "identifier",
            rules=Rules(hostile),
            slicing=slicing(min=1, rules=Rules(hostile, fields=OF_A.fields)),
        ),
        field("address", rules=Rules(hostile, types={"Address": (hostile,)})),
        field("name", rules=Rules(hostile, value=is_(hostile), binding=Binding("required", hostile))),
    )

    left = told(
        rules,
        gender="male",
        identifier=[{"system": "urn:a", "value": "1"}],
        address=[{"city": "Paris"}],
        name=[{"family": hostile}],
    )

    assert left == ["itself Patient.address[0]", "itself Patient.name[0]"]


def test_of_an_open_slicing_by_url_what_is_left_follows_the_order_of_its_slices() -> None:
    def one(name: str) -> Slice:
        rules = Rules(name, fields=(field("value", "Extension", min=1),))
        return Slice(name, f"Patient.extension:{name}", (), 0, None, "0..*", rules, None)

    urls = replace(slicing(), keys=(("url",),), slices=(one("a"), one("b")), urls={"urn:a": 0, "urn:b": 1})
    extensions = [{"url": "urn:b"}, {"url": "urn:c"}, {"url": "urn:a"}, {"url": "urn:b", "valueCode": "x"}]

    left = told(patient(field("extension", slicing=urls)), extension=extensions)

    assert left == ["field Patient.extension[2]", "field Patient.extension[0]"]


def test_an_item_that_keeps_the_profile_of_its_type_is_remembered_to_keep_it() -> None:
    judging = Judging(World(SHIPPED, codes_of(SHIPPED)), library_of(SHIPPED))
    home = {"city": "Paris"}
    rules = patient(field("address", rules=Rules("Patient.address", types={"Address": (ADDRESS,)})))

    left = look_at(rules, {"resourceType": "Patient", "address": [home]}, "Patient", judging)

    assert left is None
    assert judging.known[id(home), ADDRESS] == []


def test_of_slices_that_codes_tell_apart_each_item_is_of_the_first_that_fits_it() -> None:
    def one(name: str, text: str) -> Slice:
        test = SliceTest(
            lambda _nodes, _judging: False,
            fits=(lambda concept: concept.get("text") == text,),
            coding=("urn:s", "c"),
        )
        fields = (field("value", "Identifier", min=1),) if name == "b" else ()
        return Slice(
            name, f"Patient.identifier:{name}", (test,), 0, None, "0..*", Rules(name, fields=fields), None
        )

    both = replace(
        slicing(), keys=(("type",),), slices=(one("a", "A"), one("b", "B")), codings={("urn:s", "c"): (0, 1)}
    )
    types = [{"coding": [{"system": "urn:s", "code": "c"}], "text": text} for text in ("A", "B")]

    left = told(patient(field("identifier", slicing=both)), identifier=[{"type": one} for one in types])

    assert left == ["field Patient.identifier[1]"]
