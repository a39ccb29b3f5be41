"""Checks of what enrolment gave: the account and its keys, how they are kept, the key towards the hub."""

from agent.domain.envelope import DAY_MS
from agent.domain.errors import BadConfiguration
from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Sight
from agent.system.deployment import deployment
from agent.system.wrapping_key import storage_of

# What is wrong with the secrets, by the code of the error, in words of the doctor's.
_FAULTS = {
    "secrets-damaged": "damaged",
    "secrets-too-old": "version",
    "secrets-too-new": "version",
    "keyring-locked": "locked",
    "keyring-none": "no-keyring",
    "keyring-lacks": "lost",
}


async def enrolment(sight: Sight) -> list[Finding]:
    """Whether this computer is a station, and can read that it is."""
    found, secrets = Findings("enrolment"), sight.secrets
    if secrets.open_to_others:
        return [found.failure("open", folder=secrets.open_to_others)]
    if secrets.error is not None:
        what = _FAULTS.get(secrets.error.code, "unreadable")
        return [found.failure(what, reason=secrets.error.message)]
    if secrets.credentials is None:
        return [found.failure(_not_yet(sight))]
    return [found.ok(station=secrets.credentials.station, site=secrets.credentials.site)]


def _not_yet(sight: Sight) -> str:
    """Whether IT left an invite for the agent to join by."""
    try:
        return "awaited" if deployment(sight.profile).invite else "none"
    except BadConfiguration:
        return "deployment"


async def key(sight: Sight) -> list[Finding]:
    """The key with which station and hub prove themselves to each other (PSK)."""
    found, secrets = Findings("key"), sight.secrets
    if secrets.credentials is None:
        return [found.off()]
    if sight.only_mail:
        return [found.off("only-mail")]
    if secrets.bundle_error is not None:
        what = "backup-missing" if secrets.bundle_error.code.endswith("backup-missing") else secrets.bundle_error.fault
        return [found.failure(what, reason=secrets.bundle_error.message)]
    assert secrets.bundle is not None
    left_ms = secrets.bundle.not_after - sight.wall() * 1000
    if left_ms <= 0:
        return [found.warning("expired", generation=secrets.bundle.gen)]
    return [found.ok(days=round(left_ms / DAY_MS, 1), generation=secrets.bundle.gen)]


async def storage(sight: Sight) -> list[Finding]:
    """How well the secrets are protected."""
    found = Findings("storage")
    if sight.secrets.open_to_others or not sight.profile.secrets_folder.is_dir():
        return [found.off()]
    return [found.ok() if storage_of(sight.profile.secrets_folder) == "keyring" else found.warning("weak")]
