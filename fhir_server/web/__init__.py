"""HTTP in, HTTP out: the only place that knows ASGI and FastAPI."""
