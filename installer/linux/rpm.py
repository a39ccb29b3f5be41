"""The RPM of a finished tree."""

import os
import tempfile
from pathlib import Path

from installer.linux.deb import settings_of
from installer.linux.steps import BuildFailed, run
from installer.linux.tree import HUB, STATION

# Fedora keeps the completions of zsh elsewhere.
_PLACES = {"usr/share/zsh/vendor-completions": "usr/share/zsh/site-functions"}
_NOT_HERE = ("usr/share/lintian", "usr/share/python3", "usr/share/doc/*/changelog.Debian.gz")

# Compiled where it is installed, because only there it is known for which Python.
_COMPILE = """\
%post
/usr/bin/python3 -m compileall -q /usr/lib/no-more-running/site-packages >/dev/null 2>&1 || :
{post}
%preun
{preun}
if [ "$1" = 0 ]; then
    find /usr/lib/no-more-running -name __pycache__ -prune -exec rm -rf {{}} + 2>/dev/null || :
fi
"""

_STATION = """\
Requires: python3 >= 3.11, python3 < 3.14, python3-tkinter
Recommends: (pipewire-utils or pulseaudio-utils or alsa-utils)
Suggests: gnome-shell-extension-appindicator
%description
Front desk, kitchen, warehouse and support call each other all day. The icon
beside the clock pages a person, a role or everybody; the other side gets a
notification, a sound that comes again until somebody answers, and a button
that says that help is on its way. The caller sees how far the page got.
"""

_HUB = """\
Requires: no-more-running = %{version}-%{release}
Requires(pre): shadow-utils
Suggests: mosquitto, coturn
%description
Runs the broker that stations page each other over, lets stations enrol,
proves itself to them, and keeps the site's list of orders and members.
The unit nmr-hub.service is not enabled by the installation, because the
name of the site has to be chosen first.
%pre
getent group nmr-hub >/dev/null || groupadd --system nmr-hub
getent passwd nmr-hub >/dev/null || useradd --system --gid nmr-hub --home-dir /var/lib/nmr-hub \\
    --no-create-home --shell /usr/sbin/nologin --comment "No More Running hub" nmr-hub
"""

_STATION_POST = """\
if [ "$1" -gt 1 ]; then /usr/lib/no-more-running/bin/renew || :; fi"""

_HUB_POST = """\
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    if [ "$1" -gt 1 ]; then systemctl try-restart nmr-hub.service || :; fi
fi"""
_HUB_PREUN = """\
if [ "$1" = 0 ] && [ -d /run/systemd/system ]; then
    systemctl --no-reload disable --now nmr-hub.service || :
fi"""

_SPEC = """\
%define _build_id_links none
%define __os_install_post %{{nil}}
%define use_source_date_epoch_as_buildtime 1
%define clamp_mtime_to_source_date_epoch 1
%define _buildhost reproducible
%define _binary_payload {payload}
Name: {name}
Version: {version}
Release: 1
Summary: {summary}
License: MIT
BuildArch: x86_64
AutoReqProv: no
{about}
%install
cp -a {tree}/. %{{buildroot}}/
{moved}
{scripts}
%files
{files}
"""


def rpm_version(version: str) -> str:
    """Our version as RPM orders it: what comes before a release has a tilde."""
    for mark in (".dev", "rc", "b", "a"):
        before, found, after = version.partition(mark)
        if found:
            return f"{before}~{mark.lstrip('.')}{after}"
    return version


def build_rpm(tree: Path, package: str, version: str, epoch: int, out: Path, *, fast: bool = False) -> Path:
    """Pack `tree`; `fast` packs loosely, for trials; returns the file."""
    file = out / f"{package}-{rpm_version(version)}-1.x86_64.rpm"
    with tempfile.TemporaryDirectory(prefix="nmr-rpm.") as made:
        spec = Path(made, f"{package}.spec")
        spec.write_text(_spec(tree, package, version, fast=fast), encoding="utf-8")
        places = ("--define", f"_topdir {made}", "--define", f"_rpmdir {made}/out")
        run(
            ["rpmbuild", "-bb", "--quiet", "--target", "x86_64", *places, spec],
            HOME=made,
            SOURCE_DATE_EPOCH=str(epoch),
        )
        (found,) = Path(made, "out").rglob("*.rpm")
        if found.name != file.name:
            raise BuildFailed(f"rpmbuild made {found.name}, not {file.name}")
        file.write_bytes(found.read_bytes())
    return file


def _spec(tree: Path, package: str, version: str, *, fast: bool) -> str:
    hub = package == HUB
    scripts = _COMPILE.format(post=_HUB_POST if hub else _STATION_POST, preun=_HUB_PREUN if hub else "")
    return _SPEC.format(
        name=package,
        version=rpm_version(version),
        payload="w1.gzdio" if fast else "w19.zstdio",
        summary="Server of a site for No More Running" if hub else "Page colleagues instead of walking to them",
        about=_HUB if hub else _STATION,
        tree=tree,
        moved="\n".join(_moves(tree)),
        scripts=scripts,
        files="\n".join(_files(tree, package)),
    )


def _moves(tree: Path) -> list[str]:
    lines = [f"rm -rf %{{buildroot}}/{pattern}" for pattern in _NOT_HERE]
    for old, new in _PLACES.items():
        if (tree / old).exists():
            lines += [f"mkdir -p %{{buildroot}}/{new}", f"mv %{{buildroot}}/{old}/* %{{buildroot}}/{new}/"]
            lines += [f"rm -rf %{{buildroot}}/{old}"]
    return lines


def _files(tree: Path, package: str) -> list[str]:
    """Every file by its name; folders only where they are ours alone."""
    settings = settings_of(tree)
    lines = ["%defattr(-,root,root,-)"]
    if package == STATION:
        lines += ["%dir /etc/no-more-running"]
    for path in _walk(tree):
        name = f"/{path}"
        for old, new in _PLACES.items():
            name = name.replace(f"/{old}/", f"/{new}/")
        mark = _mark(name, settings, package)
        lines.append(f'{mark}"{name}"')
    return lines


def _mark(name: str, settings: list[str], package: str) -> str:
    if name in settings:
        return "%attr(0640,root,nmr-hub) %config(noreplace) " if package == HUB else "%config(noreplace) "
    return "%doc " if name.startswith(("/usr/share/doc/", "/usr/share/man/")) else ""


def _walk(tree: Path) -> list[Path]:
    """Files of the tree, except what Debian alone wants; our own folders below /usr/lib as one entry each."""
    found = []
    for folder, folders, files in os.walk(tree):
        here = Path(folder).relative_to(tree)
        if here.as_posix() in _NOT_HERE:
            folders.clear()
            continue
        links = [name for name in folders if Path(folder, name).is_symlink()]
        found += [here / name for name in [*files, *links] if name != "changelog.Debian.gz"]
    return sorted(found)
