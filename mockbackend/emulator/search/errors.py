"""Error answers of Azure AI Search, in its own words and shapes: `{"error": {"code", "message"}}`."""

from ..gateway.errors import AzureError

# No live service was asked for these words; they are its documentation, its SDKs' recordings and reported answers.
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


def coded(status: int, message: str, code: str = "") -> AzureError:
    return AzureError(status, {"error": {"code": code, "message": message}})


def invalid(details: str, code: str = "") -> AzureError:
    return coded(400, f"The request is invalid. Details: {details}", code)


def bad_expression(reason: str, parameter: str) -> AzureError:
    """A 400 for what `$filter`, `$select` or `$orderby` says."""
    return coded(400, f"Invalid expression: {reason}\nParameter name: {parameter}")


def unknown_field(name: str, parameter: str) -> AzureError:
    return bad_expression(f"Could not find a property named '{name}' on type 'search.document'.", parameter)


def bad_key() -> AzureError:
    return coded(403, WRONG_KEY)


def no_index(name: str) -> AzureError:
    return coded(404, f"No index with the name '{name}' was found in the service '{SERVICE}'.")


def no_version() -> AzureError:
    message = "The api-version query parameter (?api-version=) is required for all requests."
    return coded(400, message, "MissingApiVersionParameter")


def bad_version(version: str) -> AzureError:
    return coded(400, f"Invalid or unsupported api-version '{version}'.", "InvalidApiVersionParameter")


def not_found() -> AzureError:
    return coded(404, "There is no such resource.")
