"""The DMP (XDS.b)."""
