"""The house keeps its order: names, sizes, docstrings, places of tests, and nothing of one computer in it."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = sorted(path for room in ("agent", "tests", "installer") for path in (ROOT / room).rglob("*.py"))
AGENT = [path for path in CODE if path.is_relative_to(ROOT / "agent")]
NO_NAMES = {
    "client", "clients", "common", "handler", "handlers", "helper", "helpers", "manager", "managers", "misc",
    "service", "services", "util", "utils",
}  # fmt: skip
LONGEST = 350
# Modules that exist on one system only: imported without a choice they would end the program on the other.
ONE_SYSTEM = {
    "_winapi",
    "dbus_fast",
    "fcntl",
    "grp",
    "msvcrt",
    "pwd",
    "resource",
    "termios",
    "winreg",
    "winrt",
    "winsound",
}
# Written so that this file does not hold what it forbids.
ONE_COMPUTER = re.compile(
    r"/wor[k]/|/roo[t]/|/home/[a]gent|\bsha[r]ed/(design|recipes)|--(extra-)?inde[x]-url|--find-l[i]nks"
    r"|pyp[i]\.org|pythonhos[t]ed|deb\.debi[a]n\.org|registry\.npm[j]s"
)

# Imports each module named after the first argument, whose modules it keeps from the agent (not from libraries).
IMPORT_WITHOUT = """
import builtins, importlib, sys
class Kept(ImportError): pass
absent, ordinary = set(sys.argv[1].split(",")), builtins.__import__
def without(name, globals=None, locals=None, fromlist=(), level=0):
    if level == 0 and name.split(".")[0] in absent and str((globals or {}).get("__name__")).startswith("agent"):
        raise Kept(name)
    return ordinary(name, globals, locals, fromlist, level)
builtins.__import__ = without
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except Kept as kept:
        print(f"{name} needs {kept}")
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("agent"):
            raise
"""


def name_of(path: Path) -> str:
    """A file as the messages of these tests call it."""
    return path.relative_to(ROOT).as_posix()


def module_of(path: Path) -> str:
    """The dotted name by which a file is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def tree(path: Path) -> ast.Module:
    """What a module says."""
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def words(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name, in small letters."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def tracked() -> list[Path]:
    """The files under version control; a copy without its history cannot tell them."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def imported_at_the_top(module: ast.Module) -> Iterator[str]:
    """The first names of the packages that importing a module imports."""
    inside = [one for block in module.body if isinstance(block, ast.With) for one in block.body]  # see system/sparing
    for statement in [*module.body, *inside]:
        if isinstance(statement, ast.Import):
            yield from (alias.name.split(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            yield statement.module.split(".")[0]


def test_each_module_says_what_it_is_in_one_sentence() -> None:
    def wrong(path: Path) -> bool:
        first = (ast.get_docstring(tree(path)) or "").partition("\n\n")[0]
        return not re.search(r"[.:]$", first)

    assert [name_of(path) for path in CODE if wrong(path)] == []


def test_no_file_and_no_class_has_a_name_that_says_nothing() -> None:
    files = [name_of(path) for path in CODE if words(path.stem) & NO_NAMES or words(path.parent.name) & NO_NAMES]
    classes = [
        f"{name_of(path)}: {node.name}"
        for path in CODE
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and words(node.name) & NO_NAMES
    ]
    assert files + classes == []


def test_no_file_is_too_long_to_be_read_in_one_go() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_each_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in AGENT}
    assert [name_of(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_tests_of_a_room_lie_where_the_room_lies() -> None:
    rooms = {path.name for path in (ROOT / "agent").iterdir() if path.is_dir()} - {"__pycache__"}
    tests = [path.relative_to(ROOT / "tests") for path in CODE if path.name.startswith("test_")]
    astray = [
        path.as_posix()
        for path in tests
        if path.parts[0] in rooms
        and not (ROOT / "agent" / path.parent).is_dir()
        and not (ROOT / "agent" / path.parent.with_suffix(".py")).is_file()  # a folder of tests for one module
    ]
    assert astray == []


def test_each_test_file_tests_something() -> None:
    def empty(path: Path) -> bool:
        functions = (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef))
        inherits = any(isinstance(node, ast.ClassDef) and node.bases for node in tree(path).body)
        return not inherits and not any(function.name.startswith("test_") for function in functions)

    assert [name_of(path) for path in CODE if path.name.startswith("test_") and empty(path)] == []


def test_only_a_choice_leads_to_the_files_of_one_system() -> None:
    # Import everything where those modules are not to be had. A file that asks for them itself is one system's
    # own and may fail; any other that fails has imported such a file at its top, instead of where it chooses.
    own = {module_of(path) for path in AGENT if ONE_SYSTEM & set(imported_at_the_top(tree(path)))}
    others = [module for module in map(module_of, AGENT) if module not in own]
    asked = subprocess.run(
        [sys.executable, "-c", IMPORT_WITHOUT, ",".join(ONE_SYSTEM), *others],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (asked.stdout, asked.returncode) == ("", 0), asked.stderr


def test_nothing_of_one_computer_is_in_the_project() -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a sound
        found += [f"{name_of(path)}: {match.group()}" for match in ONE_COMPUTER.finditer(text)]
    assert found == []


def test_the_two_commands_come_first_in_the_readme() -> None:
    block = re.search(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert block
    assert block[1].splitlines() == ["python3 installer/dev.py demo", "python3 installer/dev.py test"]


def test_the_rules_of_this_file_can_fail() -> None:
    assert words("EventHandler") & NO_NAMES
    assert words("file_utils") & NO_NAMES
    assert not words("Commonplace") & NO_NAMES
    assert ONE_COMPUTER.search("see /" + "work/main")
    assert ONE_COMPUTER.search("--" + "index-url x")
    assert not ONE_COMPUTER.search("--no-emit-index-url")
    assert list(imported_at_the_top(ast.parse("import fcntl, os\nfrom pwd import x\ndef f():\n import grp"))) == [
        "fcntl",
        "os",
        "pwd",
    ]
