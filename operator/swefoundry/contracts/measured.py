"""What a pod's container used, as its control group counts it; part of every record."""

from pydantic import Field

from swefoundry.contracts.wire import WireModel


class MeasuredResources(WireModel):
    """Resources that a container used. A number that its kernel does not count is absent."""

    cpu_seconds: float | None = Field(
        default=None, ge=0, description="CPU time of all processes, in seconds."
    )
    peak_memory_bytes: int | None = Field(
        default=None, ge=0, description="Most memory at a time, cached files included, in bytes."
    )
    written_bytes: int | None = Field(default=None, ge=0, description="Bytes written to disks.")
    peak_processes: int | None = Field(
        default=None, ge=0, description="Most processes and threads at a time."
    )
    throttled_seconds: float | None = Field(
        default=None, ge=0, description="Time in which a CPU limit held its processes back, in seconds."
    )
