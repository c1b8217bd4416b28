"""The emulator as an application: its paths, and the gateway in front of them."""

from typing import assert_never

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..mock.script import Script
from ..mock.script.rulebook import Rulebook
from .chat.handler import handle_chat
from .embeddings.handler import handle_embedding
from .gateway import wire
from .gateway.auth import check_key
from .gateway.call import Call, Operation, check_version, find_deployment, parse_asked, parse_body
from .gateway.endpoint import Endpoint
from .gateway.errors import not_found
from .gateway.journal import Journal
from .gateway.reply import Reply
from .images.handler import handle_image
from .images.store import ImageStore
from .images.url import show_image
from .models import model_routes
from .responses.handler import handle_response
from .responses.routes import stored_response_routes
from .responses.store import ResponseStore
from .search.routes import search_routes

DATED = "/openai/deployments/{deployment}/"
# The second is where clients of OpenAI, and of what is like it, send their calls; the third where @ai-sdk/azure does if
# it is given an address of its own.
V1 = ("/openai/v1/", "/v1/", "/openai/")


def create_emulator(script: Script | None = None, api_key: str | None = None) -> Starlette:
    """An ASGI application that answers as Azure OpenAI and Azure AI Search do, following a script if there is one.

    With `api_key` None any key is valid, but there must be one. Serve it with Hypercorn: the fault `cut` relies on
    how Hypercorn closes the connection of an unfinished response.
    """
    rulebook = Rulebook(script or Script(()))
    store = ImageStore()
    responses = ResponseStore()
    journal = Journal()

    async def handle(call: Call) -> Reply:
        match call.operation:
            case Operation.CHAT:
                return handle_chat(call, rulebook)
            case Operation.EMBEDDING:
                return await handle_embedding(call, rulebook)
            case Operation.IMAGE:
                return await handle_image(call, rulebook, store)
            case Operation.RESPONSE:
                return handle_response(call, rulebook, responses)
            case _:
                assert_never(call.operation)

    def endpoint(operation: Operation, dated: bool) -> Endpoint:
        async def serve(request: Request, raw: bytes) -> Reply:
            check_key(request.headers, dated, api_key)
            version = check_version(request.query_params.get("api-version", ""), dated, operation)
            body = parse_body(raw)
            name = request.path_params["deployment"] if dated else body.get("model")
            deployment = find_deployment(name, operation, version)
            origin = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
            asked = parse_asked(request.headers.get("x-mock"))
            return await handle(Call(operation, deployment, version, body, origin, asked))

        return Endpoint(serve, journal)

    async def show(request: Request, raw: bytes) -> Reply:
        return show_image(store.find(request.path_params["token"]))

    async def show_journal(request: Request) -> Response:
        if request.method == "DELETE":
            journal.clear()
            return Response(status_code=204)
        return Response(orjson.dumps(journal.to_json()), media_type=wire.JSON)

    routes = [
        Route(f"{prefix}{operation.path}", endpoint(operation, prefix == DATED), methods=["POST"])
        for prefix in (DATED, *V1)
        for operation in Operation
        if (prefix, operation) != (DATED, Operation.RESPONSE)
    ]
    for prefix in V1:
        routes += stored_response_routes(prefix, responses, journal, api_key)
        routes += model_routes(prefix, journal, api_key)
    routes.append(Route("/generated/{token}.png", Endpoint(show, journal), methods=["GET"]))
    routes += search_routes(journal, rulebook, api_key)
    routes.append(Route("/emulator/requests", show_journal, methods=["GET", "DELETE"]))
    routes.append(Route("/{path:path}", Endpoint(_not_found, journal)))
    return Starlette(routes=routes)


async def _not_found(request: Request, raw: bytes) -> Reply:
    raise not_found()
