"""Secure mail (MSSanté)."""
