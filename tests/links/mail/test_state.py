"""What is remembered of a mailbox survives, and whatever else lies there means beginning anew."""

from pathlib import Path

import pytest

from agent.links.mail.state import State


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    state = State(tmp_path / "s", 7, 42, {40, 42}, {40}, 1.5, "anna's")
    state.save()
    assert State.load(tmp_path / "s", "anna's") == state


def test_numbers_of_another_mailbox_mean_nothing(tmp_path: Path) -> None:
    State(tmp_path / "s", 7, 42, {40, 42}, {40}, 1.5, "anna's").save()
    assert State.load(tmp_path / "s", "bert's") == State(tmp_path / "s", mailbox="bert's")


def test_it_is_written_only_when_something_changed(tmp_path: Path) -> None:
    state = State(tmp_path / "s", 7)
    state.save()
    (tmp_path / "s").unlink()
    state.save()
    again = State.load(tmp_path / "s")
    assert not (tmp_path / "s").exists()
    again.last = 1
    again.save()
    assert (tmp_path / "s").exists()


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"null", b"\xff", b'{"validity": "x"}', b'{"validity":1,"last":2,"open":3}']
)
def test_a_damaged_file_means_beginning_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s").write_bytes(content)
    assert State.load(tmp_path / "s") == State(tmp_path / "s")


def test_a_mailbox_numbered_anew_is_not_known(tmp_path: Path) -> None:
    state = State(tmp_path / "s", 7, 42, {40, 42}, {40}, 1.5)
    assert state.begin(7, 43)
    assert state.begin(7, 0)
    assert state.last == 42
    assert not state.begin(8, 43)
    assert (state.validity, state.last, state.open, state.accepted) == (8, 0, set(), set())


def test_a_mailbox_restored_from_an_older_copy_is_not_known(tmp_path: Path) -> None:
    state = State(tmp_path / "s", 7, 42, {40, 42}, {40}, 1.5)
    assert not state.begin(7, 42)
    assert (state.validity, state.last, state.open) == (7, 0, set())
