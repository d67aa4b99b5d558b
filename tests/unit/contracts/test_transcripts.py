"""Transcripts of model conversations."""

from swefoundry.contracts.models import Usage
from swefoundry.contracts.transcript import ToolCallRecord, Transcript, TranscriptMessage, Turn


def test_a_transcript_that_was_written_is_read_as_the_same_value() -> None:
    message = TranscriptMessage(role="user", text="The tree has setup.py.")
    reply = TranscriptMessage(
        role="assistant", calls=[ToolCallRecord(id="c1", name="read", arguments='{"path": "setup.py"}')]
    )
    turn = Turn(number=1, round=2, role="explorer", model="m", request=[message], reply=reply, stored=True)
    transcript = Transcript(conversation="0b5c", turns=[turn])

    assert Transcript.model_validate(transcript.to_json_dict()) == transcript


def test_the_usage_of_a_transcript_is_the_sum_of_its_turns() -> None:
    def turn(number: int, usage: Usage) -> Turn:
        message = TranscriptMessage(role="assistant", text="ok")
        return Turn(number=number, round=1, role="tests", model="m", reply=message, usage=usage)

    one = Usage(turns=1, input_tokens=10, cached_tokens=4, output_tokens=5, micro_usd=7)
    transcript = Transcript(conversation="0b5c", turns=[turn(1, one), turn(2, one)])

    assert transcript.usage == Usage(
        turns=2, input_tokens=20, cached_tokens=8, output_tokens=10, micro_usd=14
    )
