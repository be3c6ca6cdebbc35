"""Pure functions between FHIR and other standards."""
