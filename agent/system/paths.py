r"""Where everything of one profile lies: configuration, database, secrets, logs, socket and lock.

                    Linux                                          Windows
config_file         $XDG_CONFIG_HOME/no-more-running/config.toml   %APPDATA%\NoMoreRunning\config.toml
machine_config_file /etc/no-more-running/config.toml               %ProgramData%\NoMoreRunning\config.toml
policy_folders      /etc/no-more-running                           (the registry)
data_folder         $XDG_DATA_HOME/no-more-running                 %LOCALAPPDATA%\NoMoreRunning
log_folder          $XDG_STATE_HOME/no-more-running/log            %LOCALAPPDATA%\NoMoreRunning\Logs
runtime_folder      $XDG_RUNTIME_DIR/no-more-running               %LOCALAPPDATA%\Temp\NoMoreRunning
control_address     runtime_folder/control.sock                    \\.\pipe\nmr-<hash>

With `nmr --profile DIR` all of it lies below DIR, so that several stations and a hub can share one computer.
"""

import os
import sys
import warnings
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Self

from agent.domain.errors import NmrError

if TYPE_CHECKING:
    from platformdirs.api import PlatformDirsABC

_LONGEST_SOCKET_PATH = 107  # sun_path of Linux holds 108 bytes with the closing zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The places of one station (or hub) on this computer; making one touches no disk."""

    folder: Path | None
    """The one folder of `--profile DIR`, None for the user's own places."""
    config_folder: Path
    """What the user or IT writes: `config.toml`, `hub.toml`."""
    machine_folder: Path
    """The same files with the defaults for everybody on this computer."""
    data_folder: Path
    """What the program writes and must keep: database, secrets, the hub's state."""
    log_folder: Path
    runtime_folder: Path
    """What may vanish when the user logs out: the socket."""
    control_address: str
    """Path of the Unix socket, or name of the Windows pipe."""
    policy_folders: tuple[Path, ...] = ()
    """Where IT keeps `policy.toml` and `user-policy`, the strongest first; those of the computer always count."""
    given: tuple[tuple[str, str], ...] = ()
    """Settings the command line gave, as (key, text): `--set ring.again_seconds=20`."""

    @classmethod
    def default(cls, system: str = sys.platform) -> Self:
        """The places this user's system provides."""
        roaming, local = _user_folders(system)
        runtime = _runtime_folder(local)
        return cls(
            folder=None,
            config_folder=Path(roaming.user_config_dir),
            machine_folder=_machine_folder(system),
            data_folder=Path(local.user_data_dir),
            log_folder=Path(local.user_log_dir),
            runtime_folder=runtime,
            control_address=_control_address(runtime, system),
            policy_folders=_policy_folders(system),
        )

    @classmethod
    def at(cls, folder: Path | str, system: str = sys.platform) -> Self:
        """Everything below one folder; the machine's defaults are `folder/machine/config.toml`."""
        base = Path(folder).absolute()
        return cls(
            folder=base,
            config_folder=base,
            machine_folder=base / "machine",
            data_folder=base / "data",
            log_folder=base / "log",
            runtime_folder=base / "run",
            control_address=_control_address(base / "run", system),
            policy_folders=(*_policy_folders(system), base / "machine"),
        )

    @property
    def config_file(self) -> Path:
        """The station's configuration, written by the user."""
        return self.config_folder / "config.toml"

    @property
    def machine_config_file(self) -> Path:
        """The station's defaults, written by IT for all users of this computer."""
        return self.machine_folder / "config.toml"

    @property
    def hub_config_file(self) -> Path:
        """The hub's configuration."""
        return self.config_folder / "hub.toml"

    @property
    def machine_hub_config_file(self) -> Path:
        """The hub's configuration for the whole computer, where a packaged hub looks."""
        return self.machine_folder / "hub.toml"

    @property
    def data_file(self) -> Path:
        """The station's database."""
        return self.data_folder / "station.sqlite3"

    @property
    def secrets_folder(self) -> Path:
        """Keys and the sealed PSK, 0700."""
        return self.data_folder / "secrets"

    @property
    def hub_folder(self) -> Path:
        """The hub's database, keys, certificates and the broker's state."""
        return self.data_folder / "hub"

    @property
    def hub_control_address(self) -> str:
        """Path of the hub's own Unix socket, or name of its pipe: a station and a hub may share a profile."""
        pipe = self.control_address.startswith("\\\\")
        return f"{self.control_address}-hub" if pipe else str(Path(self.control_address).with_suffix(".hub"))

    @property
    def lock_file(self) -> Path:
        """Held by the one agent of this profile."""
        return self.data_folder / "agent.lock"

    @property
    def hub_lock_file(self) -> Path:
        """Held by the one hub of this profile."""
        return self.data_folder / "hub.lock"

    def arguments(self) -> list[str]:
        """The command line arguments that give a child process the same profile."""
        profile = ["--profile", str(self.folder)] if self.folder else []
        return [*profile, *(word for key, text in self.given for word in ("--set", f"{key}={text}"))]

    def create(self) -> None:
        """Make the folders, 0700; raises NmrError if one cannot be made or is somebody else's.

        An existing configuration folder keeps its mode: it holds no secrets, and DIR may be anybody's choice.
        """
        _create_private(self.config_folder, tighten=False)
        for folder in (self.data_folder, self.secrets_folder, self.log_folder, self.runtime_folder):
            _create_private(folder)
        if not self.control_address.startswith("\\\\"):
            _create_private(Path(self.control_address).parent)


def _user_folders(system: str) -> "tuple[PlatformDirsABC, PlatformDirsABC]":
    """What follows the user to other computers, and what stays on this one."""
    if system == "win32":
        from platformdirs.windows import Windows

        return Windows("NoMoreRunning", False, roaming=True), Windows("NoMoreRunning", False)
    from platformdirs.unix import Unix

    return Unix("no-more-running"), Unix("no-more-running")


def _runtime_folder(local: "PlatformDirsABC") -> Path:
    with warnings.catch_warnings():
        # A login without a runtime folder (cron, su) is common, and the place platformdirs then takes is sound.
        warnings.simplefilter("ignore")
        return Path(local.user_runtime_dir)


def _machine_folder(system: str) -> Path:
    if system == "win32":
        return Path(os.environ.get("ProgramData", r"C:\ProgramData")) / "NoMoreRunning"  # noqa: SIM112 - its real name
    return Path("/etc/no-more-running")


def _policy_folders(system: str) -> tuple[Path, ...]:
    """Where only an administrator writes; nothing in the environment leads away from it."""
    return () if system == "win32" else (Path("/etc/no-more-running"),)


def _control_address(runtime: Path, system: str) -> str:
    """A pipe name, or the socket path short enough for the kernel."""
    one_spelling = os.path.normcase(os.path.realpath(runtime))
    name = blake2b(os.fsencode(one_spelling), digest_size=10).hexdigest()
    if system == "win32":
        return rf"\\.\pipe\nmr-{name}"
    here = runtime / "control.sock"
    if _fits(here):
        return str(here)
    near = _runtime_folder(_user_folders(system)[1]) / f"{name}.sock"
    return str(near) if _fits(near) else f"/tmp/nmr-{name}/control.sock"  # noqa: S108 - create() wants it to be ours


def _fits(socket: Path) -> bool:
    return len(os.fsencode(socket)) <= _LONGEST_SOCKET_PATH


def _create_private(folder: Path, *, tighten: bool = True) -> None:
    """Make `folder` with mode 0700; an existing one must be ours and is tightened."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner, mode = folder.lstat().st_uid, folder.stat().st_mode
        if sys.platform != "win32" and tighten and owner == os.getuid() and mode & 0o077:
            folder.chmod(0o700)
    except OSError as problem:
        raise NmrError(
            "A folder cannot be made",
            f"{folder}: {problem.strerror}. Make it yourself or free its place.",
            code="folder",
        ) from problem
    if sys.platform != "win32" and owner != os.getuid():
        raise NmrError(
            "A folder belongs to somebody else",
            f"{folder} must be yours: remove it or change its owner.",
            code="folder",
        )
