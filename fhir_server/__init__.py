"""Cordée's server: everything that knows HTTP, SQL, search, access and delivery."""
