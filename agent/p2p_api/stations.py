"""Which stations this program may be: those whose profiles it was given, with the keys enrolment left there."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from agent.domain.keys import from_b64u
from agent.domain.names import to_name
from agent.links.p2p.settings import IceServer, P2pSettings
from agent.p2p_api.errors import NameTaken, P2pError, UnknownUser
from agent.p2p_api.members import Members
from agent.p2p_api.notary import Notary
from agent.system.credentials import Credentials, load_credentials
from agent.system.lock import ProfileLock
from agent.system.paths import Profile
from agent.system.pin import load_pin
from agent.wire.keys import Identity

PROFILES, SIGNALING, STUN = "NMR_P2P_PROFILES", "NMR_P2P_SIGNALING", "NMR_P2P_STUN"
"""Environment variables for a program that does not call `configure`."""


@dataclass(frozen=True, slots=True)
class Station:
    """One user: who it is, whom it knows, where it finds the others, and what keeps a second program from being it."""

    name: str
    members: Members
    notary: Notary
    settings: P2pSettings
    lock: ProfileLock


@dataclass(slots=True)
class Choice:
    """What the program chose; where it chose nothing, the environment counts, then the profile of this account."""

    profiles: tuple[Profile, ...] = ()
    signaling: str = ""
    servers: tuple[IceServer, ...] = ()

    def all_profiles(self) -> tuple[Profile, ...]:
        """Where to look for keys."""
        folders = [folder for folder in os.environ.get(PROFILES, "").split(os.pathsep) if folder]
        return self.profiles or tuple(Profile.at(folder) for folder in folders) or (Profile.default(),)

    def url(self, credentials: Credentials) -> str:
        """The signaling server: the one that was named, else the hub's."""
        hub = urlsplit(credentials.url).netloc
        return self.signaling or os.environ.get(SIGNALING, "") or f"wss://{hub}/signal"

    def ice(self) -> Sequence[IceServer]:
        """The STUN and TURN servers; no other is asked, and none if none is named."""
        stun = os.environ.get(STUN, "")
        return self.servers or ((IceServer(stun),) if stun else ())


@dataclass(frozen=True, slots=True)
class _Enrolled:
    profile: Profile
    credentials: Credentials = field(repr=False)


def find_station(user_id: str, choice: Choice) -> Station:
    """The station `user_id` names; asks keyrings and disks, so not in an event loop.

    Raises UnknownUser, NameTaken if its keys are not those of the site's list, SecretsUnreadable.
    """
    enrolled = [
        _Enrolled(profile, credentials)
        for profile in choice.all_profiles()
        if (credentials := load_credentials(profile.secrets_folder)) is not None
    ]
    one = next((one for one in enrolled if one.credentials.station == to_name(user_id)), None)
    if one is None:
        raise _unknown(user_id, choice, enrolled)
    known = one.credentials
    me = Identity.of(known.site, known.station, from_b64u(known.sign_key), from_b64u(known.receive_key))
    here = [other.profile for other in enrolled if other.credentials.genesis == known.genesis]
    members = Members(known.site, known.genesis.encode(), [profile.data_file for profile in here])
    _check(me, members, here)
    settings = P2pSettings(known.station, choice.url(known), known.ca_pem.encode(), choice.ice)
    lock = ProfileLock(one.profile.data_folder / "p2p.lock")
    return Station(known.station, members, Notary(me, members), settings, lock)


def _check(me: Identity, members: Members, profiles: Iterable[Profile]) -> None:
    ledger = members.ledger()
    pins = [pin.seq for profile in profiles if (pin := load_pin(profile.secrets_folder)) is not None]
    if ledger.seq < max(pins, default=0):
        raise P2pError("The list of members is not the newest", "Let the agent run once: nmr run")
    listed = ledger.member(me.station)
    if listed is not None and listed.kid != me.kid:
        raise NameTaken(f"“{me.station}” is somebody else", "The site's list has other keys for this name. Ask IT")


def _unknown(user_id: str, choice: Choice, enrolled: Sequence[_Enrolled]) -> UnknownUser:
    there = ", ".join(one.credentials.station for one in enrolled)
    folders = ", ".join(str(Path(profile.secrets_folder).parent) for profile in choice.all_profiles())
    return UnknownUser(
        f"This program has no keys of “{user_id}”",
        f"{f'It has those of {there}.' if there else f'Nobody is enrolled in {folders}.'}"
        f" Enrol with: nmr --profile DIR enrol INVITE, and name DIR with configure() or {PROFILES}",
    )
