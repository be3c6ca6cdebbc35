"""Connectors to outside systems, one package each; none of them knows HTTP routes or SQL."""
