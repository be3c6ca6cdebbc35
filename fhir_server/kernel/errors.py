"""Everything that can go wrong with a request, as exceptions.

Code raises the most specific one; `interactions/outcome.py` alone turns it into a status and an OperationOutcome. No
text carries personal data: a value that a person sent is never repeated, its place is.
"""

from __future__ import annotations

import math
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
    """Whoever asks is known, and may not. `choices`: what may be asked for instead, told as issues of their own.

    `challenge`: the value of WWW-Authenticate where another token would do; empty: none would.
    """

    status = 403
    code = "forbidden"
    challenge = ""

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


class InsufficientScope(Forbidden):
    """The client was not granted this. `scope`: what it would have to be granted; empty: not said.

    https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    """

    def __init__(self, text: str, scope: str = "", *, french: str = "") -> None:
        super().__init__(text, french=french)
        self.challenge = _challenge("insufficient_scope", text, scope=scope)


class InsufficientLevel(Forbidden):
    """The token was given for a less sure authentication than this asks for. `levels`: those that would do.

    The challenge is that of RFC 9470. The status is 403 and not its 401: the token is valid, and whoever is told 401
    may take it for one that has expired.

    https://www.rfc-editor.org/rfc/rfc9470#section-3
    """

    def __init__(self, text: str, levels: Sequence[str] = (), *, french: str = "") -> None:
        super().__init__(text, french=french)
        self.challenge = level_challenge(text, levels)


def level_challenge(text: str, levels: Sequence[str]) -> str:
    """WWW-Authenticate for whoever is to log in more surely."""
    return _challenge("insufficient_user_authentication", text, acr_values=" ".join(levels))


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
    """Too much of it. `seconds`: after how many whole seconds the same request may succeed, at least 1."""

    status = 429
    code = "throttled"

    def __init__(self, text: str, expression: str = "", *, french: str = "", seconds: float = 1) -> None:
        super().__init__(text, expression, french=french)
        self.seconds = max(1, math.ceil(seconds))


class NotSupported(FhirError):
    status = 501
    code = "not-supported"


class Unavailable(FhirError):
    """The database is away, restarting or overloaded; the same request may succeed later."""

    status = 503
    code = "transient"


def _challenge(error: str, text: str, **more: str) -> str:
    """A challenge of RFC 6750. `more`: parameters besides; one that is empty is left out."""
    if not error:
        return 'Bearer realm="fhir"'
    named = {"error": error, "error_description": text, **more}
    told = (f'{name}="{_plain(value)}"' for name, value in named.items() if value)
    return ", ".join(('Bearer realm="fhir"', *told))


def _plain(text: str) -> str:
    """RFC 6750 leaves out of a value all that would have to be escaped."""
    return "".join(char if " " <= char <= "~" and char not in '"\\' else "'" for char in text)
