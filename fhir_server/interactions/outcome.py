"""Any failure becomes a status and an OperationOutcome: here, and nowhere else.

https://hl7.org/fhir/R4/http.html#Status-Codes · https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

from collections.abc import Sequence

from fhir_server.interactions.call import Reply
from fhir_server.kernel.errors import FhirError, Gone, MethodNotAllowed
from fhir_server.kernel.issues import Issue, Language, outcome_of
from fhir_server.kernel.wire import encode

ALL_GOOD = Issue("informational", "Done", severity="information", french="Fait")


def reply_of(error: Exception, trace_id: str = "", language: Language = "en") -> Reply:
    """The answer to a call that failed.

    A `FhirError` says its own status and issues. Anything else is a defect of ours: 500, and a text that carries the
    trace id and nothing more.
    """
    if not isinstance(error, FhirError):
        text = (
            f"The server failed. Its log has the cause under trace {trace_id}"
            if trace_id
            else "The server failed"
        )
        return Reply(500, outcome_body([Issue("exception", text, severity="fatal")]))
    return Reply(
        error.status,
        outcome_body(error.issues, language),
        version=error.version if isinstance(error, Gone) else None,
        allow=error.allow if isinstance(error, MethodNotAllowed) else (),
    )


def outcome_body(issues: Sequence[Issue], language: Language = "en") -> bytes:
    """An OperationOutcome as bytes; without issues, one that says all went well."""
    return encode(outcome_of(issues or [ALL_GOOD], language))
