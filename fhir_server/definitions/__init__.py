"""What FHIR says, compiled on first use."""
