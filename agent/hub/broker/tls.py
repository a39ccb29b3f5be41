"""The site's own certificate authority and the broker's certificate, renewed in time."""

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from agent.hub.broker.base import BrokerFailed
from agent.hub.broker.files import write_private

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

_CA_LIFE = dt.timedelta(days=20 * 365)  # stations pin it at enrolment; a new one would mean enrolling all again
_HUB_LIFE = dt.timedelta(days=397)
_RENEW_BEFORE = dt.timedelta(days=30)
_CLOCK_SLACK = dt.timedelta(days=1)  # desks whose clock runs late must still believe us


class SiteTls:
    """Four files in a folder: ca.pem, ca.key, hub.pem, hub.key; the keys only the hub's user can read."""

    def __init__(self, folder: Path) -> None:
        self.ca_cert = folder / "ca.pem"
        self.ca_key = folder / "ca.key"
        self.hub_cert = folder / "hub.pem"
        self.hub_key = folder / "hub.key"

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate, as stations get it; `ensure` must have run once."""
        return self.ca_cert.read_bytes()

    def ensure(self, site: str, names: Sequence[str], now: dt.datetime | None = None) -> bool:
        """Make what is missing, old, or made for other names; True if the broker has something new to load.

        Raises BrokerFailed if the authority's key is needed and gone.
        """
        now = now or dt.datetime.now(dt.UTC)
        wanted = list(dict.fromkeys([*names, "localhost", "127.0.0.1"]))
        self.ca_cert.parent.mkdir(parents=True, exist_ok=True)
        if not self.ca_cert.exists():
            self._make_authority(site, now)
        elif self._good(wanted, now):
            return False
        self._make_hub(wanted, now)
        return True

    def _good(self, names: list[str], now: dt.datetime) -> bool:
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            old = x509.load_pem_x509_certificate(self.hub_cert.read_bytes())
            key = load_pem_private_key(self.hub_key.read_bytes(), None)
            alternatives = old.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            old.verify_directly_issued_by(x509.load_pem_x509_certificate(self.ca_pem))
        except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
            return False
        return (
            list(alternatives) == _alternatives(names)
            and key.public_key() == old.public_key()
            and old.not_valid_before_utc <= now < old.not_valid_after_utc - _RENEW_BEFORE
        )

    def _make_authority(self, site: str, now: dt.datetime) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"No More Running, site {site}")
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _blank(name, name, key.public_key(), now, _CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(own, critical=False)
            .sign(key, hashes.SHA256())
        )
        write_private(self.ca_key, _pem(key))
        write_private(self.ca_cert, certificate.public_bytes(_encoding()))

    def _make_hub(self, names: list[str], now: dt.datetime) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID

        authority, authority_key = self._load_authority()
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
        # Server and client: nodes of a cluster show this certificate to each other in both directions.
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate = (
            _blank(_name("hub"), authority.subject, key.public_key(), now, _HUB_LIFE)
            .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(purposes, critical=False)
            .add_extension(issuer, critical=False)
            .sign(authority_key, hashes.SHA256())
        )
        write_private(self.hub_key, _pem(key))
        write_private(self.hub_cert, certificate.public_bytes(_encoding()))

    def _load_authority(self) -> "tuple[x509.Certificate, ec.EllipticCurvePrivateKey]":
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            certificate = x509.load_pem_x509_certificate(self.ca_pem)
            key = load_pem_private_key(self.ca_key.read_bytes(), None)
        except (OSError, ValueError) as error:
            raise BrokerFailed(
                "The site's certificate authority cannot be read",
                f"{error}. Put back {os.fspath(self.ca_key)} and {os.fspath(self.ca_cert)} from the backup",
            ) from error
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return certificate, key


def _blank(
    subject: "x509.Name",
    issuer: "x509.Name",
    public_key: "ec.EllipticCurvePublicKey",
    now: dt.datetime,
    life: dt.timedelta,
) -> "x509.CertificateBuilder":
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + life)
    )


def _name(common: str) -> "x509.Name":
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternatives(names: list[str]) -> "list[x509.GeneralName]":
    from cryptography import x509

    def one(name: str) -> "x509.GeneralName":
        try:
            return x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            return x509.DNSName(name)

    return [one(name) for name in names]


def _key_usage(*, authority: bool) -> "x509.KeyUsage":
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: "ec.EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(_encoding(), serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _encoding() -> "serialization.Encoding":
    from cryptography.hazmat.primitives import serialization

    return serialization.Encoding.PEM
