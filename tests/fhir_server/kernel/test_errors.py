from __future__ import annotations

import pytest

from fhir_server.kernel.errors import (
    Forbidden,
    InsufficientLevel,
    InsufficientScope,
    Throttled,
    Unauthenticated,
)


def test_a_challenge_says_what_is_wrong_with_a_token() -> None:
    error = Unauthenticated("The token has expired", code="expired", french="Le jeton a expiré")

    assert error.challenge == (
        'Bearer realm="fhir", error="invalid_token", error_description="The token has expired"'
    )
    assert (error.issues[0].code, error.issues[0].french) == ("expired", "Le jeton a expiré")


def test_a_challenge_without_a_token_names_no_error() -> None:
    assert Unauthenticated("A token is needed", error="").challenge == 'Bearer realm="fhir"'


def test_a_challenge_stays_one_header() -> None:
    challenge = Unauthenticated('a "quote", a \\, a line\r\nbreak, and é').challenge

    assert challenge.isascii()
    assert challenge.isprintable()
    assert challenge.count('"') == 6


def test_choices_are_told_one_by_one() -> None:
    error = Forbidden("Which?", french="Lequel ?", choices=["one", "two"])

    assert [(issue.severity, issue.text) for issue in error.issues] == [
        ("error", "Which?"),
        ("information", "one"),
        ("information", "two"),
    ]


def test_a_refusal_that_another_token_would_change_says_which() -> None:
    scope = InsufficientScope("Not granted", "user/Patient.r")
    level = InsufficientLevel("Too low", ["eidas2", "eidas3"])

    assert (scope.status, level.status) == (403, 403)
    assert scope.challenge == (
        'Bearer realm="fhir", error="insufficient_scope", error_description="Not granted", scope="user/Patient.r"'
    )
    assert level.challenge == (
        'Bearer realm="fhir", error="insufficient_user_authentication", error_description="Too low", '
        'acr_values="eidas2 eidas3"'
    )
    assert Forbidden("Never").challenge == ""


@pytest.mark.parametrize(("seconds", "told"), [(0.2, 1), (-3, 1), (60, 60), (60.1, 61)])
def test_a_wait_is_of_whole_seconds(seconds: float, told: int) -> None:
    assert Throttled("Too much", seconds=seconds).seconds == told
