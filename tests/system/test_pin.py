"""The pinned ledger head is the one that was saved, or the damage shows."""

import os
import random
from pathlib import Path

import pytest

from agent.system.files import NotWritten
from agent.system.pin import Pin, PinDamaged, load_pin, save_pin

PIN = Pin(1042, bytes(range(32)))


def test_a_station_without_a_ledger_has_no_pin(tmp_path: Path) -> None:
    assert load_pin(tmp_path) is None


@pytest.mark.parametrize("pin", [Pin(0, bytes(32)), PIN, Pin(2**63, b"\xff" * 32)])
def test_the_saved_pin_is_loaded(tmp_path: Path, pin: Pin) -> None:
    save_pin(tmp_path, Pin(7, bytes(32)))
    save_pin(tmp_path, pin)
    assert load_pin(tmp_path) == pin


def test_what_is_no_ledger_head_cannot_be_pinned() -> None:
    for seq, digest in ((-1, bytes(32)), (1, bytes(31))):
        with pytest.raises(ValueError, match="no ledger head"):
            Pin(seq, digest)


def test_every_flipped_bit_and_every_cut_shows(tmp_path: Path) -> None:
    save_pin(tmp_path, PIN)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    cuts = [whole[:end] for end in range(len(whole))] + [whole + b"\n"]
    flips = [
        bytes(b ^ (1 << bit) * (at == i) for i, b in enumerate(whole)) for at in range(len(whole)) for bit in range(8)
    ]
    for damaged in cuts + flips:
        path.write_bytes(damaged)
        with pytest.raises(PinDamaged) as told:
            load_pin(tmp_path)
        assert "IT" in told.value.message


def test_a_pin_written_in_another_way_than_ours_is_damaged(tmp_path: Path) -> None:
    save_pin(tmp_path, PIN)
    (path,) = tmp_path.iterdir()
    for seq in ("01042", "1_042", "+1042", "10 42"):
        path.write_bytes(path.read_bytes().replace(b"1042", seq.encode()))
        with pytest.raises(PinDamaged):
            load_pin(tmp_path)
        save_pin(tmp_path, PIN)


def test_a_pin_that_cannot_be_saved_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_pin(tmp_path, PIN)

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    for step in random.Random(1).sample(["fsync", "open"], 2):
        monkeypatch.setattr(os, step, refuse)
        with pytest.raises(NotWritten):
            save_pin(tmp_path, Pin(1043, bytes(32)))
        monkeypatch.undo()
        assert load_pin(tmp_path) == PIN
