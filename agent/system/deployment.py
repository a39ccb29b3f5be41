r"""What IT left on this computer for the first start of each user: an invite, and where the hub is.

Windows, written by the installer: HKLM\Software\NoMoreRunning\Deployment   Invite, SiteUrl
Linux, and with --profile DIR: deployment.toml in the machine's folder       invite, site_url

The invite is a file; %NAMES% of the environment in its path are filled in. The hub is https://host:port.
"""

import os
import sys
from dataclasses import dataclass

from agent.system.paths import Profile

FILE = "deployment.toml"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Both may be "": then IT left nothing."""

    invite: str = ""
    site_url: str = ""

    @property
    def invite_file(self) -> str:
        r"""The invite's path on this computer: `\\files\nmr\%COMPUTERNAME%.json` is another one on each."""
        return os.path.expandvars(self.invite)


def deployment(profile: Profile) -> Deployment:
    """What was left for this profile; raises BadConfiguration where it cannot be read."""
    # Windows: any user may make files below ProgramData, and so invite others to a site of his own.
    if sys.platform == "win32":
        if profile.folder is None:
            from agent.system.deployment_windows import read_registry

            return Deployment(**read_registry())
    # Linux:
    from agent.system.deployment_file import read_file

    return Deployment(**read_file(profile.machine_folder / FILE))
