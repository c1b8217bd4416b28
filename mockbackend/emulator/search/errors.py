"""Errors of Azure AI Search, in its own words and shape: `{"error": {"code", "message"}}`."""

from ..gateway.errors import AzureError

# From its documentation, its SDKs' recordings and reported answers; no live service was asked.
WRONG_KEY = "The given API key doesn't match service's internal, primary or secondary keys."
THROTTLED = "You are sending too many requests. Please try again later."
TOO_LARGE = "The request is too large. The maximum size of an indexing request is 16 MB."
QUOTA = (
    "Storage quota has been exceeded for this service. You must either delete documents first, or use a higher SKU "
    "for additional quota."
)
INDEX_QUOTA = (
    "Index quota has been exceeded for this service. You must either delete unused indexes first, or use a higher SKU "
    "for additional quota."
)
SERVICE = "emulator"


def search_error(status: int, message: str, code: str = "") -> AzureError:
    return AzureError(status, {"error": {"code": code, "message": message}})


def invalid_request(details: str, code: str = "") -> AzureError:
    return search_error(400, f"The request is invalid. Details: {details}", code)


def invalid_expression(reason: str, parameter: str) -> AzureError:
    """A 400 for a wrong `$filter`, `$select` or `$orderby`."""
    return search_error(400, f"Invalid expression: {reason}\nParameter name: {parameter}")


def unknown_field(name: str, parameter: str) -> AzureError:
    return invalid_expression(f"Could not find a property named '{name}' on type 'search.document'.", parameter)


def wrong_key() -> AzureError:
    return search_error(403, WRONG_KEY)


def unknown_index(name: str) -> AzureError:
    return search_error(404, f"No index with the name '{name}' was found in the service '{SERVICE}'.")


def missing_version() -> AzureError:
    message = "The api-version query parameter (?api-version=) is required for all requests."
    return search_error(400, message, "MissingApiVersionParameter")


def unsupported_version(version: str) -> AzureError:
    return search_error(400, f"Invalid or unsupported api-version '{version}'.", "InvalidApiVersionParameter")
