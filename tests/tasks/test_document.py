"""What docs/tasks.md shows runs as it stands there, at a real site."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import pytest

from agent import tasks
from agent.cli import run
from agent.demo.site import Site
from tests.stand_ins import ROOT
from tests.tasks.site import LEAD, task_site

DOCUMENT = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with task_site(tmp_path_factory.mktemp("tasks")) as running:
        yield running


def block(language: str) -> str:
    """The one code block of a language in the document."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.servers
def test_the_program_prints_what_the_document_says(site: Site) -> None:
    program = f"from agent import tasks\ntasks.use({str(site.profile(LEAD).folder)!r})\n{block('python')}"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == block("text")


@pytest.mark.servers
def test_each_command_of_the_document_does_something(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [shlex.split(line, comments=True) for line in block("sh").splitlines()]
    assert len(lines) > 3
    for nmr, *words in lines:
        code = run(["--profile", str(site.profile(LEAD).folder), *words])
        assert (nmr, code) == ("nmr", 0), (words, capsys.readouterr())


def test_every_public_name_is_in_the_document() -> None:
    assert [name for name in tasks.__all__ if f"`{name}" not in DOCUMENT] == []
