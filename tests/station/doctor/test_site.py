"""Faults planted between a station and its site: ports, certificates, clocks, accounts, permissions."""

import asyncio
import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest

from agent.hub.broker import permissions as broker_permissions
from agent.hub.broker.permissions import Rights
from agent.hub.broker.tls import SiteTls
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.settings import MqttSettings
from agent.station.doctor.finding import Level
from agent.station.doctor.trial import try_broker
from agent.station.doctor.visit import visit
from agent.system.credentials import Credentials, load_credentials
from agent.system.paths import Profile
from tests.servers.broker import RunningBroker, running_broker
from tests.servers.ports import free_port
from tests.station.doctor.scene import GOOD, LivingHub, changed, examined, said

pytestmark = pytest.mark.servers
DAY = dt.timedelta(days=1)


def credentials_of(station: Profile) -> Credentials:
    found = load_credentials(station.secrets_folder)
    assert found is not None
    return found


@contextmanager
def false_hub(tls: SiteTls, *, ahead_s: float = 0.0, date: bool = True) -> Iterator[int]:
    """A port that shows the certificate in `tls` and tells the time as far ahead; yields its number."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.hub_cert, tls.hub_key)
    said = f"Date: {formatdate(time.time() + ahead_s, usegmt=True)}\r\n" if date else ""

    def serve() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as opened:
                    if opened.recv(4096):
                        opened.sendall(f"HTTP/1.1 404 Not Found\r\n{said}Content-Length: 0\r\n\r\n".encode())
            except OSError:
                plain.close()

    with closing(socket.create_server(("0.0.0.0", 0))) as listening:
        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            serving.join(5)


def certified(folder: Path, *, days_ago: int = 0, names: tuple[str, ...] = ("127.0.0.1",)) -> SiteTls:
    """A site whose authority is from today and whose certificate was made so many days ago; it lives 397."""
    tls = SiteTls(folder)
    now = dt.datetime.now(dt.UTC)
    tls.ensure("s1", names, now)
    if days_ago:
        tls.hub_cert.unlink()
        tls.ensure("s1", names, now - days_ago * DAY)
    return tls


def at(station: Profile, tls: SiteTls, port: int, *, broker: int | None = None) -> Profile:
    """The station of another site, whose hub is at `port`."""
    brokers = (("127.0.0.1", broker or free_port()),)
    return changed(station, url=f"https://127.0.0.1:{port}", ca_pem=tls.ca_pem.decode(), brokers=brokers)


def test_a_site_that_is_well_is_examined_without_a_complaint(station: Profile) -> None:
    found = examined(station, "hub", "broker", "permissions", "certificate", "clock", "mail")
    assert {finding.level for finding in found} == {Level.OK, Level.OFF}
    names = [finding.values["name"] for finding in found if finding.check == "certificate"]
    assert (names[0], len(names)) == ("CA", 3)
    assert [finding.check for finding in found if finding.level is Level.OFF] == ["mail"]


def test_the_agent_that_runs_keeps_its_session_while_we_log_in(station: Profile, hub: LivingHub) -> None:
    it = credentials_of(station)
    settings = MqttSettings(it.site, it.station, it.brokers, it.station, it.password, it.client_id, it.ca_pem.encode())

    async def walk() -> None:
        async with MqttLink(settings).connect() as session:
            trial = await asyncio.to_thread(try_broker, it, *it.brokers[0])
            assert (trial.let_in, trial.may_read, trial.came_back) == (True, True, True)
            session.check_up()
            assert session.held == 0

    hub.do(walk())


def test_a_broker_that_is_down_is_told(station: Profile) -> None:
    port = free_port()
    (found,) = examined(changed(station, brokers=(("127.0.0.1", port),)), "broker")
    assert (found.level, found.what, found.values["port"]) == (Level.FAILURE, "refused", port)


def test_a_broker_whose_name_nobody_knows_is_told(station: Profile) -> None:
    assert said(changed(station, brokers=(("nowhere.invalid", 8883),)), "broker") == [("failure", "name")]


def test_one_broker_of_two_that_is_down_is_a_warning(station: Profile) -> None:
    two = (("127.0.0.1", free_port()), *credentials_of(station).brokers)
    assert said(changed(station, brokers=two), "broker") == [("warning", "refused"), ("ok", "ok")]


def test_a_port_of_another_program_is_told(station: Profile) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def hang_up() -> None:
            for _ in range(2):
                listening.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        port = listening.getsockname()[1]
        assert said(changed(station, brokers=(("127.0.0.1", port),)), "broker") == [("failure", "no-tls")]


def test_a_port_that_says_nothing_is_told_in_time() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        seen = visit("127.0.0.1", listening.getsockname()[1], "", http=False, patience=0.2)
    assert seen.fault in ("silent", "no-tls")


def test_a_hub_that_is_gone_is_told_while_the_broker_may_still_work(station: Profile) -> None:
    assert said(changed(station, url=f"https://127.0.0.1:{free_port()}"), "hub") == [("failure", "refused")]
    assert said(station, "broker") == [("ok", "ok")]


def test_the_certificate_of_another_site_is_told(station: Profile, tmp_path: Path) -> None:
    other = certified(tmp_path / "tls").ca_pem.decode()
    changed(station, ca_pem=other)
    assert said(station, "hub") == [("failure", "untrusted")]
    assert said(station, "broker") == [("failure", "untrusted")]


def test_an_authority_that_is_none_is_told(station: Profile) -> None:
    found = examined(changed(station, ca_pem="none"), "certificate", "hub")
    assert ("certificate", "no-authority") in [(finding.check, finding.what) for finding in found]


def test_an_expired_certificate_is_told_with_its_age(station: Profile, tmp_path: Path) -> None:
    tls = certified(tmp_path / "tls", days_ago=400)
    with false_hub(tls) as port:
        found = examined(at(station, tls, port), "hub", "certificate")
    assert (found[0].check, found[0].level, found[0].what) == ("hub", Level.FAILURE, "expired")
    (bad,) = [finding for finding in found[1:] if finding.level is not Level.OK]
    assert (bad.level, bad.what) == (Level.FAILURE, "expired")
    assert bad.values["days"] == pytest.approx(3.0, abs=0.2)


def test_a_certificate_that_nobody_renews_is_told_before_it_ends(station: Profile, tmp_path: Path) -> None:
    tls = certified(tmp_path / "tls", days_ago=390)
    with false_hub(tls) as port:
        found = examined(at(station, tls, port), "certificate")
    assert [(finding.level, finding.what) for finding in found] == [("ok", "ok"), ("warning", "soon")]


def test_a_certificate_for_other_names_is_told(station: Profile, tmp_path: Path) -> None:
    tls = certified(tmp_path / "tls")
    with false_hub(tls) as port:
        changed(station, url=f"https://127.0.0.2:{port}", ca_pem=tls.ca_pem.decode())
        assert said(station, "hub") == [("failure", "other-name")]


@pytest.mark.parametrize(
    ("ahead_s", "level", "what"), [(0, "ok", "ok"), (-60, "warning", "off-by"), (7200, "failure", "wrong")]
)
def test_a_clock_that_is_not_the_hubs_is_told(
    station: Profile, tmp_path: Path, ahead_s: int, level: str, what: str
) -> None:
    tls = certified(tmp_path / "tls")
    with false_hub(tls, ahead_s=ahead_s) as port:
        (found,) = examined(at(station, tls, port), "clock")
    assert (str(found.level), found.what) == (level, what)
    if ahead_s:
        assert abs(float(found.values["seconds"]) + ahead_s) <= 2


def test_the_clock_of_this_computer_is_compared_with_a_real_hubs(station: Profile) -> None:
    assert said(station, "clock") == [("ok", "ok")]
    assert said(station, "clock", wall=lambda: time.time() - 4000) == [("failure", "wrong")]


def test_a_hub_that_does_not_tell_the_time_is_no_fault(station: Profile, tmp_path: Path) -> None:
    tls = certified(tmp_path / "tls")
    with false_hub(tls, date=False) as port:
        assert said(at(station, tls, port), "clock") == [("off", "off")]


def test_a_station_that_the_broker_no_longer_lets_in_is_told(hub: LivingHub) -> None:
    gone = hub.enrolled("gone", "kitchen")
    hub.revoke("gone")
    assert said(gone, "broker") == [("failure", "login-refused")]
    assert said(gone, "permissions") == [("off", "off")]


@pytest.fixture
def narrow(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningBroker]:
    """A broker that gives its stations the rights in the test's parameter, and no others."""
    kind, rights = request.param
    monkeypatch.setattr("agent.station.doctor.trial.ECHO_S", 0.7)
    monkeypatch.setattr(broker_permissions, "station_rights", lambda _site, _station: rights)
    with running_broker(kind, tmp_path / "broker", ["anna"]) as broker:
        yield broker


MUTE = Rights(publish=("nmr/1/s1/auth/anna/up",), subscribe=("nmr/1/s1/to/anna/+", "nmr/1/s1/auth/anna/down"))
DEAF = Rights(publish=("nmr/1/s1/to/+/anna",), subscribe=("nmr/1/s1/auth/anna/down",))


@pytest.mark.parametrize(
    ("narrow", "whats"),
    [
        (("nats", DEAF), {"read"}),
        (("nats", MUTE), {"write"}),
        (("mosquitto", DEAF), {"read", "write"}),  # Mosquitto says yes to a topic it does not give
    ],
    indirect=["narrow"],
    ids=["nats-deaf", "nats-mute", "mosquitto-deaf"],
)
def test_permissions_that_are_missing_are_told(station: Profile, narrow: RunningBroker, whats: set[str]) -> None:
    changed(
        station,
        brokers=(("127.0.0.1", narrow.port),),
        password=narrow.passwords["anna"],
        ca_pem=narrow.ca.read_text(),
    )
    (found,) = examined(station, "permissions")
    assert found.level is Level.FAILURE
    assert found.what in whats


def test_signaling_that_cannot_be_reached_is_told_where_direct_ways_are_wanted(station: Profile) -> None:
    assert said(station, "signaling") == [("off", "off")]
    station.config_file.write_text("[link.p2p]\nenabled = true\n")
    assert said(station, "signaling") == [("ok", "ok")]
    station.config_file.write_text(f'[link.p2p]\nenabled = true\nsignaling = "127.0.0.1:{free_port()}"\n')
    assert said(station, "signaling") == [("warning", "unreachable")]


def test_a_link_that_is_switched_off_is_not_tried(station: Profile) -> None:
    station.config_file.write_text("[link.mqtt]\nenabled = false\n")
    assert said(station, "broker", status=GOOD) == [("off", "off")]


def test_addresses_of_the_configuration_are_the_ones_that_are_tried(station: Profile) -> None:
    port = free_port()
    station.config_file.write_text(f'[link.mqtt]\naddresses = ["[::1]:{port}"]\n')
    (found,) = examined(station, "broker")
    assert (found.level, found.values["host"], found.values["port"]) == (Level.FAILURE, "::1", port)
