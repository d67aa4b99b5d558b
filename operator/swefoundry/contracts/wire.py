"""Base class of the values that cross a process boundary: API objects, specs and results of pods."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

JsonObject = dict[str, Any]
"""A JSON object as the standard library reads it."""


class WireModel(BaseModel):
    """A frozen model with camelCase names in JSON; unknown fields are ignored when read.

    Ignored, because a newer CRD or a newer pod may talk to an older reader; ``swefoundry lint`` is strict instead.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    def to_json_dict(self) -> dict[str, object]:
        """Return the JSON object as it is sent: aliases, no ``null``."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def to_compact_json_dict(self) -> dict[str, object]:
        """Return the same without empty lists and maps, as `omitempty` of Kubernetes' own types leaves them out."""
        return {name: value for name, value in self.to_json_dict().items() if value not in ([], {})}

    def to_json(self) -> str:
        """Return the same as JSON text."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
