"""The meaning of search, without SQL."""
