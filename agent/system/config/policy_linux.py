"""Policy on Linux: files below /etc, found by the name of the account; there is no registry."""

import os
import sys

assert sys.platform != "win32"

import pwd  # noqa: E402 - mypy stops reading at the line above on Windows


def account() -> str:
    """The account's name by its number; what the environment says of it anybody could change."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
