"""What a scrub leaves of a text: the program's own words, and nothing that anybody chose."""

import pytest

from agent.station.support.scrub import Scrub, vocabulary
from agent.system.log import LONGEST_VALUE
from agent.ui.texts.en import TEXTS

KEY = b"k" * 32
NAMES = ("anna", "Anna Müller", "kitchen", "front-desk", "broker")
SCRUB = Scrub(KEY, NAMES, vocabulary(TEXTS.values(), ["0.1.0"]))


def hashed(text: str) -> str:
    return SCRUB.name(text)


@pytest.mark.parametrize(
    "text",
    [
        "the connection was lost",
        "No space left on device",
        "ConnectionRefusedError: Connection refused",
        "mqtt up",
        "[Errno 28] No space left on device",
        "within 1.5 s",
        "version 0.1.0",
        "",
    ],
)
def test_words_of_the_program_and_of_the_system_stay(text: str) -> None:
    assert SCRUB.text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "zebra",
        "ANNA",
        "müller",
        "kitchen",
        "front-desk",
        "broker",
        "192.168.0.7",
        "1.0.0.1",
        "10.1.2.0",
        "192.168.0.7:8883",
        "hub.example.org",
        "/home/zebra/.config",
        r"C:\Users\Zebra\AppData",
        "zebra@example.org",
        "0151234567",
        "+49151234",
        "6f1c2a9b",
        "2026-11-21",
    ],
)
def test_names_addresses_numbers_and_unknown_words_go(text: str) -> None:
    scrubbed = SCRUB.text(f"error: {text}")
    assert scrubbed.startswith("error: ")
    assert text.casefold() not in scrubbed.casefold()
    assert "#" in scrubbed


def test_a_number_in_pieces_does_not_stay_together() -> None:
    assert "123 456" not in SCRUB.text("error 555 123 456")


def test_the_same_is_the_same_in_one_bundle_and_another_in_the_next() -> None:
    assert SCRUB.name("Anna") == SCRUB.name("anna")
    assert SCRUB.name("anna") != Scrub(b"x" * 32, NAMES, ()).name("anna")
    assert SCRUB.text("error zebra, zebra").count(hashed("zebra")) == 2


def test_a_line_of_the_log_keeps_its_form_its_numbers_and_the_ids_of_messages() -> None:
    page = "019d" + "0" * 28
    line = (
        f'2026-11-21T07:35:02.114Z INFO agent.station.app page-asked page="{page}" ms=3 ok=true link="mqtt"'
        ' station="hub" why="no zebra \\" here" at="store:12 < app:7"'
    )
    assert SCRUB.line(line) == (
        f'2026-11-21T07:35:02.114Z INFO agent.station.app page-asked page="{page}" ms=3 ok=true link="mqtt"'
        f' station="{hashed("hub")}" why="no {hashed("zebra")} \\" here" at="store:12 < app:7"'
    )


@pytest.mark.parametrize("line", ["", "hello zebra", "2026-11-21T07:35:02.114Z INFO a b c", '2026Z INFO a b x="open'])
def test_what_is_no_line_of_a_log_is_left_out(line: str) -> None:
    assert SCRUB.line(line) is None


def test_a_key_that_looks_like_an_id_stays_only_where_ids_stand() -> None:
    key = "0123456789abcdef" * 2
    assert SCRUB.value({"page": key})["page"] == key
    assert key not in str(SCRUB.value({"detail": key, "psk": key, "notices": [key]}))
    assert key * 2 not in str(SCRUB.value({"page": key * 2}))


def test_values_keep_their_shape() -> None:
    value = {"state": "up", "n": 3, "none": None, "links": [{"name": "mqtt", "detail": "zebra"}], "person": "hub"}
    assert SCRUB.value(value) == {
        "state": "up",
        "n": 3,
        "none": None,
        "links": [{"name": "mqtt", "detail": hashed("zebra")}],
        "person": hashed("hub"),
    }


def test_names_as_keys_go_as_well() -> None:
    assert SCRUB.value({"zebra": 1}) == {hashed("zebra"): 1}


def test_a_long_value_is_cut_as_in_the_log() -> None:
    line = SCRUB.line(f'2026-11-21T07:35:02.114Z INFO a b why="{"zebra " * 100}"')
    assert line is not None
    assert len(line) < LONGEST_VALUE + 60
