"""How does an intake end? Every error becomes a record with a code, and every record fits a termination
message.
"""

from swefoundry.domain.codes import Code
from swefoundry.domain.work import RECORD_LIMIT_BYTES, IntakeOrder, IntakeRecord
from swefoundry.errors import SwefoundryError
from swefoundry.intake.bench import Bench
from swefoundry.intake.refusals import Refused
from swefoundry.intake.story import Say, take_in
from swefoundry.store.registry import Registry


async def attempt(order: IntakeOrder, registry: Registry, bench: Bench, say: Say) -> IntakeRecord:
    """Carry out an order; what goes wrong is in the record."""
    try:
        return await take_in(order, registry, bench, say)
    except Refused as error:
        return IntakeRecord(nonce=order.nonce, code=error.code, message=str(error))
    except SwefoundryError as error:  # the registry, or git on our own disk: not the row's fault
        return IntakeRecord(nonce=order.nonce, code=Code.INFRASTRUCTURE, message=str(error))
    except OSError as error:
        return IntakeRecord(nonce=order.nonce, code=Code.INFRASTRUCTURE, message=f"the pod's disk: {error}")


def encoded(record: IntakeRecord, limit: int = RECORD_LIMIT_BYTES) -> bytes:
    """The record as JSON; a message that is too long loses its end."""
    message = record.message.encode("utf-8", "replace").decode()
    while True:
        said = (
            record.model_copy(update={"message": message})
            .model_dump_json(by_alias=True, exclude_none=True)
            .encode()
        )
        if len(said) <= limit or not message:
            return said
        message = message[: len(message) - max(1, (len(said) - limit) // 4)]
