"""`nmr hub init`: one command to a site that pages; what would not work is said before anything is made."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.cli import run
from agent.demo.site import NO_KEYRING, Site, until
from agent.domain.names import HUB
from agent.hub import founding
from agent.hub.ask import ask_hub
from agent.hub.founding import Plan, problems
from agent.system.config.load import load_hub
from agent.system.paths import Profile
from tests.servers.ports import free_port

pytestmark = pytest.mark.servers

Nmr = tuple[int, Any, str]


@pytest.fixture
def words() -> list[str]:
    """What a site on this computer needs besides its name."""
    ports = ["--http-port", str(free_port()), "--mqtt-port", str(free_port())]
    return ["--yes", "--address", "127.0.0.1", "--listen", "127.0.0.1", "--start", "no", "--json", *ports]


def init(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Nmr:
    code = run(["--profile", str(folder / "hub"), "hub", "init", *words])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out else None, said.err


class Founded(Site):
    """A site whose hub was started by `nmr hub init`."""

    def found(self, *words: str) -> dict[str, Any]:
        program = self._start(HUB, "hub", "init", *words)
        assert program.stdout
        made: dict[str, Any] = json.loads(program.stdout.readline())
        assert json.loads(program.stdout.readline())["url"] == made["url"]
        return made


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Founded]:
    made = Founded(tmp_path)
    yield made
    made.stop()


def test_one_command_to_a_site_whose_stations_page(site: Founded, tmp_path: Path, words: list[str]) -> None:
    words[words.index("no")] = "here"
    first = tmp_path / "first.invite"
    made = site.found(*words, "--site", "cafe", "--person", "anna", "--role", "lead", "--file", str(first))
    assert (made["site"], made["start"], made["broker"]) == ("cafe", "here", "nats")
    assert made["first"]["invite"] == json.loads(first.read_text())
    enrolling = [sys.executable, "-m", "agent", *site.profile("anna").arguments(), "enrol", str(first), "--json"]
    done = subprocess.run(enrolling, capture_output=True, stdin=subprocess.DEVNULL, env={**os.environ, **NO_KEYRING})
    assert json.loads(done.stdout) == {"site": "cafe", "station": "anna", "person": "anna"}
    site.enrol("ben", "ben", "kitchen")
    for name in ("anna", "ben"):
        site.start_station(name, NO_KEYRING)
    with site.talk("anna") as line:
        page = line.request("page", to={"role": "kitchen"}, note="", urgent=False)["page"]
    with site.talk("ben") as line:
        until(lambda: page in [one["id"] for one in next(iter(line.watch()))["pages"]], "the page")
    assert ask_hub(site.profile(HUB), "hub.status")["stations"] == 2


def test_a_site_that_is_there_is_never_founded_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    code, made, _ = init(tmp_path, capsys, *words, "--site", "cafe")
    assert (code, made["site"], made["first"]["invite"]["card"]["person"]) == (0, "cafe", "it")
    profile = Profile.at(tmp_path / "hub")
    before = (profile.hub_folder / "secrets.bin").read_bytes(), profile.hub_config_file.read_bytes()
    for name in ("cafe", "other"):
        code, made, _ = init(tmp_path, capsys, *words, "--site", name)
        assert (code, made["error"]["code"]) == (2, "site-there")
        assert "nmr hub run" in made["error"]["message"]
    assert before == ((profile.hub_folder / "secrets.bin").read_bytes(), profile.hub_config_file.read_bytes())


def test_somebody_s_configuration_is_not_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    profile = Profile.at(tmp_path / "hub")
    profile.create()
    profile.hub_config_file.write_text('[hub]\nsite = "mine"\n')
    code, made, _ = init(tmp_path, capsys, *words)
    assert (code, made["error"]["code"]) == (2, "site-there")
    assert "mine" in profile.hub_config_file.read_text()


def test_what_would_not_work_is_said_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        wrong: list[tuple[list[str], str]] = [
            (["--site", "Corner Café"], "name cannot be used"),
            (["--mqtt-port", port], "port is not free"),
            (["--http-port", port], "port is not free"),
            (["--address", "hub.nowhere.invalid"], "address is not known"),
            (["--person", "Anna"], "name cannot be used"),
            (["--role", "hub room"], "name cannot be used"),
        ]
        for more, told in wrong:
            code, made, _ = init(tmp_path, capsys, *words, *more)
            assert code != 0
            assert told in made["error"]["title"]
        with monkeypatch.context() as patch:
            patch.setattr(founding, "LEAST_BYTES", 1 << 62)
            assert "disk" in init(tmp_path, capsys, *words)[1]["error"]["title"]
        with monkeypatch.context() as patch:
            patch.setattr("agent.hub.founding.time.time", lambda: 1_000_000_000.0)
            assert "clock" in init(tmp_path, capsys, *words)[1]["error"]["title"]
    assert not (tmp_path / "hub").exists()
    code, made, err = init(tmp_path, capsys, *words, "--address", "hub.nowhere.invalid", "--unchecked")
    assert (code, "not known here" in err) == (0, True)


def test_a_missing_broker_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(founding, "_has", lambda _: False)
    plan = Plan(site="s1", names=("127.0.0.1",), listen="127.0.0.1", http_port=free_port(), mqtt_port=free_port())
    assert [problem.title for problem in problems(Profile.at(tmp_path), plan)] == ["The broker is not installed"]


@pytest.mark.parametrize("cut", ["hub_config_file", "open_hub", "answer"])
def test_a_founding_that_was_cut_off_is_gone_on_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    class PowerCut(BaseException):
        """Nobody catches it."""

    def dies(*_: object, **__: object) -> Any:
        raise PowerCut

    with monkeypatch.context() as patch:
        match cut:
            case "hub_config_file":
                patch.setattr(Plan, "toml", dies)
            case "open_hub":
                patch.setattr(founding, "open_hub", dies)
            case "answer":
                patch.setattr("agent.hub.office.Office.answer", dies)
        with pytest.raises(PowerCut):
            init(tmp_path, capsys, *words, "--site", "cafe")
    keys = Profile.at(tmp_path / "hub").hub_folder / "secrets.bin"
    before = keys.read_bytes() if keys.exists() else b""
    assert (cut == "answer") == bool(before)
    code, made, _ = init(tmp_path, capsys, *words, "--site", "other")
    assert (code, "“cafe” was begun" in made["error"]["title"]) == (2, True)
    code, made, _ = init(tmp_path, capsys, *words, "--site", "cafe")
    assert (code, made["site"]) == (0, "cafe")
    assert keys.read_bytes().startswith(before)
    assert init(tmp_path, capsys, *words, "--site", "cafe")[1]["error"]["code"] == "site-there"


def test_without_a_terminal_nothing_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = init(tmp_path, capsys)
    assert (code, "--yes" in err) == (2, True)


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal is a matter of POSIX here")
def test_who_types_is_asked_and_enter_takes_what_is_usual(tmp_path: Path, words: list[str]) -> None:
    import pty

    master, slave = pty.openpty()
    ports = [words[words.index(one) + 1] for one in ("--http-port", "--mqtt-port")]
    asked = subprocess.Popen(
        [sys.executable, "-m", "agent", "--profile", str(tmp_path), "hub", "init", "--listen", "127.0.0.1"],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        os.close(slave)
        typed = ["tea-room", "127.0.0.1", "", *ports, "anna", "lead,kitchen", "no"]
        os.write(master, "".join(f"{line}\n" for line in typed).encode())
        out, err = asked.communicate(timeout=60)
    finally:
        asked.kill()
        asked.wait()
        os.close(master)
    assert (asked.returncode, b"site tea-room is founded" in out) == (0, True), err
    config = load_hub(Profile.at(tmp_path)).config.hub
    assert (config.site, config.names, config.broker) == ("tea-room", ("127.0.0.1",), "nats")
    assert [str(config.http_port), str(config.mqtt_port)] == ports
