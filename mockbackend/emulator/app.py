"""The emulator as an application: its paths, and the gateway in front of them."""

from typing import assert_never

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..mock.store import MockStore
from .chat.handler import handle_chat
from .embeddings.handler import handle_embedding
from .gateway import wire
from .gateway.auth import check_key
from .gateway.call import Call, Operation, check_version, find_deployment, parse_asked, parse_body
from .gateway.endpoint import Endpoint, Gateway
from .gateway.errors import not_found
from .gateway.form import parse_form
from .gateway.journal import Journal
from .gateway.mocked import mocked
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


def create_emulator(store: MockStore, api_key: str | None = None, *, of_service: bool = False) -> Starlette:
    """An ASGI application that answers as Azure OpenAI and Azure AI Search do, following the scripts of the store.

    With `api_key` None any key is valid, but there must be one. `of_service`: the service says with its calls what they
    are part of. Serve it with Hypercorn: the fault `cut` relies on
    how Hypercorn closes the connection of an unfinished response.
    """
    images = ImageStore(store)
    journal = Journal()
    gateway = Gateway(store, journal, api_key, of_service)

    async def handle(call: Call) -> Reply:
        match call.operation:
            case Operation.CHAT:
                return handle_chat(call)
            case Operation.EMBEDDING:
                return await handle_embedding(call)
            case Operation.IMAGE | Operation.IMAGE_EDIT:
                return await handle_image(call, images)
            case Operation.RESPONSE:
                return handle_response(call, ResponseStore(store, call.mocked.scenario))
            case _:
                assert_never(call.operation)

    def endpoint(operation: Operation, dated: bool) -> Endpoint:
        async def serve(request: Request, raw: bytes) -> Reply:
            check_key(request.headers, dated, api_key)
            version = check_version(request.query_params.get("api-version", ""), dated, operation)
            is_form = operation is Operation.IMAGE_EDIT
            body = parse_form(raw, request.headers.get("content-type", "")) if is_form else parse_body(raw)
            name = request.path_params["deployment"] if dated else body.get("model")
            deployment = find_deployment(name, operation, version)
            origin = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
            asked = parse_asked(request.headers.get("x-mock"))
            return await handle(Call(operation, deployment, version, body, origin, mocked(request), asked))

        return Endpoint(serve, gateway, operation.kind)

    async def show(request: Request, raw: bytes) -> Reply:
        return show_image(images.find(request.path_params["token"]))

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
        routes += stored_response_routes(prefix, gateway)
        routes += model_routes(prefix, gateway)
    routes.append(Route("/generated/{token}.png", Endpoint(show, gateway, "generated"), methods=["GET"]))
    routes += search_routes(gateway)
    routes.append(Route("/emulator/requests", show_journal, methods=["GET", "DELETE"]))
    routes.append(Route("/{path:path}", Endpoint(_not_found, gateway, "unknown")))
    app = Starlette(routes=routes)
    app.state.journal = journal
    return app


async def _not_found(request: Request, raw: bytes) -> Reply:
    raise not_found()
