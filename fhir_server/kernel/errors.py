"""Everything that can go wrong with a request, as exceptions.

Code raises the most specific one; `interactions/outcome.py` alone turns it into a status and an OperationOutcome. No
text carries personal data: a value that a person sent is never repeated, its place is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from fhir_server.kernel.issues import Issue


class FhirError(Exception):
    """A refusal: an HTTP status, and the issues to tell, never empty."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "exception"

    def __init__(self, text: str, expression: str = "", *, code: str | None = None, french: str = "") -> None:
        super().__init__(text)
        self.issues: tuple[Issue, ...] = (Issue(code or self.code, text, expression, french=french),)


class Malformed(FhirError):
    """Not JSON, of a wrong shape, or a parameter that cannot be read."""

    status = 400
    code = "structure"


class Unauthenticated(FhirError):
    """Nobody known asks. `challenge` is the value of WWW-Authenticate; `error` is empty where no token was sent.

    https://www.rfc-editor.org/rfc/rfc6750#section-3
    """

    status = 401
    code = "login"

    def __init__(
        self, text: str, *, code: str | None = None, french: str = "", error: str = "invalid_token"
    ) -> None:
        super().__init__(text, code=code, french=french)
        self.challenge = _challenge(error, text)


class Forbidden(FhirError):
    """Whoever asks is known, and may not. `choices`: what may be asked for instead, told as issues of their own."""

    status = 403
    code = "forbidden"

    def __init__(
        self,
        text: str,
        expression: str = "",
        *,
        code: str | None = None,
        french: str = "",
        choices: Sequence[str] = (),
    ) -> None:
        super().__init__(text, expression, code=code, french=french)
        told = (Issue("informational", choice, severity="information", french=choice) for choice in choices)
        self.issues = (*self.issues, *told)


class NotFound(FhirError):
    status = 404
    code = "not-found"


class Gone(FhirError):
    """It existed and was deleted. `version` is the version of the deletion."""

    status = 410
    code = "deleted"

    def __init__(self, text: str, expression: str = "", *, version: int | None = None) -> None:
        super().__init__(text, expression)
        self.version = version


class MethodNotAllowed(FhirError):
    """The address exists and this method does not work on it. `allow` lists those that do."""

    status = 405
    code = "not-supported"

    def __init__(self, text: str, *, allow: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.allow = tuple(allow)


class NotAcceptable(FhirError):
    status = 406
    code = "not-supported"


class Conflict(FhirError):
    status = 409
    code = "conflict"


class PreconditionFailed(FhirError):
    status = 412
    code = "conflict"


class TooLarge(FhirError):
    status = 413
    code = "too-long"


class UnsupportedMediaType(FhirError):
    status = 415
    code = "not-supported"


class Invalid(FhirError):
    """A resource that breaks rules. Carries the validator's issues."""

    status = 422
    code = "invalid"

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__(issues[0].text)
        self.issues = tuple(issues)


class Unprocessable(FhirError):
    """Well-formed and valid, yet it cannot be done (a patch that does not apply, a reference to nothing)."""

    status = 422
    code = "processing"


class Throttled(FhirError):
    status = 429
    code = "throttled"


class NotSupported(FhirError):
    status = 501
    code = "not-supported"


class Unavailable(FhirError):
    """The database is away, restarting or overloaded; the same request may succeed later."""

    status = 503
    code = "transient"


def _challenge(error: str, text: str) -> str:
    if not error:
        return 'Bearer realm="fhir"'
    # RFC 6750 leaves out of a description all that would have to be escaped.
    told = "".join(char if " " <= char <= "~" and char not in '"\\' else "'" for char in text)
    return f'Bearer realm="fhir", error="{error}", error_description="{told}"'
