"""By which names a hub is found."""

import pytest

from agent.hub.place import dialled, in_url, names_of
from agent.system.config.schema import Hub


def test_configured_names_are_taken_as_they_are() -> None:
    assert names_of(Hub(names=("hub.example", "10.0.0.7"))) == ("hub.example", "10.0.0.7")


def test_without_names_it_is_where_the_hub_listens() -> None:
    assert names_of(Hub(listen="10.0.0.7")) == ("10.0.0.7",)


def test_a_hub_that_listens_everywhere_is_called_as_its_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Desk-Hub")
    monkeypatch.setattr("agent.hub.place._own_address", lambda: "192.0.2.9")
    assert names_of(Hub()) == ("192.0.2.9", "desk-hub")
    monkeypatch.setattr("socket.gethostname", lambda: "my_hüb")
    monkeypatch.setattr("agent.hub.place._own_address", lambda: "")
    assert names_of(Hub(listen="::")) == ("localhost",)


@pytest.mark.parametrize(
    ("listen", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "localhost"), ("10.0.0.7", "10.0.0.7")]
)
def test_the_hub_reaches_itself(listen: str, reached: str) -> None:
    assert dialled(listen) == reached


def test_an_address_with_colons_stands_in_brackets() -> None:
    assert in_url("fd00::1") == "[fd00::1]"
    assert in_url("hub") == "hub"
