"""Errors for people: title, advice and exit code survive the way through the control socket."""

import json

import pytest

from agent.domain import errors
from agent.domain.errors import BadConfiguration, BadInput, NmrError, NotAllowed, TryLater, Unavailable, from_wire

KINDS = [(NmrError, 1), (BadInput, 2), (Unavailable, 69), (TryLater, 75), (NotAllowed, 77), (BadConfiguration, 78)]


@pytest.mark.parametrize(("kind", "exit_code"), KINDS)
def test_an_error_comes_out_of_the_wire_as_it_went_in(kind: type[NmrError], exit_code: int) -> None:
    sent = kind("No such order", "Run: nmr orders", code="no-such-order", field="order")
    got = from_wire(json.loads(json.dumps(sent.to_wire())))
    assert type(got) is kind
    assert (got.title, got.message, got.code, got.field) == (sent.title, sent.message, sent.code, sent.field)
    assert got.exit_code == exit_code


def test_the_error_object_has_the_documented_keys() -> None:
    assert Unavailable("Gone", "Start it").to_wire() == {
        "code": "unavailable",
        "title": "Gone",
        "message": "Start it",
        "field": None,
        "exit": 69,
    }


def test_an_exit_code_without_a_class_is_kept() -> None:
    got = from_wire({"code": "x", "title": "t", "message": "m", "field": None, "exit": 70})
    assert (type(got), got.exit_code) == (NmrError, 70)


@pytest.mark.parametrize(
    "wire", [None, 3, "no", [], {}, {"title": "t"}, {"code": 1, "title": "t", "message": "m", "exit": 2}]
)
def test_what_is_no_error_object_becomes_an_internal_error(wire: object) -> None:
    assert from_wire(wire).code == "internal"


def test_printed_it_says_what_is_wrong_and_what_to_do() -> None:
    assert str(Unavailable("The agent is not running", "Start it with: nmr run")) == (
        "The agent is not running. Start it with: nmr run"
    )
    assert str(NmrError("Gone")) == "Gone"


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    for kind, exit_code in KINDS:
        assert any(
            kind.__name__ in line and f"exit {exit_code:2}" in line for line in (errors.__doc__ or "").splitlines()
        ), kind
