"""How does a pod's program leave its record? As the container's termination message, of which 4096 bytes are kept."""

from swefoundry.contracts.wire import WireModel

RECORD_LIMIT_BYTES = 4096
"""What the kubelet keeps of a container's termination message."""

RECORD_PATH = "/dev/termination-log"
"""Where the kubelet looks for it, unless RECORD_VARIABLE names another file."""

RECORD_VARIABLE = "SWEFOUNDRY_TERMINATION_LOG"
WORK_VARIABLE = "SWEFOUNDRY_WORKDIR"
"""Names of environment variables: the record's file, and the folder that the program may fill."""


def truncate_to_fit(record: WireModel, *texts: str, limit: int = RECORD_LIMIT_BYTES) -> bytes:
    """The record as JSON; when it is too long, the fields ``texts`` lose their ends, the first one first."""
    kept = {name: getattr(record, name).encode("utf-8", "replace").decode() for name in texts}
    while True:
        said = record.model_copy(update=kept).to_json().encode()
        name = next((name for name in texts if kept[name]), None)
        if len(said) <= limit or name is None:
            return said
        # One character is at most six bytes as JSON; a quarter of the surplus gets there in a few rounds.
        kept[name] = kept[name][: len(kept[name]) - max(1, (len(said) - limit) // 4)]
