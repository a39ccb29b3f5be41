"""What tests of the control socket stand on: a profile, an agent in it, and lines to that."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.system.control import ControlLine, connect
from agent.system.paths import Profile
from tests.system.control_stage import Agent, running


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile.at(tmp_path / "p")


@pytest.fixture
def agent(profile: Profile) -> Iterator[Agent]:
    with running(profile) as started:
        yield started


@pytest.fixture
def line(agent: Agent) -> Iterator[ControlLine]:
    with connect(agent.profile) as opened:
        yield opened


@pytest.fixture
def raw(agent: Agent) -> Iterator[socket.socket]:
    """A plain connection to the agent's socket."""
    with socket.socket(socket.AF_UNIX) as opened:
        opened.settimeout(10)
        opened.connect(agent.profile.control_address)
        yield opened
