"""Checks of the disks: whether we may write where we must, and there is room."""

import os
import shutil
import sys
from pathlib import Path

from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Sight

FULL_MIB, LOW_MIB = 16, 256
_MIB = 1 << 20


async def disk(sight: Sight) -> list[Finding]:
    """Each folder we write to; nothing is written for it."""
    found, profile = Findings("disk"), sight.profile
    folders = (profile.data_folder, profile.log_folder, profile.runtime_folder, Path(profile.control_address).parent)
    there = dict.fromkeys(_nearest(folder) for folder in folders if not str(folder).startswith("\\\\"))
    findings = [_folder(found, folder) for folder in there]
    return [one for one in findings if one.level != "ok"] or findings[:1]


def _folder(found: Findings, folder: Path) -> Finding:
    try:
        free = shutil.disk_usage(folder).free // _MIB
    except OSError as error:
        return found.failure("unreadable", folder=str(folder), reason=error.strerror or str(error))
    if _read_only(folder) or not os.access(folder, os.W_OK | os.X_OK):
        return found.failure("read-only", folder=str(folder))
    if free < FULL_MIB or not _room_for_names(folder):
        return found.failure("full", folder=str(folder), mib=free)
    if free < LOW_MIB:
        return found.warning("low", folder=str(folder), mib=free)
    return found.ok(folder=str(folder), mib=free)


def _nearest(folder: Path) -> Path:
    """The folder, or what of its path is there already: it will be made in that."""
    return next((one for one in (folder, *folder.parents) if one.is_dir()), folder)


def _read_only(folder: Path) -> bool:
    return sys.platform != "win32" and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _room_for_names(folder: Path) -> bool:
    """Whether the disk can take another file: it may have bytes and no inodes; some disks count none."""
    if sys.platform == "win32":
        return True
    found = os.statvfs(folder)
    return not found.f_files or found.f_favail > 0
