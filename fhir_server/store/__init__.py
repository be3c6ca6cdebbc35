"""Versions, indexes, history: the only place that knows SQL."""
