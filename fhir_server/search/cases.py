"""In which code systems `A` and `a` are two codes.

R4 compares tokens without case unless the CodeSystem says that case matters. HL7's own code systems say so, but for the
v2 tables; so do those below. Of any other system nobody has said so (of SNOMED CT R4 says the contrary), and the case
of its codes does not matter.

https://hl7.org/fhir/R4/search.html#token · https://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.caseSensitive
"""

from __future__ import annotations

_OTHERS = frozenset(
    {
        "http://hl7.org/fhir/sid/ex-icd-10-procedures",
        "http://unitsofmeasure.org",
        "http://cds-hooks.hl7.org/CodeSystem/indicator",
        "http://dicom.nema.org/resources/ontology/DCM",
        "http://healthit.gov/nhin/purposeofuse",
        "urn:iso-astm:E1762-95:2013",
        "urn:iso:std:iso:4217",
        "urn:oid:1.2.36.1.2001.1001.101.104.16592",
        "urn:oid:2.16.840.1.113883.3.1937.98.5.8",
    }
)
_OWN = ("http://hl7.org/fhir/", "http://terminology.hl7.org/")
# Aliases that HL7 gives to others' systems (ICD-10, CVX, the NPI), and its v2 tables.
_FOREIGN = ("http://hl7.org/fhir/sid/", "http://terminology.hl7.org/CodeSystem/v2-")


def is_sensitive(system: str) -> bool:
    """Whether the case of the codes of `system` matters. Never for the empty system."""
    return system in _OTHERS or (system.startswith(_OWN) and not system.startswith(_FOREIGN))
