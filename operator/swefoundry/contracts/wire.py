"""What every value that crosses a border (an API object, a pod's order or record) has in common."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class WireModel(BaseModel):
    """A frozen value with camelCase names on the wire; unknown fields are ignored when read.

    Ignored, because a newer CRD or a newer pod may talk to an older reader; ``swefoundry lint`` is strict instead.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    def to_json_dict(self) -> dict[str, object]:
        """The JSON object as it is sent: aliases, no ``null``."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def to_json(self) -> str:
        """The same as JSON text."""
        return self.model_dump_json(by_alias=True, exclude_none=True)
