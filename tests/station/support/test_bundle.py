"""A bundle of a busy station names nobody and holds no text and no key: canaries planted everywhere do not come out."""

import asyncio
import json
import logging
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent import __version__
from agent.cli import run
from agent.demo.site import Site
from agent.domain.keys import from_b64u, to_b64u
from agent.station.support.bundle import collect, write_bundle
from agent.system.control import connect_to
from agent.system.credentials import load_credentials
from agent.system.log import OneLine, close_log, event, open_log
from agent.system.paths import Profile
from agent.system.psk_file import look_at_bundle
from agent.system.wrapping_key import load_key
from tests.servers.programs import until

PATIENCE = 45.0
SHORTEST_PIECE = 5


@dataclass
class Canaries:
    """Strings found nowhere else, and where each was planted; `pieces` are searched for, too."""

    planted: dict[str, str] = field(default_factory=dict)

    def new(self, place: str, shape: str = "{}") -> str:
        """One more, of letters nobody uses; `shape` puts it among other things."""
        number = len(self.planted)
        word = "zq" + "".join(chr(ord("a") + int(digit)) * 2 for digit in f"{number:03}") + "xw"
        return self.plant(place, shape.format(word))

    def plant(self, place: str, text: str) -> str:
        """A string that is secret by itself."""
        self.planted[text] = place
        return text

    def found_in(self, content: str) -> set[str]:
        """Where those were planted that are in `content`, whole or in pieces."""
        folded = content.casefold()
        return {place for text, place in self.planted.items() if any(one in folded for one in _pieces(text))}

    def of(self, *places: str) -> "Canaries":
        """Those planted in these places."""
        return Canaries({text: place for text, place in self.planted.items() if place in places})


def _pieces(text: str) -> list[str]:
    folded = text.casefold()
    return [folded, *(one for one in re.findall(r"[^\W_]+", folded) if "zq" in one or len(one) > 3 * SHORTEST_PIECE)]


@dataclass
class Busy:
    """A site at work: what was planted there, and the station that is bundled."""

    site: Site
    station: str
    hub: Profile
    canaries: Canaries

    @property
    def profile(self) -> Profile:
        return self.site.profile(self.station)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Busy]:
    """A hub and two stations as processes, everything people chose being a canary."""
    canaries = Canaries()
    folder = tmp_path_factory.mktemp("home") / canaries.new("path", "user {}")
    folder.mkdir()
    site = Site(folder)
    names = {place: [canaries.new(place) for _ in range(2)] for place in ("station", "person", "role")}
    try:
        site.start_hub()
        for station, person, role in zip(names["station"], names["person"], names["role"], strict=True):
            site.enrol(station, person, role)
            _configure(site.profile(station), canaries)
            site.start_station(station, {"NMR_NOTIFY": "silent", "NMR_SOUND": "silent", "NMR_TRAY": "silent"})
        found = Busy(site, names["station"][0], site.profile("hub"), canaries)
        _work(found, names["role"][1], names["station"][1])
        _plant_keys(found)
        yield found
    finally:
        site.stop()


def _configure(profile: Profile, canaries: Canaries) -> None:
    """Every text people can write into their settings, and some that they should not."""
    quick = [
        f'[[quick_page]]\ntitle = "{canaries.new("quick", "To {}")}"\nto = "role:{canaries.new("quick role")}"\n'
        f'note = "{canaries.new("quick note", "now {}!")}"\n'
        for _ in range(10)
    ]
    labels = [f'{name} = "{canaries.new("label")}"\n' for name in ("order_name", "item_name", "flag_a", "flag_b")]
    host = canaries.new("host", "{}.example")
    profile.config_folder.mkdir(parents=True, exist_ok=True)
    profile.config_file.write_text(
        '[log]\nlevel = "debug"\n[ui]\n' + "".join(labels) + f"{canaries.new('unknown key')} = 1\n"
        f'theme = "{canaries.new("wrong value")}"\n'
        f'[link.p2p]\nsignaling = "{host}:8443"\n' + "".join(quick),
        encoding="utf-8",
    )


def _work(busy: Busy, role: str, other: str) -> None:
    """Orders, pages with notes, answers with words, and requests that are refused."""
    new = busy.canaries.new
    with busy.site.talk(busy.station) as line, busy.site.talk(other) as theirs:
        until(lambda: line.request("status")["can"]["page"], "the list of orders", PATIENCE)
        for number in range(40):
            title, subtitle = new("title", "Table {} 4"), new("subtitle", "+49 {} 123")
            order = line.request("order.add", fields={"title": title, "subtitle": subtitle})["order"]
            page = line.request("page", to={"role": role}, order=order, note=new("note", "come, {}: now"))["page"]
            if number < 4:
                until(partial(_has, theirs, page), "the page", PATIENCE)
                theirs.request("answer", page=page, answer="declined", text=new("answer", "{} is busy"))
        for do in ("page", new("request")):
            with pytest.raises(Exception, match=r"."):
                line.request(do, to={"role": new("nobody")})
        until(lambda: any(one["answered_text"] for one in _pages(line)), "an answer", PATIENCE)


def _pages(line: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(iter(line.watch()))["pages"]
    return found


def _has(line: Any, page: str) -> bool:
    return page in {str(one["id"]) for one in _pages(line)}


def _plant_keys(busy: Busy) -> None:
    """The station's real secrets, in every spelling, and invites that were not used yet."""
    plant, folder = busy.canaries.plant, busy.profile.secrets_folder
    key, it = load_key(folder), load_credentials(folder)
    assert key is not None
    assert it is not None
    psk = look_at_bundle(folder, it.site, it.station, key)
    for place, raw in {
        "wrapping key": key.raw,
        "signing key": from_b64u(it.sign_key),
        "receiving key": from_b64u(it.receive_key),
        "psk": psk.psk,
        "backup": psk.backup,
        "psk id": psk.psk_id,
        "backup id": psk.backup_id,
    }.items():
        plant(place, raw.hex())
        plant(place, to_b64u(raw))
    plant("password", it.password)
    plant("session", it.client_id)
    plant("authority", it.ca_pem.splitlines()[1])
    with closing(connect_to(busy.hub.hub_control_address)) as hub:
        for _ in range(5):
            made = hub.request("hub.invite", person=busy.canaries.new("invited"), roles=["x"], station=None)
            plant("invite code", made["code"])
            plant("invite link", made["link"])


def unzipped(file: Path) -> dict[str, str]:
    """The parts of a bundle as texts."""
    with zipfile.ZipFile(file) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name).decode("utf-8") for name in opened.namelist()}


@pytest.mark.servers
def test_the_logs_hold_no_text_of_an_order_a_page_or_an_answer_even_when_they_say_all(busy: Busy) -> None:
    texts = busy.canaries.of("title", "subtitle", "note", "answer", "quick", "quick note", "label")
    for profile in (busy.profile, busy.hub):
        logs = sorted(profile.log_folder.glob("*.log*"))
        assert logs
        for log in logs:
            assert texts.found_in(log.read_text(encoding="utf-8")) == set(), log.name


@pytest.mark.servers
def test_none_of_200_canaries_is_in_the_bundle_of_a_busy_station(busy: Busy, tmp_path: Path) -> None:
    _log_what_should_never_be_logged(busy)
    assert len(busy.canaries.planted) >= 200
    file = tmp_path / "bundle.zip"
    assert run([*busy.profile.arguments(), "bundle", str(file), "--yes", "--json"]) == 0
    parts = unzipped(file)
    assert {"contents.txt", "configuration.json", "status.json", "doctor.json", "store.json", "log/agent.log"} < set(
        parts
    )
    assert busy.canaries.found_in("\n".join(parts)) == set(), "in the names"
    assert {name: found for name, text in parts.items() if (found := busy.canaries.found_in(text))} == {}


def _log_what_should_never_be_logged(busy: Busy) -> None:
    """As if somebody had logged texts and keys by mistake, in every way the log takes them."""
    log = open_log(busy.profile.log_folder, "agent")
    logger = logging.getLogger("agent.station.app")
    try:
        for text in list(busy.canaries.planted):
            event(logger, "kept", logging.ERROR, page="0" * 32, why=text, station=text, key=text, note=f"a {text}, b")
            logger.error("cannot keep %r of %s", text, f"/home/{text}/x")
        try:
            Path(f"/home/{next(iter(busy.canaries.planted))}/file").read_bytes()
        except OSError:
            logger.exception("failed")
    finally:
        close_log(log)
    with (busy.profile.log_folder / "agent.log").open("a", encoding="utf-8") as file:
        file.write("no line of a log: " + " ".join(busy.canaries.planted) + "\n")


@pytest.mark.servers
def test_what_support_needs_is_still_there(busy: Busy) -> None:
    with busy.site.talk(busy.station) as line:
        since = line.request("status")["links"]
        parts = {name: text.decode() for name, text in asyncio.run(collect(busy.profile)).items()}
        assert [one["since_ms"] for one in line.request("status")["links"]] == [one["since_ms"] for one in since]
    status, store = json.loads(parts["status.json"]), json.loads(parts["store.json"])
    config = json.loads(parts["configuration.json"])
    assert [(link["name"], link["state"]) for link in status["links"]] == [("mqtt", "up")]
    assert re.fullmatch("#[0-9a-f]{10}", status["station"])
    assert f'started station="{status["station"]}" tray="silent"' in parts["log/agent.log"], "the same name everywhere"
    assert (store["version"], store["kept"]["order"], store["kept"]["out"]) == (1, 40, 40)
    assert config["settings"]["log.level"] == {"value": "debug", "from": "user file"}
    assert config["settings"]["ring.again_seconds"] == {"value": 30, "from": "built-in"}
    assert len(config["settings"]["quick_page"]["value"]) == 10
    assert len(config["warnings"]) == len(config["mistakes"]) == 1
    assert "#" not in "".join([*_fields(status), *_fields(json.loads(parts["doctor.json"]))]), "fields are ours"
    checks = {one["check"]: one["level"] for one in json.loads(parts["doctor.json"])["findings"]}
    assert (checks["agent"], checks["link"], checks["permissions"]) == ("ok", "ok", "ok")
    assert {"data/station.sqlite3", "data/secrets/psk.bin", "log/agent.log"} < {
        one["name"] for one in json.loads(parts["files.json"])
    }
    assert status["version"] == __version__
    with busy.site.talk(busy.station) as line:
        asked = re.findall(r'page-asked page="([0-9a-f]{32})"', parts["log/agent.log"])
        assert set(asked) == {str(one["id"]) for one in _pages(line) if one["out"]}


def _fields(value: Any) -> Iterator[str]:
    """The names of all fields in a value."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _fields(one)


@pytest.mark.servers
def test_what_a_hub_says_and_logs_is_scrubbed_as_well(busy: Busy) -> None:
    parts = {name: text.decode() for name, text in asyncio.run(collect(busy.hub)).items()}
    assert "INFO agent.hub.enrolment enrol invite=" in parts["log/hub.log"]
    status = json.loads(parts["hub.json"])
    assert (status["stations"], len(status["live"]), status["broker"]) == (2, 2, "nats")
    assert [name for name in _fields(status) if "#" in name] == []
    assert {name: found for name, text in parts.items() if (found := busy.canaries.found_in(text))} == {}


def test_two_bundles_of_one_station_have_other_hashes(tmp_path: Path) -> None:
    profile = Profile.at(tmp_path / "somebody")
    profile.create()
    profile.config_file.write_text('[ui]\norder_name = "Somebody"\n')

    def hashed() -> str:
        config = json.loads(asyncio.run(collect(profile))["configuration.json"])
        return str(config["settings"]["ui.order_name"]["value"])

    assert hashed() != hashed()


# ---- the command ----
def test_what_will_be_in_it_is_shown_before_anything_is_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "b.zip"
    monkeypatch.setattr("click.confirm", lambda *_, **__: _refuse(file))
    assert run(["--profile", str(tmp_path / "p"), "bundle", str(file)]) == 130
    shown = capfd.readouterr().err
    assert re.search(r"\d+ bytes  doctor.json", shown)
    assert not file.exists()


def _refuse(file: Path) -> None:
    import click

    assert not file.exists()
    raise click.Abort


def test_a_bundle_is_private_and_takes_no_files_place(tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    command = ["--profile", str(tmp_path / "p"), "bundle", str(file), "--yes"]
    assert run(command) == 0
    if sys.platform != "win32":
        assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    assert run(command) == 2
    assert file.read_bytes() == before
    assert not any(name.startswith(("/", "..")) for name in unzipped(file))


def test_a_bundle_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="could not be written"):
        write_bundle(tmp_path / "nowhere" / "b.zip", {"a": b""})


def test_rotated_logs_are_in_it_and_strange_files_are_not(tmp_path: Path) -> None:
    profile = Profile.at(tmp_path)
    profile.create()
    record = logging.LogRecord("agent.x", logging.INFO, __file__, 1, "said %s", ("so",), None)
    for name in ("agent.log", "agent.log.1", "hub.log.4", "secret.log", "agent.log.bak"):
        (profile.log_folder / name).write_text(OneLine().format(record) + "\n")
    os.truncate(profile.log_folder / "hub.log.4", 0)
    logs = {name for name in asyncio.run(collect(profile)) if name.startswith("log/")}
    assert logs == {"log/agent.log", "log/agent.log.1", "log/hub.log.4"}
