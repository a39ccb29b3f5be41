"""Which sources the settings of a station or a hub have, strongest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from agent.system.config_check import Problem
from agent.system.config_file import FileSource
from agent.system.config_layer import Layer, Rank
from agent.system.config_registry import RegistrySource
from agent.system.config_schema import Config, HubConfig
from agent.system.config_texts import command_line_source, environment_source
from agent.system.paths import Profile
from agent.system.surroundings import Surroundings

STATION_KEY, HUB_KEY = "NoMoreRunning", "NoMoreRunningHub"
POLICIES_KEY = "Software\\Policies"
DEPLOYMENT_KEY = f"Software\\{STATION_KEY}\\Deployment"


@dataclass(frozen=True, slots=True)
class Refused:
    """A source nobody may look at: a server that does not answer would keep the agent waiting every 30 seconds."""

    rank: Rank
    name: str
    why: str

    def stamp(self) -> object:
        """It says the same as long as it is the same."""
        return self

    def read(self, _schema: type[msgspec.Struct]) -> Layer:
        """Nothing but why it does not count."""
        return Layer(self.rank, self.name, {}, lambda _: (self.name, 0), (Problem(self.name, 0, "", self.why),))


class Source(Protocol):
    """Something that may give settings."""

    @property
    def rank(self) -> Rank:
        """How strong it is."""

    def stamp(self) -> object:
        """Something that is another when the source has changed."""

    def read(self, schema: type[msgspec.Struct]) -> Layer:
        """What it says."""


def sources(profile: Profile, schema: type[msgspec.Struct], around: Surroundings) -> tuple[Source, ...]:
    """All of them for the station's schema or the hub's; the hub has no policy for single accounts."""
    hub = schema is HubConfig
    name, read_tree = HUB_KEY if hub else STATION_KEY, around.read_tree
    user, machine = (
        (profile.hub_config_file, profile.machine_hub_config_file)
        if hub
        else (profile.config_file, profile.machine_config_file)
    )
    return (
        RegistrySource("machine policy", "HKLM", f"{POLICIES_KEY}\\{name}", read_tree),
        *_policy_files(profile, around, hub=hub),
        command_line_source(profile.given),
        environment_source(around.environment, schema, Config if hub else HubConfig),
        FileSource("user file", user),
        *_computer_defaults(profile, name, around),
        FileSource("machine defaults", machine),
    )


def _policy_files(profile: Profile, around: Surroundings, *, hub: bool) -> Iterator[Source]:
    for folder in profile.policy_folders:
        yield FileSource("machine policy", folder / ("hub-policy.toml" if hub else "policy.toml"))
    if hub:
        return
    yield from _deployed_policy(around)
    yield RegistrySource("user policy", "HKCU", f"{POLICIES_KEY}\\{STATION_KEY}", around.read_tree)
    for folder in profile.policy_folders:
        accounts = folder / "user-policy"
        # To look the account up may ask a server in the network: only where somebody is named at all.
        if accounts.is_dir() and (account := around.account()):
            yield FileSource("user policy", accounts / f"{account}.toml")


def _deployed_policy(around: Surroundings) -> Iterator[Source]:
    """The file the Windows installer was told to take, as its property POLICY."""
    file = around.read_tree("HKLM", DEPLOYMENT_KEY).get("Policy")
    if isinstance(file, str) and file.startswith("\\\\"):
        yield Refused(
            "machine policy", f"HKLM\\{DEPLOYMENT_KEY}\\Policy", f"{file} is not on this computer; copy it here"
        )
    elif isinstance(file, str) and file:
        yield FileSource("machine policy", Path(file))


def _computer_defaults(profile: Profile, name: str, around: Surroundings) -> Iterator[Source]:
    """What the installer left in the registry; a profile of its own has its own defaults."""
    if profile.folder is None:
        yield RegistrySource("machine defaults", "HKLM", f"Software\\{name}", around.read_tree, shared=True)
