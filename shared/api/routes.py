"""Paths of operations, and the ids in them."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError

from shared.api.errors import invalid
from shared.api.wire import Id

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_UNDECODABLE: Final = "\N{REPLACEMENT CHARACTER}"
_ID: Final[TypeAdapter[str]] = TypeAdapter(Id)


class Route:
    """A template such as ``routing/jobs/{jobId}:cancel``.

    As on the platform, literals ignore case and a segment is matched from right to left:
    ``a:b:cancel`` is the job ``a:b``.
    """

    def __init__(self, template: str) -> None:
        self.template = template
        self._segments = [_pattern(segment) for segment in template.split("/")]

    def match(self, raw_path: str) -> Mapping[str, str] | None:
        """The parameters, decoded, of a path as sent; ``None`` if it is not of this route."""
        segments = raw_path.removesuffix("/").split("/")[1:]
        if len(segments) != len(self._segments):
            return None
        found: dict[str, str] = {}
        for pattern, segment in zip(self._segments, segments, strict=True):
            match = pattern.fullmatch(unquote(segment))
            if match is None:
                return None
            found |= match.groupdict()
        return found


def resource_id(name: str, text: str) -> str:
    """:raises InvalidRequest: the text cannot be the id of a resource."""
    if _UNDECODABLE in text:
        raise invalid(name, "The id is not UTF-8.")
    try:
        return _ID.validate_python(text)
    except ValidationError as error:
        raise invalid(name, f"{error.errors()[0]['msg']}.") from None


def _pattern(segment: str) -> re.Pattern[str]:
    literals_and_names = _PARAMETER.split(segment)
    parts = [
        f"(?P<{part}>.+)" if position % 2 else re.escape(part)
        for position, part in enumerate(literals_and_names)
    ]
    return re.compile("".join(parts), re.IGNORECASE | re.ASCII | re.DOTALL)
