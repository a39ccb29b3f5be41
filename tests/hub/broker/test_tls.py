"""The site's authority is made once; the broker's certificate follows time and names."""

import datetime as dt
import ssl
import stat
import sys
from pathlib import Path

import pytest
from cryptography import x509

from agent.hub.broker.base import BrokerFailed
from agent.hub.broker.tls import SiteTls

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
NAMES = ("hub.example", "192.0.2.7", "2001:db8::7")


@pytest.fixture
def tls(tmp_path: Path) -> SiteTls:
    tls = SiteTls(tmp_path / "tls")
    assert tls.ensure("s1", NAMES, NOW)
    return tls


def test_writes_an_authority_and_a_certificate_that_it_signed(tls: SiteTls) -> None:
    authority = x509.load_pem_x509_certificate(tls.ca_pem)
    certificate = x509.load_pem_x509_certificate(tls.hub_cert.read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert "s1" in authority.subject.rfc4514_string()


def test_the_certificate_is_for_every_name_and_for_loopback(tls: SiteTls) -> None:
    certificate = x509.load_pem_x509_certificate(tls.hub_cert.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["hub.example", "localhost"]
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert addresses == ["192.0.2.7", "2001:db8::7", "127.0.0.1"]


def test_pythons_strict_check_loads_both(tls: SiteTls) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.hub_cert, tls.hub_key)
    context.load_verify_locations(tls.ca_cert)


def test_does_nothing_while_all_is_well(tls: SiteTls) -> None:
    before = tls.hub_cert.read_bytes()
    assert not tls.ensure("s1", NAMES, NOW + dt.timedelta(days=300))
    assert tls.hub_cert.read_bytes() == before


def test_renews_the_certificate_a_month_before_it_ends_and_keeps_the_authority(tls: SiteTls) -> None:
    before, authority = tls.hub_cert.read_bytes(), tls.ca_pem
    end = x509.load_pem_x509_certificate(before).not_valid_after_utc
    assert not tls.ensure("s1", NAMES, end - dt.timedelta(days=31))
    assert tls.ensure("s1", NAMES, end - dt.timedelta(days=29))
    assert tls.hub_cert.read_bytes() != before
    assert tls.ca_pem == authority


def test_renews_the_certificate_for_other_names(tls: SiteTls) -> None:
    assert tls.ensure("s1", ("new.example",), NOW)
    assert not tls.ensure("s1", ("new.example",), NOW)


@pytest.mark.parametrize("damage", ["hub.key", "hub.pem"])
def test_makes_a_damaged_pair_again(tls: SiteTls, damage: str) -> None:
    (tls.hub_cert.parent / damage).write_text("torn")
    assert tls.ensure("s1", NAMES, NOW)
    assert not tls.ensure("s1", NAMES, NOW)


def test_a_key_that_belongs_to_another_certificate_is_replaced(tls: SiteTls, tmp_path: Path) -> None:
    other = SiteTls(tmp_path / "other")
    other.ensure("s1", NAMES, NOW)
    tls.hub_key.write_bytes(other.hub_key.read_bytes())
    assert tls.ensure("s1", NAMES, NOW)


def test_never_makes_a_second_authority_when_only_its_key_is_lost(tls: SiteTls) -> None:
    tls.ca_key.unlink()
    assert not tls.ensure("s1", NAMES, NOW)
    with pytest.raises(BrokerFailed, match="backup"):
        tls.ensure("s1", ("new.example",), NOW)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes; the folder's rights protect it")
def test_only_the_owner_reads_the_keys(tls: SiteTls) -> None:
    assert {stat.S_IMODE(key.stat().st_mode) for key in (tls.ca_key, tls.hub_key)} == {0o600}
