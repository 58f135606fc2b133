"""The bodies of requests, by the kind of request."""

from collections.abc import Sequence

from shared.api.errors import UnsupportedMediaType
from shared.api.http_messages import Request
from shared.api.merge_patch import JsonObject
from shared.api.wire import WireModel, read_object

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"


def read_patch(request: Request) -> JsonObject:
    """:raises UnsupportedMediaType, InvalidRequest: the body is not a JSON object."""
    _require_type(request, (MERGE_PATCH, JSON))
    return read_object(request.body)


def read_options[O: WireModel](request: Request, model: type[O]) -> O:
    """An action's options; clients without any send an empty body, of any type.

    :raises UnsupportedMediaType, InvalidRequest: the body is not what the model describes.
    """
    if not request.body:
        return model.parse({})
    _require_type(request, (JSON,))
    return model.parse(read_object(request.body))


def _require_type(request: Request, accepted: Sequence[str]) -> None:
    media_type = request.header("content-type").partition(";")[0].strip().lower()
    if media_type not in accepted:
        raise UnsupportedMediaType(accepted)
