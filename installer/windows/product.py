r"""The product as Windows Installer sees it: files, registry, shortcut, properties.

    HKLM\Software\NoMoreRunning\Install      Folder, Version; Autostart as asked for, for the next version
    HKLM\Software\NoMoreRunning\Deployment   SiteUrl, Invite, Policy: what IT gave, read by the agent (left_invite)
    HKLM\…\CurrentVersion\Run                NoMoreRunning = "…\nmr.exe" run, unless AUTOSTART=0

What wixl cannot say stands in `tables.py`.
"""

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

NAME = "No More Running"
MAKER = "No More Running"
APP_ID = "NoMoreRunning.Agent"
"""AppUserModelID of the shortcut: Windows shows toasts only of programs that have one, and under its name."""
UPGRADE_CODE = "88623FEA-3B7C-4629-B6DD-FEF4AA415B71"
"""What all versions have in common. Never change it: two products would lie side by side."""
IDS = uuid.UUID("f6ec4d03-2579-41dd-8e2f-8d8c0790d405")
"""Where all our other ids come from: the same thing has the same id in every build."""

KEY = r"Software\NoMoreRunning"
RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
GIVEN = {"SITEURL": ("Deployment", "SiteUrl"), "INVITE": ("Deployment", "Invite"), "POLICY": ("Deployment", "Policy")}
"""Properties of the command line: where in the registry they are kept, and found again by the next version."""
KEPT = {**GIVEN, "AUTOSTART": ("Install", "Autostart")}
AGENT = "[INSTALLDIR]nmr.exe"


def own_id(what: str) -> str:
    """The GUID of something of ours, always the same."""
    return str(uuid.uuid5(IDS, what)).upper()


def describe(payload: Path, setup: Path, version: str) -> bytes:
    """The product as wixl wants it; paths in it are relative to the folder in which `payload` and `setup` lie."""
    wix = Element("Wix", xmlns="http://schemas.microsoft.com/wix/2006/wi")
    product = SubElement(
        wix,
        "Product",
        Id=own_id(f"product/{version}"),
        Name=NAME,
        Language="1033",
        Version=version,
        Manufacturer=MAKER,
        UpgradeCode=UPGRADE_CODE,
    )
    SubElement(
        product, "Package", InstallerVersion="500", Compressed="yes", InstallScope="perMachine", Description=NAME
    )
    SubElement(product, "MajorUpgrade", DowngradeErrorMessage=f"A newer version of {NAME} is installed already.")
    SubElement(product, "Media", Id="1", Cabinet="files.cab", EmbedCab="yes")
    SubElement(product, "Binary", Id="Setup", SourceFile=setup.name)
    SubElement(product, "Icon", Id="product.ico", SourceFile=f"{payload.name}/no-more-running.ico")
    _add_properties(product)
    parts = [*_add_folders(product, payload), *_add_registry(product, version)]
    feature = SubElement(product, "Feature", Id="Main", Level="1", Title=NAME)
    for part in parts:
        SubElement(feature, "ComponentRef", Id=part)
    indent(wix)
    return bytes(tostring(wix, "utf-8", xml_declaration=True))


def _add_properties(product: Element) -> None:
    for name, value in {
        "ARPNOMODIFY": "1",
        "ARPPRODUCTICON": "product.ico",
        "MSIRESTARTMANAGERCONTROL": "Disable",  # we end agents ourselves, those of all users, and start them again
        # All files, whatever is there: wixl notes no versions, and Windows would keep a DLL that has one, of the
        # product it is about to remove.
        "REINSTALLMODE": "amus",
    }.items():
        SubElement(product, "Property", Id=name, Value=value)
    for name, (key, value) in KEPT.items():
        # Found values go into properties of their own: a search overwrites what the command line says.
        found = SubElement(product, "Property", Id=f"OLD{name}")
        SubElement(
            found,
            "RegistrySearch",
            Id=f"Find{name}",
            Root="HKLM",
            Key=rf"{KEY}\{key}",
            Name=value,
            Type="raw",
            Win64="yes",
        )


def _add_folders(product: Element, payload: Path) -> Iterator[str]:
    target = SubElement(product, "Directory", Id="TARGETDIR", Name="SourceDir")
    programs = SubElement(target, "Directory", Id="ProgramFiles64Folder")
    SubElement(target, "Directory", Id="ProgramMenuFolder")
    yield from _add_files(SubElement(programs, "Directory", Id="INSTALLDIR", Name=NAME), payload, payload)


def _add_files(parent: Element, folder: Path, payload: Path) -> Iterator[str]:
    """One component for each file, so that a file keeps its component over versions."""
    for path in sorted(folder.iterdir()):
        name = path.relative_to(payload).as_posix()
        short = hashlib.sha256(name.encode()).hexdigest()[:24]
        if path.is_dir():
            yield from _add_files(SubElement(parent, "Directory", Id=f"d{short}", Name=path.name), path, payload)
            continue
        component = SubElement(parent, "Component", Id=f"c{short}", Guid=own_id(f"file/{name}"), Win64="yes")
        SubElement(component, "File", Id=f"f{short}", KeyPath="yes", Source=f"{payload.name}/{name}")
        yield f"c{short}"


@dataclass(frozen=True, slots=True)
class Value:
    """A value below HKLM."""

    key: str
    name: str
    value: str


def _add_registry(product: Element, version: str) -> Iterator[str]:
    folder = SubElement(product, "DirectoryRef", Id="INSTALLDIR")
    for name, (key, value) in GIVEN.items():
        yield _add_values(folder, f"Given{name}", Value(rf"{KEY}\{key}", value, f"[{name}]"))
    yield _add_values(folder, "Run", Value(RUN, "NoMoreRunning", f'"{AGENT}" run'))
    yield _add_values(
        folder,
        "Install",
        Value(rf"{KEY}\Install", "Folder", "[INSTALLDIR]"),
        Value(rf"{KEY}\Install", "Version", version),
        Value(rf"{KEY}\Install", "Autostart", "[AUTOSTART]"),
    )
    yield _add_values(folder, "StartMenu", Value(rf"{KEY}\Install", "Shortcut", NAME))
    SubElement(
        folder[-1],
        "Shortcut",
        Id="Shortcut",
        Directory="ProgramMenuFolder",
        Name=NAME,
        Target=AGENT,
        Arguments="run",
        WorkingDirectory="INSTALLDIR",
        Icon="product.ico",
    )


def _add_values(folder: Element, component: str, *values: Value) -> str:
    parent = SubElement(folder, "Component", Id=component, Guid=own_id(f"registry/{component}"), Win64="yes")
    for number, one in enumerate(values):
        made = SubElement(
            parent, "RegistryValue", Root="HKLM", Key=one.key, Name=one.name, Type="string", Value=one.value
        )
        if number == 0:
            made.set("KeyPath", "yes")
    return component
