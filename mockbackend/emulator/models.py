"""The list of models, which clients ask for to show it, or to see whether the address is right."""

from starlette.requests import Request
from starlette.routing import Route

from .gateway import errors
from .gateway.auth import check_key
from .gateway.endpoint import Endpoint, Gateway
from .gateway.reply import Reply

# Any other name is a deployment as well.
MODELS = (
    "gpt-4o",
    "gpt-4o-mini",
    "gpt-5",
    "gpt-5-mini",
    "o4-mini",
    "text-embedding-3-small",
    "text-embedding-3-large",
    "gpt-image-1",
    "dall-e-3",
)
CREATED = 1_735_689_600


def model_routes(prefix: str, gateway: Gateway) -> list[Route]:
    """GET of the list, and of one model, below a prefix."""

    async def show_all(request: Request, raw: bytes) -> Reply:
        check_key(request.headers, False, gateway.api_key)
        return Reply.json({"object": "list", "data": [_model(name) for name in MODELS]})

    async def show(request: Request, raw: bytes) -> Reply:
        check_key(request.headers, False, gateway.api_key)
        name = request.path_params["name"]
        if name.startswith("missing"):
            raise errors.unknown_deployment()
        return Reply.json(_model(name))

    return [
        Route(f"{prefix}models", Endpoint(show_all, gateway, "models"), methods=["GET"]),
        Route(f"{prefix}models/{{name}}", Endpoint(show, gateway, "models"), methods=["GET"]),
    ]


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "azure-openai"}
