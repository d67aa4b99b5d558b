"""Status of an object that the models reject: a newer CRD, or a rule that the API server cannot check."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from swefoundry.api import reasons
from swefoundry.api.conditions import READY, RECONCILING, STALLED, condition, merge_conditions
from swefoundry.api.types import Condition


def invalid_status(body: Mapping[str, Any], error: ValidationError, now: datetime) -> dict[str, Any]:
    """Return a status with Stalled=True and a message that names the first wrong field."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in ("spec", *first["loc"]))
    stamp = (int(body["metadata"].get("generation", 0)), now.replace(microsecond=0))
    message = f"{field}: {first['msg']}"
    new = [
        condition(READY, "False", reasons.INVALID_SPEC, message, stamp),
        condition(STALLED, "True", reasons.INVALID_SPEC, message, stamp),
    ]
    old = [Condition.model_validate(item) for item in body.get("status", {}).get("conditions", [])]
    conditions = [item.to_json_dict() for item in merge_conditions(old, new, absent=[RECONCILING])]
    update = {"observedGeneration": stamp[0], "phase": "Failed", "conditions": conditions}
    return {**body.get("status", {}), **update}
