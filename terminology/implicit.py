"""Value sets that exist without a resource: the URL says what they hold.

https://hl7.org/fhir/R4/snomedct.html#implicit · https://hl7.org/fhir/R4/loinc.html#implicit
"""

from __future__ import annotations

import re
from typing import Any, Final

from terminology.errors import NotExpandable

SNOMED: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
_SNOMED_SET: Final = re.compile(
    r"(?P<edition>http://snomed\.info/x?sct(?:/[0-9]+(?:/version/[0-9]+)?)?)\?fhir_vs(?:=(?P<which>.*))?",
    re.DOTALL,
)
_CONCEPT: Final = re.compile(r"(?P<how>isa|refset)/(?P<code>[0-9]{6,18})")
_LOINC_SET: Final = re.compile(r"http://loinc\.org/vs(?:/(?P<part>L[LG][0-9]+-[0-9X]))?")
_REFERENCE_SETS: Final = "900000000000455006"  # |Reference set|


def implicit(url: str) -> dict[str, Any] | None:
    """The ValueSet that a URL stands for; None: it is no such URL. Raises `NotExpandable` for one we cannot read."""
    found = _SNOMED_SET.fullmatch(url)
    if found is not None:
        edition = found["edition"]
        include: dict[str, Any] = {"system": SNOMED}
        if edition != SNOMED:
            include["version"] = edition
        narrowed = _of_snomed(found["which"])
        return _value_set(url, "SNOMED CT", {**include, "filter": [narrowed]} if narrowed else include)
    found = _LOINC_SET.fullmatch(url)
    if found is None:
        return None
    part = found["part"]
    if part is None:
        return _value_set(url, "LOINC", {"system": LOINC})
    relation = "LIST" if part.startswith("LL") else "parent"
    return _value_set(
        url, f"LOINC {part}", {"system": LOINC, "filter": [{"property": relation, "op": "=", "value": part}]}
    )


def of_system(url: str, system: str, version: str) -> dict[str, Any]:
    """The ValueSet of all codes that a CodeSystem names in `valueSet`."""
    return _value_set(url, system, {"system": system, **({"version": version} if version else {})})


def _of_snomed(which: str | None) -> dict[str, str] | None:
    """The filter; None: everything."""
    if which is None:
        return None
    if which == "refset":
        return {"property": "concept", "op": "descendent-of", "value": _REFERENCE_SETS}
    found = _CONCEPT.fullmatch(which)
    if found is None:
        raise NotExpandable(
            "of the implicit value sets of SNOMED CT, those of an expression (ECL) are not understood here",
            "parmi les jeux de valeurs implicites de SNOMED CT, ceux d'une expression (ECL) ne sont pas compris ici",
        )
    return {"property": "concept", "op": "is-a" if found["how"] == "isa" else "in", "value": found["code"]}


def _value_set(url: str, title: str, include: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "ValueSet",
        "url": url,
        "title": title,
        "status": "active",
        "compose": {"include": [include]},
    }
