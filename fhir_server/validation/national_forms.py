"""The constraints of the national identity profiles (fr-core), written in Python: expression → function of the Patient.

They say what the expressions say, at a fiftieth of the cost: every Patient of the country meets them.

https://hl7.fr/ig/fhir/core
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fhir_server.kernel.wire import Tree
from fhir_server.validation.native import Form

_CORE: Final = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
_RELIABILITY: Final = _CORE + "fr-core-identity-reliability"
_INSEE: Final = _CORE + "fr-core-address-insee-code"
_BIRTH_PLACE: Final = "http://hl7.org/fhir/StructureDefinition/patient-birthPlace"
_INS: Final = "urn:oid:1.2.250.1.213.1.4."
_VALIDATED: Final = f"(extension('{_RELIABILITY}').extension('identityStatus').value.exists(code = 'VALI'))"


def _extensions(node: Tree, url: str) -> Iterator[Tree]:
    for extension in node.get("extension", ()):
        if extension.get("url") == url:
            yield extension


def _value(extension: Tree) -> Any:
    """The value of an extension, if it is an object."""
    return next(
        (value for key, value in extension.items() if key.startswith("value") and type(value) is dict), {}
    )


def _is_validated(patient: Tree) -> bool:
    return any(
        _value(status).get("code") == "VALI"
        for reliability in _extensions(patient, _RELIABILITY)
        for status in _extensions(reliability, "identityStatus")
    )


def _has_ins(patient: Tree) -> bool:
    return any(map(_is_ins, patient.get("identifier", ()))) or not _is_validated(patient)


def _is_ins(identifier: Tree) -> bool:
    system = identifier.get("system", "")
    if identifier.get("use") != "official" or not system.startswith(_INS):
        return False
    if system == _INS + "8":
        return any(one.get("code") == "INS-NIR" for one in identifier.get("type", {}).get("coding", ()))
    return system in {_INS + "9", _INS + "10", _INS + "11"}


def _has_one_official(patient: Tree) -> bool:
    official = [one for one in patient.get("identifier", ()) if one.get("use") == "official"]
    return len(official) == 1 or not _is_validated(patient)


def _is_born_somewhere(patient: Tree) -> bool:
    codes = [
        _value(insee).get("code")
        for place in _extensions(patient, _BIRTH_PLACE)
        for insee in _extensions(_value(place), _INSEE)
    ]
    # Without a place the expression has no answer, which is not a yes.
    return (codes != ["99999"] and codes not in ([], [None])) or not _is_validated(patient)


NATIONAL: Final[Mapping[str, Form]] = {
    f"{_VALIDATED} implies (identifier.where(system = '{_INS}8' and use = 'official' and "
    f"type.coding.exists(code = 'INS-NIR')).exists() or identifier.where(system = '{_INS}9' and use = 'official')"
    f".exists() or identifier.where(system = '{_INS}10' and use = 'official').exists() or "
    f"identifier.where(system = '{_INS}11' and use = 'official').exists())": _has_ins,
    f"{_VALIDATED} implies (identifier.where(use = 'official').count() = 1)": _has_one_official,
    f"{_VALIDATED} implies extension('{_BIRTH_PLACE}').value.extension('{_INSEE}').value.code != '99999'": (
        _is_born_somewhere
    ),
}
