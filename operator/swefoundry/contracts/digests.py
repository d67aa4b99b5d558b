"""How content in the registry is named."""

from typing import Annotated

from pydantic import Field

from swefoundry.contracts.wire import WireModel

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]


class Layer(WireModel):
    """One gzip-compressed tar layer of an image, already in the registry."""

    digest: Digest = Field(description="Digest of the layer as stored.")
    size: int = Field(ge=0, description="Bytes as stored.")
    diff_id: Digest = Field(description="Digest of the uncompressed tar, as image configs want it.")
