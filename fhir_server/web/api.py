"""What is not FHIR REST: whether the process is up, whether it can serve, where FHIR is, and how tokens are asked for.

Later also metrics, administration and pages; they may be slow, and FastAPI makes them short.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse

from fhir_server.web.origin import ROOT

Ready = Callable[[], Awaitable[bool]]

_READING = ["GET", "HEAD"]


def api_of(ready: Ready, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """`ready` says whether the database answers; `routers` have further routes, such as those of `smart.py`."""
    # A redirect would send the client to the host that the request names, and anybody can name one.
    api = FastAPI(title="Cordée", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)

    @api.api_route("/", methods=_READING)
    async def root() -> JSONResponse:
        return JSONResponse(
            {
                "server": "Cordée, a FHIR R4 server",
                "metadata": f"{ROOT}/metadata",
                "health": "/healthz",
                "ready": "/readyz",
            }
        )

    @api.api_route("/healthz", methods=_READING)
    async def healthz() -> JSONResponse:
        """The process is up: it answers."""
        return JSONResponse({"status": "up"})

    @api.api_route("/readyz", methods=_READING)
    async def readyz() -> JSONResponse:
        """Requests can be served now. 503 tells a load balancer to send them elsewhere."""
        if await ready():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "the database does not answer"}, status_code=503)

    for router in routers:
        api.include_router(router)
    return api
