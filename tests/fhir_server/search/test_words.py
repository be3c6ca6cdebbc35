from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.kernel.errors import Malformed
from fhir_server.search.folding import fold
from fhir_server.search.words import MAX_TERMS, expression_of, parts_of, says

TEXT = "Mme Œuvrard a fait une chute dans l'escalier ; fracture du poignet, sans perte de connaissance."


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("chute", True),
        ("CHUTE Escalier", True),
        ("escalier chute", True),
        ("chute hanche", False),
        ('"chute dans l\'escalier"', True),
        ('"escalier chute"', False),
        ('"chute dans', True),  # never closed
        ("œuvrard", True),
        ("oeuvrard", True),
        ("chute or hanche", True),
        ("chute OR hanche", True),
        ("(hanche or poignet) and fracture", True),
        ("(hanche or poignet) and luxation", False),
        ("hanche or poignet fracture", True),  # `and` binds more
        ("fracture -poignet", False),
        ("fracture -hanche", True),
        ("fracture not hanche", True),
        ("fracture and not poignet", False),
        ('-"perte de connaissance"', False),
        ("-(hanche or genou)", True),
        ("not not chute", True),
        ("conn*", True),
        ("conn", False),
        ('"perte de conn"', False),
        ("perte-de-conn*", True),
        ("l’escalier", True),
        (") chute (", True),
        ("chute or", True),
        ("or or and chute", True),
        ("chute)) hanche", False),
        ("&chute|!", True),
    ],
)
def test_words_are_looked_for_as_they_are_asked(asked: str, found: bool) -> None:
    expression = expression_of(asked)

    assert expression is not None
    assert says(expression, fold(TEXT).split()) is found


@pytest.mark.parametrize("asked", ["", " ", "()", "((", "-", '"', '""', "and", "or not", "- & |", "…"])
def test_a_text_without_words_asks_for_nothing(asked: str) -> None:
    assert expression_of(asked) is None


def test_the_parts_of_an_expression_are_words_and_the_signs_between_them() -> None:
    expression = expression_of('(bone OR liver) and -"late metast" card*')

    assert expression is not None
    parts = "( ( =bone | =liver ) & ! ( =late metast ) & *card* )".replace(
        "late metast", "late_metast"
    ).split()
    assert parts_of(expression) == [part.replace("_", " ") for part in parts]


def test_a_word_is_cut_where_no_word_goes_on() -> None:
    expression = expression_of("x" * 5000)

    assert expression is not None
    assert len(parts_of(expression)[0]) < 200


def test_too_many_words_are_refused() -> None:
    assert expression_of("mot " * MAX_TERMS)
    with pytest.raises(Malformed):
        expression_of("mot " * (MAX_TERMS + 1))


def test_parentheses_may_be_as_deep_as_anybody_likes() -> None:
    shallow = expression_of("(" * 10 + "chute" + ")" * 10)

    assert shallow is not None
    assert says(shallow, ["chute"])
    assert expression_of("(" * 10_000 + "chute") == shallow


@given(st.text(alphabet="ab \"()-*&|!'\\: éœ", max_size=40))
def test_no_text_is_an_error(asked: str) -> None:
    expression = expression_of(asked)

    if expression is not None:
        assert parts_of(expression)
        says(expression, ["a", "b"])
