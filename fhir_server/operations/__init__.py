"""One module per $operation."""
