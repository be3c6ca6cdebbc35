"""The systems of the French NOS, in the forms that senders give them.

A code system of the NOS is `https://mos.esante.gouv.fr/NOS/TRE_R42-X/FHIR/TRE-R42-X`. In the wild it ends with a slash,
stops before `/FHIR/`, or is the value set (JDV) that the code was taken from. What is meant is plain: it is worth a
warning, not a refusal.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from terminology.membership import Code

_NOS: Final = re.compile(
    r"https?://mos\.esante\.gouv\.fr/NOS/(?P<kind>TRE|JDV)_(?P<name>[\w\-.]+?)(?:/FHIR(?:/[\w\-.]*)?)?/?"
)


def meant(code: Code) -> Code | None:
    """The code as its sender means it; None where the system has its proper form, or is none of the NOS.

    Of a value set only the code is left: any system of the value set that it is looked for in will do.
    """
    found = _NOS.fullmatch(code.system or "")
    if found is None:
        return None
    if found["kind"] == "JDV":
        return replace(code, system=None)
    name = found["name"]
    proper = f"https://mos.esante.gouv.fr/NOS/TRE_{name}/FHIR/TRE-{name.replace('_', '-')}"
    return None if code.system == proper else replace(code, system=proper)
