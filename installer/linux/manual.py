"""Manual pages and completions, made from the command line itself."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import click
from click.shell_completion import get_completion_class

from agent import __version__
from agent.cli import nmr

COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/nmr",
    "zsh": "usr/share/zsh/vendor-completions/_nmr",
    "fish": "usr/share/fish/vendor_completions.d/nmr.fish",
}
EXIT_CODES = {
    0: "It is done; with --wait: somebody comes.",
    1: "It failed.",
    2: "The command was not understood.",
    69: "The agent or the hub does not run or cannot be reached.",
    75: "Try again later.",
    77: "Not allowed.",
    78: "The configuration has a mistake.",
}
FILES = {
    "/etc/no-more-running/config.toml": "Settings for every user of this computer.",
    "~/.config/no-more-running/config.toml": "The user's own settings, which stand above them.",
    "~/.local/share/no-more-running": "Pages, orders and keys of this station.",
    "~/.local/state/no-more-running/log": "The log; it holds no texts of messages.",
}


def manual_pages(made: datetime) -> dict[str, str]:
    """The pages by the names of their files: nmr.1, and nmr-COMMAND.1 for each command."""
    root = click.Context(nmr, info_name="nmr")
    commands = dict(_children(root))
    pages = {"nmr.1": _front_page(root, commands, made)}
    for name, context in commands.items():
        pages[f"nmr-{name}.1"] = _command_page(context, made)
    return pages


def completions() -> dict[str, str]:
    """The completion of each shell by the place where that shell looks for it."""
    found = {}
    for shell, place in COMPLETIONS.items():
        kind = get_completion_class(shell)
        assert kind is not None, f"click no longer knows {shell}"
        found[place] = kind(nmr, {}, "nmr", "_NMR_COMPLETE").source().strip() + "\n"
    return found


def _children(context: click.Context) -> Iterator[tuple[str, click.Context]]:
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None and not command.hidden:
                yield name, click.Context(command, info_name=name, parent=context)


def _front_page(root: click.Context, commands: dict[str, click.Context], made: datetime) -> str:
    lines = [*_head("nmr", root.command, made), *_description(root)]
    lines += [".SH COMMANDS"]
    for name, context in commands.items():
        lines += [".TP", rf".BR nmr\-{_text(name)} (1)", _text(_short(context.command))]
    lines += [".SH EXIT STATUS"]
    for code, meaning in EXIT_CODES.items():
        lines += [".TP", f".B {code}", _text(meaning)]
    lines += [".SH FILES"]
    for file, meaning in FILES.items():
        lines += [".TP", f".I {_text(file)}", _text(meaning)]
    return _page([*lines, ".SH SEE ALSO", _see(f"nmr-{name}" for name in commands)])


def _command_page(context: click.Context, made: datetime) -> str:
    name = context.command_path.replace(" ", "-")
    lines = [*_head(name, context.command, made), *_description(context)]
    for below in _every_below(context):
        lines += [f".SS {_text(below.command_path)}", *_usage(below), *_help(below), *_options(below)]
    return _page([*lines, ".SH SEE ALSO", r".BR nmr (1)"])


def _every_below(context: click.Context) -> Iterator[click.Context]:
    for _, child in _children(context):
        yield child
        yield from _every_below(child)


def _head(name: str, command: click.Command, made: datetime) -> list[str]:
    title = f'.TH {_text(name.upper())} 1 "{made:%Y-%m-%d}" "No More Running {__version__}" "User commands"'
    return [title, ".SH NAME", rf"{_text(name)} \- {_text(_short(command))}"]


def _description(context: click.Context) -> list[str]:
    options = _options(context)
    heading = [".SH OPTIONS"] if options else []
    return [".SH SYNOPSIS", *_usage(context), ".SH DESCRIPTION", *_help(context), *heading, *options]


def _usage(context: click.Context) -> list[str]:
    words = " ".join(context.command.collect_usage_pieces(context))
    return [f".B {_text(context.command_path)}", _text(words), ".PP"]


def _help(context: click.Context) -> list[str]:
    paragraphs = re.split(r"\n\s*\n", (context.command.help or "").strip())
    lines = []
    for paragraph in paragraphs:
        lines += [".PP", _text(" ".join(paragraph.replace("\b", "").split()))]
    return lines[1:]


def _options(context: click.Context) -> list[str]:
    lines = []
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record and "--help" not in record[0]:
            lines += [".TP", f".B {_text(record[0])}", _text(record[1])]
    return lines


def _see(pages: Iterator[str]) -> str:
    return ",\n".join(f".BR {_text(page)} (1)" for page in pages).replace(" (1),\n", " (1),\n")


def _short(command: click.Command) -> str:
    return command.get_short_help_str(limit=200).rstrip(".")


def _text(words: str) -> str:
    """Words as roff takes them: a hyphen that can be copied, nothing taken for a request."""
    escaped = words.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _page(lines: Sequence[str]) -> str:
    return "\n".join(line for line in lines if line) + "\n"


def made_on(epoch: int) -> datetime:
    """The day a build says it is of."""
    return datetime.fromtimestamp(epoch, UTC)
