"""The HTTP service: GraphQL at ``/graphql``, REST below ``/api/v1``, what operators ask for, and pages.

``create_app`` makes the application of its services; it opens connections when the server starts it.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ..pages.own_names import OwnNames
from ..pages.routes import nowhere, page_routes
from ..pages.sessions import SESSION_KEY_BYTES
from ..pages.signing_in import SignIn
from ..rest.routes import rest_routes
from . import exports, graphql_http, graphql_ws, headers, log, operations
from .compression import Compression
from .registry import RunningRegistry
from .services import Services
from .watched import Watched


def create_app(services: Services, sign_in: SignIn | None = None) -> FastAPI:
    """Return the application; without ``sign_in`` nobody can sign in to its pages."""
    running = RunningRegistry(services)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with running.running(), exports.swept(services.exports):
            yield

    # FastAPI's own schema and pages are off: REST has a description of its own, and they load scripts from elsewhere.
    app = FastAPI(title="knelpunt", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.registry = running
    app.add_route("/graphql", graphql_http.endpoint(running), methods=["POST"])
    app.router.add_websocket_route("/graphql", graphql_ws.endpoint(running))
    app.add_route("/healthz", operations.healthz, methods=["GET"])
    app.add_route("/readyz", operations.readyz(running), methods=["GET"])
    app.add_route("/metrics", operations.metrics(running), methods=["GET"])
    app.add_route("/log/checkpoint", log.checkpoint(running), methods=["GET"])
    app.add_route("/log/tile/{name:path}", log.tile(running), methods=["GET"])
    app.add_route("/.well-known/security.txt", operations.security_txt, methods=["GET"])
    app.router.routes.extend(rest_routes(running))
    signing_in = sign_in or SignIn(key=os.urandom(SESSION_KEY_BYTES))
    names = OwnNames()
    app.router.routes.extend(page_routes(running, signing_in, names))
    app.add_exception_handler(404, nowhere(running, signing_in, names))
    app.add_middleware(Compression)
    app.add_middleware(headers.SecurityHeaders)
    app.add_middleware(Watched, measures=running.measures)
    return app
