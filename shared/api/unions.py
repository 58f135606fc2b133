"""Polymorphic members: what may be in them depends on their ``kind``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from shared.api.merge_patch import JsonObject
from shared.api.wire import VARIANT


@dataclass(frozen=True, slots=True)
class ByKind:
    """Annotates a union of models, each of which names its kinds by a ``Literal``.

    What is wrong is told of the member at fault, be it the kind itself.
    """

    def __get_pydantic_core_schema__(self, union: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        models = {
            VARIANT + kind: handler.generate_schema(model)
            for model in get_args(union)
            for kind in get_args(model.model_fields["kind"].annotation)
        }

        def choose(value: object) -> str:
            kind = value.get("kind") if isinstance(value, dict) else None
            return chosen if (chosen := f"{VARIANT}{kind}") in models else VARIANT

        kinds = [name.removeprefix(VARIANT) for name in models]
        return core_schema.tagged_union_schema({**models, VARIANT: self._of_no_kind(kinds)}, choose)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonObject:
        assert schema["type"] == "tagged-union"
        models = {name: model for name, model in schema["choices"].items() if name != VARIANT}
        return handler(core_schema.tagged_union_schema(models, schema["discriminator"]))

    def _of_no_kind(self, kinds: Sequence[str]) -> CoreSchema:
        """Lets nothing in, but says what the kind should be."""
        kind = core_schema.literal_schema([*kinds])
        return core_schema.typed_dict_schema({"kind": core_schema.typed_dict_field(kind)})
