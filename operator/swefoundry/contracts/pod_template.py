"""Fields of task pods that a person may set: for all of them, for those of a namespace, or for those of an object."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from swefoundry.contracts.wire import WireModel

PodField = Literal[
    "nodeSelector",
    "tolerations",
    "affinity",
    "runtimeClassName",
    "priorityClassName",
    "labels",
    "annotations",
]

RESERVED_PREFIXES = ("app.kubernetes.io/", "swefoundry.dev/")
"""Of the labels and annotations that the operator finds its pods by, and NetworkPolicies select by."""

ObjectName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
LabelValue = Annotated[
    str,
    Field(
        max_length=63,
        pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$",
        description="Value of the label.",
    ),
]
AffinityPart = Annotated[
    dict[str, Any],
    Field(
        description="As in a pod.",
        max_length=3,
        json_schema_extra={"x-kubernetes-preserve-unknown-fields": True},
    ),
]


class Toleration(WireModel):
    """A toleration as in a pod."""

    # Without a misspelt field it would tolerate more than is written.
    model_config = ConfigDict(extra="forbid")

    key: str | None = Field(
        default=None, max_length=317, description="Key of the taint; absent with Exists: every taint."
    )
    operator: Literal["Exists", "Equal"] | None = Field(default=None, description="Default: Equal.")
    value: LabelValue | None = Field(default=None, description="Value of the taint.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="Effect of the taint; absent: every effect."
    )
    toleration_seconds: int | None = Field(
        default=None,
        ge=0,
        le=31536000,
        description="How long a NoExecute taint is tolerated; absent: for ever.",
    )


class PodTemplate(WireModel):
    """Fields that are added to task pods."""

    node_selector: dict[str, LabelValue] | None = Field(
        default=None, max_length=16, description="Labels that a node must have."
    )
    tolerations: list[Toleration] | None = Field(
        default=None, max_length=16, description="Taints of nodes that are tolerated."
    )
    affinity: dict[Literal["nodeAffinity", "podAffinity", "podAntiAffinity"], AffinityPart] | None = Field(
        default=None, description="Affinity to nodes and pods."
    )
    runtime_class_name: ObjectName | None = Field(default=None, description="RuntimeClass.")
    priority_class_name: ObjectName | None = Field(default=None, description="PriorityClass.")
    labels: dict[str, LabelValue] | None = Field(
        default=None, max_length=16, description="Labels; not those of swefoundry itself."
    )
    annotations: (
        dict[str, Annotated[str, Field(max_length=1024, description="Value of the annotation.")]] | None
    ) = Field(default=None, max_length=16, description="Annotations; not those of swefoundry itself.")

    @property
    def fields_set(self) -> list[str]:
        """Names of the fields that have a value, as in JSON."""
        return [name for name, value in self.to_json_dict().items() if value]

    def overridden_by(self, other: "PodTemplate | None") -> Self:
        """Both together: of maps each key, of scalars the whole is ``other``'s where it has one; lists are joined."""
        if other is None:
            return self
        merged = {to_camel(name): _merge(getattr(self, name), value) for name, value in other}
        return self.model_validate({name: value for name, value in merged.items() if value})


def _merge(lower: Any, upper: Any) -> Any:
    match lower, upper:
        case dict(), dict():
            return {**lower, **upper}
        case list(), list():
            return [*lower, *(item for item in upper if item not in lower)]
    return upper or lower
