"""What the packages hold, and that a site lives from them: installed, paged, upgraded, removed, purged."""

import configparser
import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from agent import __version__
from agent.cli import COMMANDS
from installer.linux.build import build_linux
from installer.linux.deb import build_deb, debian_version, settings_of
from installer.linux.rpm import build_rpm
from installer.linux.steps import ROOT, run
from installer.linux.tree import HOME, HUB, PACKAGES, STATION, Trees, lay_hub
from installer.supply import refused, shipped
from tests.installers.linux import walk
from tests.installers.linux.built import EPOCH, NEXT, Built, build
from tests.installers.linux.computer import Computer, why_not

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900), pytest.mark.skipif(bool(why_not()), reason=why_not())]

CACHE = ROOT / ".cache"
INCLUDED = "python3,python3-tk,adduser"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return build(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def ours(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """Both trees without what others wrote: some tools need a minute for that."""
    folder = tmp_path_factory.mktemp("ours")
    trees = Trees(folder / "station", folder / "hub")
    for whole, part in ((built.trees.station, trees.station), (built.trees.hub, trees.hub)):
        shutil.copytree(whole, part, symlinks=True, ignore=shutil.ignore_patterns("site-packages", "nats-server"))
    return trees


def clean(debian: str) -> Path:
    """A Debian with nothing but what the packages ask for; made once and kept."""
    system = CACHE / f"debian-{debian}"
    if not system.exists():
        begun = system.with_suffix(".begun")
        shutil.rmtree(begun, ignore_errors=True)
        CACHE.mkdir(exist_ok=True)
        run(["debootstrap", "--variant=minbase", f"--include={INCLUDED}", debian, begun])
        begun.rename(system)
    return system


needs = {
    program: pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not here")
    for program in ("debootstrap", "lintian", "rpmbuild", "systemd-analyze", "desktop-file-validate", "appstreamcli")
}


# --- a site lives from them -----------------------------------------------------------------------------------------


def test_a_site_lives_from_the_packages_and_leaves_nothing_behind(built: Built, tmp_path: Path) -> None:
    with Computer(Path("/"), tmp_path / "computer") as computer:
        walk.live(computer, built)


@pytest.mark.long
@needs["debootstrap"]
@pytest.mark.parametrize("debian", ["bookworm", "trixie"])
def test_a_site_lives_on_a_clean_debian(debian: str, built: Built, tmp_path: Path) -> None:
    with Computer(clean(debian), tmp_path / "computer") as computer:
        walk.live(computer, built)


@pytest.mark.long
@needs["debootstrap"]
def test_a_newer_python_of_the_distribution_finds_its_bytecode(built: Built, tmp_path: Path) -> None:
    with Computer(clean("trixie"), tmp_path / "computer") as computer:
        walk.install(computer, built.station, built.hub)
        computer.run("find", str(Path("/", HOME)), "-name", "*.pyc", "-delete")
        computer.run("run-parts", "--regex", "no-more-running", "-a", "rtupdate", "/usr/share/python3/runtime.d")
        for name in ("agent", "fastapi"):
            assert "cpython-313.pyc" in computer.run("ls", str(Path("/", PACKAGES, name, "__pycache__")))


# --- what they hold -------------------------------------------------------------------------------------------------


def test_every_library_that_is_shipped_is_under_a_licence_that_allows_it(built: Built) -> None:
    for tree in (built.trees.station, built.trees.hub):
        found = shipped(tree / PACKAGES)
        assert len(found) > 10
        assert refused(found) == []
        text = gzip.decompress(next(tree.glob("usr/share/doc/*/licences.txt.gz")).read_bytes()).decode()
        for one in found:
            assert f"  {one.name} {one.version}: {one.licence}\n" in text


def test_no_codec_and_no_program_of_a_library_is_shipped(built: Built) -> None:
    everything = [path.name for tree in (built.trees.station, built.trees.hub) for path in tree.rglob("*")]
    assert not [name for name in everything if re.match(r"libx26[45]|libav(codec|format)", name)]
    assert not [name for name in everything if re.match(r"(av|pylibsrtp)-.*dist-info", name)]
    assert sorted(path.name for path in (built.trees.hub / HOME / "bin").iterdir()) == ["nats-server"]
    assert sorted(path.name for path in (built.trees.station / HOME / "bin").iterdir()) == ["python3", "renew", "stay"]


def test_each_extension_is_there_for_every_python(built: Built) -> None:
    for tree in (built.trees.station, built.trees.hub):
        names = [str(path) for path in (tree / PACKAGES).rglob("*.so")]
        for_each = {
            python: {name.replace(python, "") for name in names if f".{python}-" in name}
            for python in ("cpython-311", "cpython-312", "cpython-313")
        }
        assert for_each["cpython-311"]
        assert for_each["cpython-311"] == for_each["cpython-312"] == for_each["cpython-313"]


def test_the_packages_share_no_file(built: Built) -> None:
    station, hub = (
        {path.relative_to(tree) for path in tree.rglob("*") if not path.is_dir()}
        for tree in (built.trees.station, built.trees.hub)
    )
    assert not station & hub


def test_whatever_lies_below_etc_belongs_to_the_administrator(built: Built) -> None:
    assert settings_of(built.trees.station) == [
        "/etc/no-more-running/config.toml",
        "/etc/xdg/autostart/no-more-running.desktop",
    ]
    assert settings_of(built.trees.hub) == ["/etc/no-more-running/hub.toml"]
    told = run(["dpkg-deb", "--info", built.station, "conffiles"]).split()
    assert told == settings_of(built.trees.station)


def test_every_command_has_a_manual_page_that_roff_takes(built: Built) -> None:
    folder = built.trees.station / "usr/share/man/man1"
    pages = {path.name for path in folder.iterdir()}
    assert pages == {"nmr.1.gz", *(f"nmr-{name}.1.gz" for name in COMMANDS)}
    for path in [*folder.iterdir(), *(built.trees.hub / "usr/share/man/man8").iterdir()]:
        text = gzip.decompress(path.read_bytes())
        if shutil.which("groff"):
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=text, capture_output=True)
            assert (done.returncode, done.stderr) == (0, b""), path.name


def test_bash_completes_the_commands(built: Built) -> None:
    script = built.trees.station / "usr/share/bash-completion/completions/nmr"
    program = ROOT / ".venv" / "bin"
    typed = "COMP_WORDS=(nmr sta); COMP_CWORD=1; _nmr_completion nmr; echo ${COMPREPLY[@]}"
    ask = f'PATH="{program}:$PATH"; source "{script}"; {typed}'
    assert run(["bash", "-c", ask]).split() == ["status"]
    for shell in ("zsh", "fish"):
        text = next(built.trees.station.glob(f"usr/share/{shell}/*/*nmr*")).read_text()
        assert f"_NMR_COMPLETE={shell}_complete" in text


@needs["desktop-file-validate"]
def test_desktops_understand_the_entries(built: Built) -> None:
    entries = list(built.trees.station.rglob("*.desktop"))
    assert len(entries) == 2
    assert run(["desktop-file-validate", *entries]) == ""
    for entry in entries:
        assert run(["desktop-file-validate", "--warn-kde", entry]) == ""


@needs["appstreamcli"]
def test_software_centres_understand_the_description(built: Built) -> None:
    (file,) = built.trees.station.rglob("*.metainfo.xml")
    done = subprocess.run(["appstreamcli", "validate", "--no-net", "--strict", file], capture_output=True, text=True)
    complaints = set(re.findall(r"^[EW]: .*", done.stdout, re.MULTILINE))
    assert not complaints, done.stdout


@needs["systemd-analyze"]
def test_the_units_are_good_and_the_hub_may_do_little(built: Built, tmp_path: Path) -> None:
    hub, station = (
        built.trees.hub / "usr/lib/systemd/system/nmr-hub.service",
        built.trees.station / "usr/lib/systemd/user/no-more-running.service",
    )
    assert "WantedBy" in hub.read_text()
    for unit, options in ((hub, []), (station, ["--user"])):
        here = tmp_path / unit.name
        here.write_text(re.sub(r"^ExecStart=.*", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE))
        if not options:
            assert run(["systemd-analyze", "verify", "--man=no", here]) == ""
    told = run(["systemd-analyze", "security", "--offline=true", "--no-pager", hub])
    found = re.search(r"Overall exposure level .*: ([\d.]+)", told)
    assert found
    assert float(found[1]) <= 2.0


def test_what_starts_the_agent_at_a_login_is_shipped_once_and_the_unit_asleep(built: Built) -> None:
    tree = built.trees.station
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(tree / "etc/xdg/autostart/no-more-running.desktop")
    assert entry["Desktop Entry"]["Exec"] == f"/{HOME}/bin/stay"
    assert list(tree.rglob("*.wants")) == []


# --- built alike, and well ------------------------------------------------------------------------------------------


def test_the_same_sources_give_the_same_package(built: Built, tmp_path: Path) -> None:
    again = lay_hub(tmp_path / "hub", __version__, EPOCH)
    file = build_deb(again, HUB, "hub", __version__, EPOCH, tmp_path, fast=True)
    assert file.read_bytes() == built.hub.read_bytes()


@pytest.mark.long
def test_the_same_sources_give_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))  # a commit meanwhile is another source
    first, second = (build_linux(tmp_path / name) for name in ("first", "second"))
    assert [path.name for path in first] == [path.name for path in second]
    assert [one.name for one, other in zip(first, second, strict=True) if one.read_bytes() != other.read_bytes()] == []


@needs["lintian"]
def test_lintian_finds_nothing_in_what_is_ours(ours: Trees, tmp_path: Path) -> None:
    station = build_deb(ours.station, STATION, "station", NEXT, EPOCH, tmp_path)
    hub = build_deb(ours.hub, HUB, "hub", NEXT, EPOCH, tmp_path)
    assert lint([station, hub]) == ""


@pytest.mark.long
@needs["lintian"]
def test_lintian_finds_nothing_in_the_whole_packages(built: Built, tmp_path: Path) -> None:
    for tree, package, kind in ((built.trees.station, STATION, "station"), (built.trees.hub, HUB, "hub")):
        assert lint([build_deb(tree, package, kind, NEXT, EPOCH, tmp_path)]) == ""


def lint(packages: list[Path]) -> str:
    """What lintian says of packages that no override explains."""
    options = ["--allow-root", "--fail-on", "none", "--tag-display-limit", "0"]
    done = subprocess.run(["lintian", *options, *packages], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("ours", "debians"), [("1.2.0", "1.2.0-1"), ("1.2.0rc1", "1.2.0~rc1-1"), ("1.2.0.dev3", "1.2.0~dev3-1")]
)
def test_what_comes_before_a_release_is_older_for_debian(ours: str, debians: str) -> None:
    assert debian_version(ours) == debians
    assert subprocess.run(["dpkg", "--compare-versions", debians, "le", "1.2.0-1"]).returncode == 0


# --- the RPM --------------------------------------------------------------------------------------------------------


@needs["rpmbuild"]
def test_the_rpms_install_below_a_root_and_go_again(ours: Trees, tmp_path: Path) -> None:
    rpms_come_and_go(ours, tmp_path)


@pytest.mark.long
@needs["rpmbuild"]
def test_the_whole_rpms_install_below_a_root_and_go_again(built: Built, tmp_path: Path) -> None:
    rpms_come_and_go(built.trees, tmp_path)


def rpms_come_and_go(trees: Trees, folder: Path) -> None:
    """Build both, install them into a root of their own and erase them; each time look at what lies there."""
    root = folder / "root"
    root.mkdir()

    def rpm(*words: str | Path) -> str:
        return run(["rpm", "--root", root, "--dbpath", "/var/lib/rpm", *words])

    made = [
        build_rpm(tree, package, "1.0", EPOCH, folder, fast=True)
        for package, tree in ((STATION, trees.station), (HUB, trees.hub))
    ]
    run(["rpm", "--checksig", "--nosignature", *made])
    rpm("--initdb")
    # The database of that root knows nothing of a Python, and scripts would find no shell there.
    rpm("--install", "--nodeps", "--noscripts", *made)
    assert (root / "usr/bin/nmr").stat().st_mode & 0o777 == 0o755
    assert (root / "usr/share/zsh/site-functions/_nmr").exists()
    assert (root / HOME / "bin" / "python3").readlink() == Path("../../../bin/python3")
    assert rpm("--query", "--configfiles", STATION, HUB).split() == [
        *settings_of(trees.station),
        *settings_of(trees.hub),
    ]
    assert "no-more-running = 1.0-1" in rpm("--query", "--requires", HUB)
    assert "python3 >= 3.11" in rpm("--query", "--requires", STATION)
    scripts = rpm("--query", "--queryformat", "%{prein}\n%{postin}\n%{preun}\n", STATION, HUB)
    run(["sh", "-n", "-c", scripts.replace("(none)", "")])
    assert "useradd" in scripts
    rpm("--erase", "--nodeps", "--noscripts", HUB, STATION)
    left = [path.relative_to(root) for path in root.rglob("*") if not path.is_dir()]
    assert [path for path in left if not path.is_relative_to("var/lib/rpm")] == []
