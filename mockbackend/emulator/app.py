"""The emulator as an application: its paths, and the gateway in front of them."""

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .answering import answer
from .gateway import wire
from .gateway.auth import check_key
from .gateway.call import Call, Operation, check_version, find_deployment, parse_body
from .gateway.endpoint import Endpoint
from .gateway.errors import not_found
from .gateway.journal import Journal
from .gateway.reply import Reply
from .images import answer as images
from .images.store import Gallery
from .script import Script
from .script.rules import Rulebook
from .search.routes import search_routes

DATED = "/openai/deployments/{deployment}/"
# The second is what clients of OpenAI itself, and of its likes, expect.
UNDATED = ("/openai/v1/", "/v1/")


def create_emulator(script: Script | None = None, api_key: str | None = None) -> Starlette:
    """An ASGI application that answers as Azure OpenAI and Azure AI Search do, and to a script where there is one.

    `api_key` None takes any key, but wants one. Serve it with Hypercorn: the fault `cut` relies on how that closes
    the connection of a response left unfinished.
    """
    rulebook = Rulebook(script or Script())
    gallery = Gallery()
    journal = Journal()

    def serve(operation: Operation, dated: bool) -> Endpoint:
        async def serve_call(request: Request, raw: bytes) -> Reply:
            check_key(request.headers, dated, api_key)
            version = check_version(request.query_params.get("api-version", ""), dated)
            body = parse_body(raw)
            name = request.path_params["deployment"] if dated else body.get("model")
            deployment = find_deployment(name, operation, version)
            origin = f"{request.url.scheme}://{request.url.netloc}"
            return await answer(Call(operation, deployment, version, body, origin), rulebook, gallery)

        return Endpoint(serve_call, journal)

    async def serve_picture(request: Request, raw: bytes) -> Reply:
        return images.show(gallery.find(request.path_params["token"]))

    async def show_requests(request: Request) -> Response:
        if request.method == "DELETE":
            journal.clear()
            return Response(status_code=204)
        return Response(orjson.dumps(journal.shown()), media_type=wire.JSON)

    routes = [
        Route(f"{prefix}{operation.path}", serve(operation, prefix == DATED), methods=["POST"])
        for prefix in (DATED, *UNDATED)
        for operation in Operation
    ]
    routes.append(Route("/generated/{token}.png", Endpoint(serve_picture, journal), methods=["GET"]))
    routes += search_routes(journal, rulebook, api_key)
    routes.append(Route("/emulator/requests", show_requests, methods=["GET", "DELETE"]))
    routes.append(Route("/{path:path}", Endpoint(_nothing, journal)))
    return Starlette(routes=routes)


async def _nothing(request: Request, raw: bytes) -> Reply:
    raise not_found()
