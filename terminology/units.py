"""UCUM as a grammar: which codes are units.

Reading the table of units takes half a second, which only those pay who meet a unit.

https://ucum.org/ucum · https://hl7.org/fhir/R4/ucum.html
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, Final

UCUM: Final = "http://unitsofmeasure.org"
_LONGEST: Final = 64  # characters of a code that is read; real ones have less than 30


@lru_cache(maxsize=4096)
def is_unit(code: str) -> bool:
    """Whether a code is UCUM, case-sensitively."""
    if not code or len(code) > _LONGEST or not code.isascii():
        return False
    from lark.exceptions import LarkError  # noqa: PLC0415  # half a second, see above

    try:
        _parser().parse(code)
    except LarkError:
        return False
    return True


@cache
def _parser() -> Any:
    from ucumvert import get_ucum_parser  # noqa: PLC0415  # half a second, see above

    return get_ucum_parser()
