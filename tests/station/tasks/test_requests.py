"""What is asked of the agent about tasks: whatever a worker sent as a result, an answer comes."""

from pathlib import Path

import pytest

from agent.domain.errors import BadInput, NmrError
from agent.station.tasks.requests import _read, _value


@pytest.mark.parametrize("sent", [b"1e999", b"1" * 5000, b'"\\ud800"', b"[" * 5000, b"", b"{"])
def test_a_result_that_no_program_here_can_read_is_said_to_be_one(sent: bytes) -> None:
    with pytest.raises(NmrError) as refused:
        _value(sent)
    assert refused.value.code == "result-unreadable"


def test_every_other_result_is_a_value() -> None:
    assert _value(b'{"a": [1, 2.5, null, "\xc3\xa4"]}') == {"a": [1, 2.5, None, "ä"]}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_is_no_json_is_no_data(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "data.json"
    file.write_bytes(content)
    with pytest.raises(BadInput, match="no JSON"):
        _read(file)
