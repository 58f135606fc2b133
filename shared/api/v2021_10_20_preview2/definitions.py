"""What the resources of this version have in common."""

from abc import ABC
from typing import ClassVar, override

from shared.api.merge_patch import JsonObject
from shared.api.wire import Definition
from shared.ports import Definition as Configuration
from shared.ports import Stored


class PreviewDefinition[D, R](Definition[D, R], ABC):
    """A new resource is answered like a changed one, and no body tells its entity tag."""

    created_status: ClassVar = 200


class PreviewConfiguration[D: Configuration](PreviewDefinition[D, D], ABC):
    """There is no more to a resource than its definition."""

    @override
    @classmethod
    def resource(cls, stored: Stored[D]) -> JsonObject:
        return {"id": stored.value.id} | cls.from_domain(stored.value)
