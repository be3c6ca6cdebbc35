"""The national identity teleservice (INSi)."""
