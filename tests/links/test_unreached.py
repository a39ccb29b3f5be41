"""What a person reads when a server cannot be reached."""

import socket

import pytest

from agent.links.unreached import unreached


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(-2, "unknown"), "the name hub.lan is not known"),
        (TimeoutError(), "hub.lan:8883 does not answer"),
        (ConnectionRefusedError(), "no broker runs at hub.lan:8883"),
        (OSError("no route"), "hub.lan:8883: no route"),
        (OSError(), "hub.lan:8883: OSError"),
    ],
)
def test_each_failure_has_its_words(error: Exception, words: str) -> None:
    assert unreached(error, ("hub.lan", 8883), "broker") == words
