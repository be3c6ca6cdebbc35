"""FHIRPath on trees."""
