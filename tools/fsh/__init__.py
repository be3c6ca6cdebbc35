"""A compiler of FHIR Shorthand: what we write under `profiles/source`, to the definitions that FHIR systems read.

The subset and the folders are described in `profiles/source/README.md`.

https://hl7.org/fhir/uv/shorthand/
"""
