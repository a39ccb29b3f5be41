"""A release names every file with its checksum, and the one version there is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent import __version__
from installer import dev, release

ROOT = Path(__file__).resolve().parents[2]


def test_checksums_are_as_sha256sum_reads_them(tmp_path: Path) -> None:
    (tmp_path / "b.deb").write_bytes(b"two")
    (tmp_path / "Policy" / "de").mkdir(parents=True)
    (tmp_path / "Policy" / "de" / "a.adml").write_bytes(b"one")
    (tmp_path / release.SUMS).write_text("of a run before")
    text = release.checksums(tmp_path)
    assert [line.split("  ")[1] for line in text.splitlines()] == ["Policy/de/a.adml", "b.deb"]
    (tmp_path / release.SUMS).write_text(text)
    check = subprocess.run(["sha256sum", "--check", "--strict", release.SUMS], cwd=tmp_path, capture_output=True)
    assert check.returncode == 0, check.stderr


def test_each_kind_asked_for_is_made_and_summed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(out: Path, windows: list[str]) -> None:
        (out / "made").write_text(" ".join(windows))

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr(release, "MAKERS", {"windows": make, "linux": None})
    release.release(tmp_path / "dist", ["windows"], ["--sign=program"])
    assert (tmp_path / "dist" / "made").read_text() == "--sign=program"
    assert "made" in (tmp_path / "dist" / release.SUMS).read_text()
    assert "made" in capsys.readouterr().out


def test_wheel_and_sources_are_of_the_one_version(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "installer" / "release.py", tmp_path, "--only", "python"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        release.SUMS,
        f"no_more_running-{__version__}-py3-none-any.whl",
        f"no_more_running-{__version__}.tar.gz",
    ]


def test_the_version_stands_in_one_place() -> None:
    told = [
        path.relative_to(ROOT).as_posix()
        for folder in ("agent", "installer")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and path.suffix in {".py", ".toml", ".xml", ".sh", ".wxs", ".desktop"}
        and f'"{__version__}"' in path.read_text(encoding="utf-8", errors="replace")
        and "stub_" not in path.as_posix()
    ]
    assert told == ["agent/__init__.py"]


def test_every_library_of_the_msi_is_under_a_licence_that_allows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    release.windows_parts(tmp_path)
    parts = json.loads(next(tmp_path.glob("*.cdx.json")).read_text())["components"]
    names = {part["name"] for part in parts}
    assert {"winrt-runtime", "pystray", "cpython", "tcl-tk"} <= names
    assert not {"av", "dbus-fast"} & names
    document = next(tmp_path.glob("*.licences.txt")).read_text()
    assert all(f"  {name} " in document for name in names - {"cpython", "tcl-tk"})


def test_what_a_release_needs_from_debian_is_what_the_tests_need() -> None:
    assert set(release.TOOLS) <= set(dev.TEST_PACKAGES)
