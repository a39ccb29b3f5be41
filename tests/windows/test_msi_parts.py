"""The parts of the Windows build that need no Windows: what is refused, and what Windows makes of a version."""

import hashlib
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring
from zipfile import ZipFile

import pytest

from installer.windows.build import unpack
from installer.windows.imports import NoProgram, imports_of
from installer.windows.payload import numbers
from installer.windows.product import KEPT, describe
from installer.windows.tables import queries

WIX = "{http://schemas.microsoft.com/wix/2006/wi}"


@pytest.mark.parametrize(
    ("version", "seen"),
    [("1.2.3", "1.2.3"), ("0.1.0", "0.1.0"), ("1.2", "1.2.0"), ("2.0.1rc3", "2.0.1"), ("x", "0.0.0")],
)
def test_windows_sees_three_numbers_of_a_version(version: str, seen: str) -> None:
    assert numbers(version) == seen


@pytest.mark.parametrize("content", [b"", b"MZ", b"\x7fELF" + bytes(200), bytes(4096)])
def test_what_is_no_program_is_not_taken_for_one(content: bytes) -> None:
    with pytest.raises(NoProgram):
        imports_of(content)


def test_python_of_another_hash_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "python.zip"
    with ZipFile(archive, "w") as packed:
        packed.writestr("python/python311.dll", b"")
    right = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert unpack(archive, right, tmp_path / "right") == tmp_path / "right" / "python"
    with pytest.raises(OSError, match="not what it should be"):
        unpack(archive, "0" * 64, tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()


def read(description: str) -> Element:
    """The tree of a description."""
    return fromstring(description)  # noqa: S314 - it is ours


def described(folder: Path, version: str) -> str:
    """The product made of two files."""
    payload = folder / "payload"
    (payload / "Lib").mkdir(parents=True, exist_ok=True)
    for name in ("nmr.exe", "Lib/a.py", "no-more-running.ico"):
        (payload / name).write_bytes(b"")
    return describe(payload, folder / "setup.exe", version).decode()


def test_a_file_keeps_its_component_over_versions_and_builds(tmp_path: Path) -> None:
    old, new = (
        {one.get("Id"): one.get("Guid") for one in read(described(tmp_path / version, version)).iter(f"{WIX}Component")}
        for version in ("1.0.0", "2.0.0")
    )
    assert old == new
    assert len(set(old.values())) == len(old)


def test_versions_are_one_product_to_windows_and_each_its_own_package(tmp_path: Path) -> None:
    first, second = (
        read(described(tmp_path / version, version)).find(f"{WIX}Product") for version in ("1.0.0", "2.0.0")
    )
    assert first is not None
    assert second is not None
    assert first.get("UpgradeCode") == second.get("UpgradeCode")
    assert first.get("Id") != second.get("Id")


def test_nothing_of_the_building_computer_is_in_the_description(tmp_path: Path) -> None:
    assert str(tmp_path) not in described(tmp_path, "1.0.0")


def test_every_property_is_found_again_by_the_next_version() -> None:
    said = "\n".join(queries())
    for name in KEPT:
        assert f"'Keep{name}', 51, '{name}', '[OLD{name}]'" in said
