"""Read-only answers about codes."""
