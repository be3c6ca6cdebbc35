"""https://hl7.org/fhir/R4/observation-operation-lastn.html"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.keys import Key
from fhir_server.kernel.wire import Tree
from fhir_server.operations.observation_lastn import Seen, last
from fhir_server.store.contract import Stored
from tests.builders import organization, patient
from tests.fhir_server.interactions.performing import BASE, refused
from tests.fhir_server.operations.asking import Operator, keys_in, parameters, reference

CODES = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3, unique=True).map(tuple)
SPANS = st.none() | st.integers(0, 4).map(lambda day: (day, day + 1))
VITAL = [{"coding": [{"code": "vital-signs"}]}]


def seen(
    id: str, codes: str = "", text: str = "", when: str = "", subject: str = "Patient/p", **elements: object
) -> Tree:
    """An Observation; `codes`: with spaces between them, all of one system; a time: `2024-01-01`, may be empty."""
    code: Tree = {"coding": [{"system": "urn:s", "code": code} for code in codes.split()]} if codes else {}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": VITAL,
        "code": {**code, **({"text": text} if text else {})},
        "subject": reference(subject),
        **({"effectiveDateTime": when} if when else {}),
        **elements,
    }


async def latest(server: Operator, query: str = "max=1") -> list[str]:
    found = await server.bundle(f"Observation/$lastn?patient=p&category=vital-signs&{query}")
    assert found["total"] == len(keys_in(found, "match"))
    return [key.removeprefix("Observation/") for key in keys_in(found)]


@pytest.fixture
async def ward(server: Operator) -> Operator:
    await server.keep(patient(id="p"), patient(id="q"))
    return server


@pytest.mark.parametrize(
    ("codes", "groups"),
    [  # the table of the specification, and the transitive property that it speaks of
        (["a", "b", "c"], 3),
        (["a", "b", "a c"], 2),
        (["a", "b", "a b"], 1),
        (["a", "b c", "c d", "d e"], 2),
        (["a b", "c d", "e f", "b c", "d e"], 1),
    ],
)
async def test_codes_that_stand_together_are_one_group(ward: Operator, codes: list[str], groups: int) -> None:
    await ward.keep(*(seen(f"{n}", one, when=f"2024-01-0{n + 1}") for n, one in enumerate(codes)))

    assert len(await latest(ward)) == groups


async def test_a_code_without_coding_is_its_text(ward: Operator) -> None:
    await ward.keep(
        seen("1", text="textM"), seen("2", text="Text"), seen("3", text="t e x t"), seen("4", text="Text", when="2024"),
        seen("5", "a", text="Text", when="2023"), seen("6", code={"coding": [{"display": "x"}]}),
        seen("7", code={"coding": [{"display": "x"}]}),
    )  # fmt: skip

    assert set(await latest(ward)) == {"1", "3", "4", "5", "6", "7"}


async def test_the_same_code_of_another_system_is_another(ward: Operator) -> None:
    await ward.keep(seen("1", "a"), seen("2", code={"coding": [{"system": "urn:t", "code": "a"}]}))

    assert len(await latest(ward)) == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["w4", "h2"]),
        ("max=1", ["w4", "h2"]),
        ("max=2", ["w4", "w3", "h2", "h1"]),
        ("max=3", ["w4", "w3", "h2", "w2", "h1"]),
        ("max=100", ["w4", "w3", "h2", "w2", "h1", "w1"]),
        ("max=2&date=lt2024-01-04", ["h2", "w2", "h1"]),
        ("max=2&code=h", ["h2", "h1"]),
    ],
)
async def test_the_most_recent_of_each_group_come_first(
    ward: Operator, query: str, expected: list[str]
) -> None:
    await ward.keep(
        seen("w1", "w"), seen("w2", "w", when="2024-01-02"), seen("h1", "h", when="2024-01-01T10:00:00Z"),
        seen("w4", "w", when="2024-01-05"), seen("h2", "h", when="2024-01-03"), seen("w3", "w", when="2024-01-04"),
    )  # fmt: skip

    assert await latest(ward, query) == (["w4", "h2"] if query == "" else expected)


async def test_those_as_recent_as_the_last_one_come_along(ward: Operator) -> None:
    await ward.keep(
        seen("1", "w", when="2024-01-03"), seen("2", "w", when="2024-01-02"), seen("3", "w", when="2024-01-02"),
        seen("4", "w", when="2024-01-02"), seen("5", "w", when="2024-01-01"),
    )  # fmt: skip

    assert await latest(ward, "max=2") == ["1", "2", "3", "4"]
    assert await latest(ward, "max=1") == ["1"]


async def test_one_without_a_time_is_the_oldest_and_as_recent_as_no_other(ward: Operator) -> None:
    await ward.keep(seen("1", "w"), seen("2", "w"), seen("3", "w", when="1900"))

    assert await latest(ward, "max=2") == ["3", "1"]


@pytest.mark.parametrize(
    "when",
    [
        {"effectiveInstant": "2024-06-01T10:00:00Z"},
        {"effectivePeriod": {"start": "2024-05-01", "end": "2024-06-01"}},
        {"effectivePeriod": {"start": "2024-06-01"}},
        {"effectiveTiming": {"event": ["2024-06-01"]}},
    ],
)
async def test_every_way_to_say_when_counts(ward: Operator, when: Tree) -> None:
    await ward.keep(seen("old", "w", when="2024-05-02"), seen("new", "w", **when))

    assert await latest(ward) == ["new"]


async def test_an_observation_entered_in_error_counts_unless_the_status_is_asked_for(ward: Operator) -> None:
    await ward.keep(seen("1", "w", when="2023"), seen("2", "w", when="2024", status="entered-in-error"))

    assert await latest(ward) == ["2"]
    assert await latest(ward, "status=final") == ["1"]


async def test_each_subject_has_groups_of_its_own(ward: Operator) -> None:
    await ward.keep(seen("1", "w", when="2023"), seen("2", "w", when="2024", subject="Patient/q"))

    found = await ward.bundle("Observation/$lastn?subject=Patient/p,Patient/q&code=w")

    assert keys_in(found) == ["Observation/2", "Observation/1"]


async def test_what_is_asked_to_come_along_does(ward: Operator) -> None:
    await ward.keep(organization(id="o"), organization(id="other"))
    await ward.keep(
        seen("1", "w", when="2023", performer=[reference("Organization/other")]),
        seen("2", "w", when="2024", performer=[reference("Organization/o")]),
    )

    found = await ward.bundle("Observation/$lastn?patient=p&code=w&_include=Observation:performer")

    assert (keys_in(found, "match"), keys_in(found, "include")) == (["Observation/2"], ["Organization/o"])


async def test_the_criteria_may_be_sent_as_parameters(ward: Operator) -> None:
    await ward.keep(seen("1", "w", when="2023"), seen("2", "w", when="2024"))
    sent = parameters(
        {"name": "max", "valuePositiveInt": 1},
        {"name": "subject", "valueReference": reference("Patient/p")},
        {"name": "code", "valueCoding": {"system": "urn:s", "code": "w"}},
    )

    found = await ward.bundle("Observation/$lastn", sent)

    assert keys_in(found) == ["Observation/2"]
    assert found["link"][0]["url"].startswith(f"{BASE}/Observation/$lastn?max=1&subject=Patient/p")


async def test_no_match_is_an_empty_searchset(ward: Operator) -> None:
    found = await ward.bundle("Observation/$lastn?patient=p&category=vital-signs")

    assert "entry" not in found
    assert found["total"] == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("category=vital-signs", "required"), ("patient=p", "required"), ("patient=p&status=final", "required"),
        ("patient=&code=w", "required"), ("subject=&patient=%20&code=w", "required"),
        ("subject:missing=false&code=w", "required"), ("patient=p&code=&category=", "required"),
        ("patient=p&code=w&max=0", "value"), ("patient=p&code=w&max=x", "value"),
        ("patient=p&code=w&max=1&max=2", "value"),
        ("patient=p&code=w&date=x", "value"),
    ],
)  # fmt: skip
async def test_a_question_that_says_too_little_is_400(ward: Operator, query: str, code: str) -> None:
    with refused(400, code):
        await ward.ask(f"Observation/$lastn?{query}")


@pytest.mark.parametrize(
    "query",
    ["subject=Patient/p&code=w", "patient:Patient=p&code:text=w", "patient.identifier=x&category=c",
     "patient=p&combo-code=w", "patient=p&code-value-quantity=w$5"],
)  # fmt: skip
async def test_any_parameter_that_looks_at_a_code_is_enough(ward: Operator, query: str) -> None:
    assert (await ward.bundle(f"Observation/$lastn?{query}"))["total"] == 0


async def test_what_is_not_understood_is_a_warning_or_refused(ward: Operator) -> None:
    await ward.keep(seen("1", "w"))

    found = await ward.bundle("Observation/$lastn?patient=p&code=w&colour=red&_count=5")

    outcome = found["entry"][-1]["resource"]
    assert [issue["severity"] for issue in outcome["issue"]] == ["warning", "warning"]
    with refused(400):
        await ward.ask("Observation/$lastn?patient=p&code=w&colour=red", prefer_handling="strict")


@given(st.lists(st.tuples(CODES, SPANS), max_size=12), st.integers(1, 3))
def test_groups_are_those_that_shared_codes_connect(
    drawn: list[tuple[tuple[str, ...], tuple[int, int] | None]], most: int
) -> None:
    seen = [
        Seen(Stored(Key("Observation", f"{n:02}"), 1, 0, b""), "", codes, span)
        for n, (codes, span) in enumerate(drawn)
    ]

    chosen = last(seen, most)

    groups: list[tuple[set[object], list[Seen]]] = []
    for one in seen:
        joined = [group for group in groups if group[0] & set(one.codes)]
        groups = [group for group in groups if group not in joined]
        codes = set(one.codes).union(*(group[0] for group in joined))
        groups.append((codes, [one, *(other for group in joined for other in group[1])]))
    expected = set()
    for _, several in groups:
        ordered = sorted(several, key=lambda one: one.age)
        final = ordered[:most][-1].span
        expected |= {id(one) for one in ordered[:most]}
        expected |= {id(one) for one in ordered[most:] if final is not None and one.span == final}
    assert {id(one) for one in chosen} == expected
    assert chosen == sorted(chosen, key=lambda one: one.age)


async def test_observations_are_read_page_by_page_up_to_a_limit(
    ward: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fhir_server.operations.observation_lastn._SLICE", 2)
    await ward.keep(*(seen(str(n), "w", when=f"202{n}") for n in range(5)))

    assert await latest(ward, "max=2") == ["4", "3"]

    monkeypatch.setattr("fhir_server.operations.observation_lastn.MOST", 3)
    with refused(422, "too-costly"):
        await ward.ask("Observation/$lastn?patient=p&code=w")
