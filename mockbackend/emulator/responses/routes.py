"""The paths of stored responses."""

from starlette.requests import Request
from starlette.routing import Route

from ..gateway import errors
from ..gateway.auth import check_key
from ..gateway.endpoint import Endpoint, Gateway, Handler
from ..gateway.mocked import mocked
from ..gateway.reply import Reply
from .store import ResponseStore


def stored_response_routes(prefix: str, gateway: Gateway) -> list[Route]:
    """GET and DELETE of a stored response, and its input items, below a prefix."""

    def checked(handler: Handler) -> Endpoint:
        async def serve(request: Request, raw: bytes) -> Reply:
            check_key(request.headers, False, gateway.api_key)
            return await handler(request, raw)

        return Endpoint(serve, gateway, "responses")

    async def show(request: Request, raw: bytes) -> Reply:
        response_id = request.path_params["response_id"]
        if request.method == "DELETE":
            _store(gateway, request).delete(response_id)
            return Reply.json({"id": response_id, "object": "response", "deleted": True})
        return Reply.json(_store(gateway, request).find(response_id).document)

    async def show_input(request: Request, raw: bytes) -> Reply:
        # The newest comes first, unless the client asks otherwise.
        items = list(_store(gateway, request).find(request.path_params["response_id"]).input)
        if request.query_params.get("order") != "asc":
            items.reverse()
        ids = [str(item["id"]) for item in items]
        first, last = (ids[0], ids[-1]) if ids else (None, None)
        return Reply.json({"object": "list", "data": items, "first_id": first, "last_id": last, "has_more": False})

    async def cancel(request: Request, raw: bytes) -> Reply:
        _store(gateway, request).find(request.path_params["response_id"])
        raise errors.invalid_request("Cannot cancel a synchronous response.")

    path = f"{prefix}responses/{{response_id}}"
    return [
        Route(path, checked(show), methods=["GET", "DELETE"]),
        Route(f"{path}/input_items", checked(show_input), methods=["GET"]),
        Route(f"{path}/cancel", checked(cancel), methods=["POST"]),
    ]


def _store(gateway: Gateway, request: Request) -> ResponseStore:
    """The responses of the call's scenario."""
    return ResponseStore(gateway.store, mocked(request).scenario)
