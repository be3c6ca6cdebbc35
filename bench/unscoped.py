"""The server of `untraced.py`, which shows everybody everything as well: what the view costs is told beside it.

It knows its callers by the same tokens, so that the two differ by the view alone.
"""

from __future__ import annotations

from bench import untraced
from fhir_server.access.authority import Authority
from fhir_server.access.caller import Caller

_MODULE = "bench.unscoped"


def _everything(self: Authority, caller: Caller) -> None:
    pass


if __name__ == "__main__":
    Authority.view_of = _everything  # type: ignore[method-assign]
    untraced.main(_MODULE)
