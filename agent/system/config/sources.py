"""Which sources the settings of a station or a hub have, strongest first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from agent.system.config.file import FileSource
from agent.system.config.layer import PREFIX, Layer, Rank
from agent.system.config.schema import Config, HubConfig
from agent.system.paths import Profile
from agent.system.surroundings import Surroundings

STATION_KEY, HUB_KEY = "NoMoreRunning", "NoMoreRunningHub"
POLICIES_KEY = "Software\\Policies"
DEPLOYMENT_KEY = f"Software\\{STATION_KEY}\\Deployment"


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
    user, machine = (
        (profile.hub_config_file, profile.machine_hub_config_file)
        if hub
        else (profile.config_file, profile.machine_config_file)
    )
    return (
        *_registry("machine policy", "HKLM", POLICIES_KEY, around, hub=hub),
        *_policy_files(profile, around, hub=hub),
        *_texts(profile, schema, around),
        FileSource("user file", user),
        *(_registry("machine defaults", "HKLM", "Software", around, hub=hub) if profile.folder is None else ()),
        FileSource("machine defaults", machine),
    )


def _registry(rank: Rank, hive: str, above: str, around: Surroundings, *, hub: bool) -> Iterator[Source]:
    """A key of ours in the registry, where there is one; defaults share theirs with what the installer notes."""
    if around.read_tree is not None:
        from agent.system.config.registry import RegistrySource

        path = f"{above}\\{HUB_KEY if hub else STATION_KEY}"
        yield RegistrySource(rank, hive, path, around.read_tree, shared=rank == "machine defaults")


def _texts(profile: Profile, schema: type[msgspec.Struct], around: Surroundings) -> Iterator[Source]:
    """The command line and the environment, where they may say something."""
    if profile.given or any(name.startswith(PREFIX) for name in around.environment):
        from agent.system.config.texts import command_line_source, environment_source

        yield command_line_source(profile.given)
        yield environment_source(around.environment, schema, Config if schema is HubConfig else HubConfig)


def _policy_files(profile: Profile, around: Surroundings, *, hub: bool) -> Iterator[Source]:
    for folder in profile.policy_folders:
        yield FileSource("machine policy", folder / ("hub-policy.toml" if hub else "policy.toml"))
    if hub:
        return
    yield from _deployed_policy(around)
    yield from _registry("user policy", "HKCU", POLICIES_KEY, around, hub=hub)
    for folder in profile.policy_folders:
        accounts = folder / "user-policy"
        # To look the account up may ask a server in the network: only where somebody is named at all.
        if accounts.is_dir() and (account := around.account()):
            yield FileSource("user policy", accounts / f"{account}.toml")


def _deployed_policy(around: Surroundings) -> Iterator[Source]:
    """The file the Windows installer was told to take, as its property POLICY."""
    file = around.read_tree("HKLM", DEPLOYMENT_KEY).get("Policy") if around.read_tree is not None else None
    if isinstance(file, str) and file.startswith("\\\\"):
        from agent.system.config.registry import Refused

        yield Refused(
            "machine policy", f"HKLM\\{DEPLOYMENT_KEY}\\Policy", f"{file} is not on this computer; copy it here"
        )
    elif isinstance(file, str) and file:
        yield FileSource("machine policy", Path(file))
