"""Icons, sounds and texts are found from a checkout and from an installed package."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from agent.system.assets import asset

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "assets"


def some_asset() -> str:
    """The name of one asset, as the program would ask for it."""
    return next(path.relative_to(ASSETS).as_posix() for path in sorted(ASSETS.rglob("*")) if path.is_file())


def test_a_checkout_has_its_assets_beside_the_package() -> None:
    assert asset(some_asset()) == ASSETS / some_asset()


def test_a_missing_asset_is_called_by_its_name() -> None:
    with pytest.raises(FileNotFoundError, match=r"icons/none\.png"):
        asset("icons/none.png")


def test_an_installed_package_has_its_assets_inside(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="building needs hatchling")
    build = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, capture_output=True, check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    ask = "import sys; from agent.system.assets import asset; print(asset(sys.argv[1]))"
    found = subprocess.run(
        [sys.executable, "-c", ask, some_asset()],
        cwd=tmp_path / "installed",
        capture_output=True,
        text=True,
        check=True,
    )
    place = Path(found.stdout.strip())
    assert place == (tmp_path / "installed" / "agent" / "assets" / some_asset()).resolve()
    assert place.read_bytes() == (ASSETS / some_asset()).read_bytes()
