from __future__ import annotations

from fhir_server.kernel.errors import Forbidden, Unauthenticated


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
