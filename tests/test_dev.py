"""The commands of a checkout prepare what is missing, skip what is there, and leave standard output to the deed."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from installer import dev

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "installer").glob("requirements*.txt"))


class Steps:
    """Stands for `dev.run`: remembers each command and ends it with the code `code` gives for it."""

    def __init__(self, code: Callable[[list[str]], int] = lambda _command: 0) -> None:
        self.commands: list[list[str]] = []
        self._code = code

    def __call__(self, command: Sequence[str | Path], env: object = None) -> int:
        self.commands.append([str(word) for word in command])
        return self._code(self.commands[-1])


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    planted = Steps()
    monkeypatch.setattr(dev, "run", planted)
    return planted


@pytest.fixture
def venv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment in use, without a stamp, and locks of one line."""
    monkeypatch.setattr(dev, "VENV", tmp_path / "venv")
    for name in ("LOCK", "DEMO_LOCK", "SOUND_LOCK"):
        monkeypatch.setattr(dev, name, tmp_path / f"{name}.txt")
        (tmp_path / f"{name}.txt").write_text(f"{name}==1")
    python = dev.venv_program("python")
    python.parent.mkdir(parents=True)
    python.touch()
    (tmp_path / "venv" / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    monkeypatch.setattr(dev, "prepare_sound", lambda: None)
    return tmp_path / "venv"


def as_user(monkeypatch: pytest.MonkeyPatch, number: int, programs: Sequence[str] = ("apt-get",)) -> None:
    """Be a user with these programs on PATH."""
    monkeypatch.setattr("os.geteuid", lambda: number, raising=False)
    monkeypatch.setattr("shutil.which", lambda name, **_: f"/usr/bin/{name}" if name in programs else None)


# --- system packages -------------------------------------------------------------------------------


def test_only_packages_whose_proof_is_absent_are_missing(tmp_path: Path) -> None:
    (tmp_path / "x86" / "lib.so").mkdir(parents=True)
    packages = {
        "here": Path(sys.executable).name,
        "not-here": "no-program-of-this-name",
        "file-here": f"{tmp_path}/*/lib.so",
        "file-not-here": f"{tmp_path}/*/other.so",
    }
    assert dev.missing(packages) == ["not-here", "file-not-here"]


def test_the_demo_needs_least_and_the_tests_need_all() -> None:
    assert dev.DEMO_PACKAGES.items() < dev.BENCH_PACKAGES.items() < dev.TEST_PACKAGES.items()
    assert set(dev.PACKAGES) == set(dev.DEEDS)


def test_nothing_missing_asks_nothing_of_apt(steps: Steps) -> None:
    dev.install_packages([])
    assert steps.commands == []


def test_root_installs_all_at_once_without_a_question(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, 0)
    dev.install_packages(["dunst", "xvfb"])
    update, install = steps.commands
    assert update[-1] == "update"
    assert install[-3:] == ["install", "dunst", "xvfb"]
    assert {"-y", "--no-install-recommends"} <= set(install)


def test_a_package_that_apt_does_not_know_keeps_no_other_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Steps(lambda command: 100 if "gone" in command else 0)
    monkeypatch.setattr(dev, "run", steps)
    as_user(monkeypatch, 0)
    dev.install_packages(["gone", "dunst"])
    assert [command[-1] for command in steps.commands[2:]] == ["gone", "dunst"]
    assert "no gone here" in capsys.readouterr().err


def test_apt_without_a_network_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "run", Steps(lambda _command: 100))
    as_user(monkeypatch, 0)
    dev.install_packages(["dunst"])  # comes back


def test_who_is_not_root_gets_the_exact_command(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_user(monkeypatch, 1000)
    dev.install_packages(["dunst", "xvfb"])
    assert steps.commands == []
    assert "sudo apt-get install --no-install-recommends dunst xvfb" in capsys.readouterr().err


def test_a_system_without_apt_is_told_what_it_lacks(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    as_user(monkeypatch, 0, programs=())
    dev.install_packages(["dunst"])
    assert steps.commands == []
    assert "dunst" in capsys.readouterr().err


# --- the environment -------------------------------------------------------------------------------


def test_an_environment_in_use_is_added_to_and_not_made_anew(venv: Path, steps: Steps) -> None:
    assert dev.prepare_environment(dev.LOCK)
    assert [command[1:4] for command in steps.commands] == [["-m", "pip", "install"]]
    assert "--require-hashes" in steps.commands[0]


def test_a_stamped_environment_takes_no_step(venv: Path, steps: Steps) -> None:
    dev.prepare_environment(dev.LOCK)
    steps.commands.clear()
    assert dev.prepare_environment(dev.LOCK)
    assert dev.prepare_environment(dev.DEMO_LOCK)  # a part of the other
    assert steps.commands == []


def test_the_demos_libraries_are_not_enough_for_the_tests(venv: Path, steps: Steps) -> None:
    dev.prepare_environment(dev.DEMO_LOCK)
    dev.prepare_environment(dev.LOCK)
    assert [command[-1] for command in steps.commands] == [str(dev.DEMO_LOCK), str(dev.LOCK)]


def test_a_changed_lock_or_a_moved_checkout_is_installed_again(
    venv: Path, steps: Steps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dev.prepare_environment(dev.LOCK)
    dev.LOCK.write_text("LOCK==2")
    dev.prepare_environment(dev.LOCK)
    monkeypatch.setattr(dev, "ROOT", tmp_path / "elsewhere")
    dev.prepare_environment(dev.LOCK)
    assert len(steps.commands) == 3


def test_a_failed_installation_leaves_no_stamp(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "run", Steps(lambda _command: 1))
    assert not dev.prepare_environment(dev.LOCK)
    assert list(venv.glob("*.stamp")) == []


def test_a_python_without_venv_names_the_package_that_has_it(
    venv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dev.venv_program("python").unlink()
    monkeypatch.setattr(dev, "run", Steps(lambda _command: 1))
    assert not dev.prepare_environment(dev.LOCK)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"apt-get install python{version}-venv" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="the Windows command is a .cmd file")
def test_the_environment_gets_the_project_and_its_command(venv: Path, steps: Steps) -> None:
    dev.prepare_environment(dev.LOCK)
    [path_file] = venv.glob("lib/*/site-packages/*.pth")
    assert path_file.read_text() == f"{ROOT}\n"
    assert dev.venv_program("nmr").stat().st_mode & 0o111


# --- commands --------------------------------------------------------------------------------------


@pytest.fixture
def prepared(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Everything is prepared; returns the commands that dev.py becomes."""
    became: list[list[str]] = []

    def become(command: Sequence[str | Path]) -> int:
        became.append([str(word) for word in command])
        return 0

    monkeypatch.setattr(dev, "become", become)
    monkeypatch.setattr(dev, "missing", lambda _packages: [])
    monkeypatch.setattr(dev, "missing_for_python", lambda _packages: [])
    monkeypatch.setattr(dev, "prepare_environment", lambda _lock: True)
    return became


def test_the_demo_gets_all_further_arguments(
    prepared: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DISPLAY", ":7")
    assert dev.main(["demo", "--once", "--json"]) == 0
    assert prepared == [[str(dev.venv_program("python")), "-m", "agent", "demo", "--once", "--json"]]
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(dev.WINDOWS, reason="a Windows session has its screen")
def test_the_demo_gets_a_desktop_where_there_is_none(
    prepared: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert dev.main(["demo", "--once"]) == 0
    python = str(dev.venv_program("python"))
    around = [python, "-m", "tests.servers.run_on_desktop"]
    assert [str(part) for part in prepared[0]] == [*around, python, "-m", "agent", "demo", "--once"]


def test_a_measurement_gets_its_name_and_its_arguments(
    prepared: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)  # measuring goes there, and the next test wants to be where it was
    assert dev.main(["bench", "start", "--json"]) == 0
    assert prepared[0][1:] == ["-m", "tests.bench", "start", "--json"]


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["bench"]])
def test_an_unknown_command_is_answered_with_the_commands(
    arguments: list[str], prepared: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "installer/dev.py demo" in err


def test_all_checks_run_and_one_failure_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def check(command: tuple[str, ...]) -> tuple[tuple[str, ...], float, int]:
        ran.append(" ".join(command))
        return command, 0.1, int(command[0] == "mypy")

    monkeypatch.setattr(dev, "check", check)
    assert dev.test(["-k", "dev"]) == 1
    assert [line.split()[0] for line in ran[:-1]] == ["ruff", "ruff", "mypy", "mypy", "lint-imports"]
    assert ran[-1] == "python -m pytest -k dev"
    assert re.findall(r"^(\w+).* (\S+)$", capsys.readouterr().out, re.MULTILINE)[2] == ("FAILED", "mypy")


def test_passing_checks_leave_the_verdict_to_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "check", lambda command: (command, 0.0, 5 if command[0] == "python" else 0))
    assert dev.test([]) == 5
    monkeypatch.setattr(dev, "check", lambda command: (command, 0.0, 0))
    assert dev.test([]) == 0


def test_an_old_python_hands_over_to_a_newer_one(
    prepared: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dev, "OLDEST", (99,))
    monkeypatch.setattr("shutil.which", lambda name: f"/shims/{name}")

    def answer(command: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        works = command[0].endswith("3.12")  # the shim of 3.11 leads nowhere
        return subprocess.CompletedProcess(list(command), 0 if works else 127)

    monkeypatch.setattr("subprocess.run", answer)
    assert dev.main(["demo", "--once"]) == 0
    assert prepared == [["/shims/python3.12", str(ROOT / "installer" / "dev.py"), "demo", "--once"]]


def test_an_old_python_alone_says_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev, "OLDEST", (99,))
    monkeypatch.setattr("shutil.which", lambda _name: None)
    assert dev.main(["demo"]) == 1
    assert "Python 3.11 or newer" in capsys.readouterr().err


def test_help_is_no_failure_and_needs_nothing() -> None:
    asked = subprocess.run(
        [sys.executable, str(ROOT / "installer" / "dev.py"), "--help"], capture_output=True, text=True, check=False
    )
    assert (asked.returncode, asked.stdout) == (0, "")
    assert "installer/dev.py test" in asked.stderr


def test_continuous_integration_runs_the_second_command() -> None:
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec python3 installer/dev.py test"


# --- locks -----------------------------------------------------------------------------------------


def pins(lock: Path) -> dict[str, set[str]]:
    """The packages of a lock and the versions it names for them."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9.-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE):
        found.setdefault(name, set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_holds_nothing_but_versions_and_hashes(lock: Path) -> None:
    line = re.compile(r"[a-z0-9.-]+==\S+( ; .+?)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    assert [text for text in lock.read_text().splitlines() if not line.fullmatch(text)] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_all_locks_name_the_same_versions(lock: Path) -> None:
    everything = pins(ROOT / "installer" / "requirements.txt")
    assert {name: versions for name, versions in pins(lock).items() if versions != everything.get(name)} == {}


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)]
    names = {re.match(r"[\w.-]+", one)[0].lower().replace(".", "-") for one in wanted}  # type: ignore[index]
    assert names - set(pins(ROOT / "installer" / "requirements.txt")) == set()


def test_no_lock_but_the_sounds_compiles_on_linux() -> None:
    for lock in LOCKS:
        sound = re.findall(r"^simpleaudio-patched==.*", lock.read_text(), re.MULTILINE)
        assert lock.stem == "requirements-sound" or all("sys_platform == 'win32'" in line for line in sound)
