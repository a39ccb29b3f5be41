"""The exported list can be verified with nothing but the page that describes it: no code of ours is used here."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.wire.ledger_file import from_lines, to_lines, walk
from tests.station.ledger.ledger_scene import kitchen
from tests.walks.crowd import signed_head


def raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(lines: list[str], fingerprint: str) -> int:
    """Follow docs/ledger.md step by step; returns the number of entries."""
    said = [json.loads(line) for line in lines[1:]]
    frames = [one["frame"] for one in said if "frame" in one]
    key = raw(json.loads(raw(frames[0].split(".")[1]))["p"]["value"]["sign"])
    named = sha256(bytes.fromhex("00000000000000020000000000000008") + b"nmr1/kid" + bytes(7) + b"\x20" + key).digest()
    assert named[:16].hex() == fingerprint.replace(" ", "")
    before = bytes(32)
    for seq, frame in enumerate(frames, 1):
        signed, _, signature = frame.rpartition(".")
        Ed25519PublicKey.from_public_bytes(key).verify(raw(signature), signed.encode())
        params = json.loads(raw(signed.split(".")[1]))["p"]
        assert (params["seq"], params["prev"]) == (seq, urlsafe_b64encode(before).rstrip(b"=").decode())
        before = sha256(frame.encode()).digest()
    (head,) = [one["head"] for one in said if "head" in one]
    signed, _, signature = head.rpartition(".")
    Ed25519PublicKey.from_public_bytes(key).verify(raw(signature), signed.encode())
    assert raw(json.loads(raw(signed.split(".")[1]))["p"]["hash"]) == before
    return len(frames)


def test_the_page_is_enough_to_verify_the_file() -> None:
    members = kitchen()
    lines = list(to_lines("s1", members.frames, signed_head(members, members.ledger)))
    assert verified(lines, json.loads(lines[0])["hub"]) == 4
    lines[2] = lines[2].replace(json.loads(lines[2])["frame"][200:204], "AAAA")
    with pytest.raises((InvalidSignature, AssertionError, ValueError)):
        verified(lines, json.loads(lines[0])["hub"])


def test_what_is_written_is_read_again() -> None:
    members = kitchen()
    head = signed_head(members, members.ledger)
    site, frames, read = from_lines(to_lines("s1", members.frames, head))
    assert (site, frames, read) == ("s1", members.frames, head)
    walked = walk(site, frames, read)
    assert walked.wrong is None
    assert walked.ledger == members.ledger


@pytest.mark.parametrize("line", ["", "junk", "[]", "{}", '{"frame": 7}', '{"nmr": "x", "v": 1, "site": "s1"}', "null"])
def test_a_line_that_is_none_is_named(line: str) -> None:
    first = next(to_lines("s1", kitchen().frames))
    with pytest.raises(ValueError, match="line 2 cannot be read"):
        from_lines([first, line])
    with pytest.raises(ValueError, match="line 1 cannot be read"):
        from_lines([line])


def test_a_file_without_entries_is_not_whole() -> None:
    assert walk("s1", []).wrong is not None
