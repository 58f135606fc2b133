"""JSON merge patch (RFC 7396)."""

from collections.abc import Iterable
from typing import Any

type JsonObject = dict[str, Any]


def merge(document: JsonObject, patch: JsonObject, polymorphic: Iterable[str] = ()) -> JsonObject:
    """The document with the patch applied; neither is changed.

    A ``polymorphic`` member whose patch names another ``kind`` starts anew: the members of the old
    kind mean nothing to the new one.
    """
    base = {
        name: value
        for name, value in document.items()
        if not (name in polymorphic and _changes_kind(value, patch.get(name)))
    }
    return _merged(base, patch)


def _merged(document: JsonObject, patch: JsonObject) -> JsonObject:
    merged = dict(document)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged_value(merged.get(name), value)
    return merged


def _merged_value(current: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    return _merged(current if isinstance(current, dict) else {}, patch)


def _changes_kind(current: Any, patch: Any) -> bool:
    if not (isinstance(current, dict) and isinstance(patch, dict)):
        return False
    return "kind" in patch and patch["kind"] != current.get("kind")
