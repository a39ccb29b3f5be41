"""`nmr` and `python -m agent`: check the system first, then do what the command says."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent.domain.errors import NmrError
    from agent.system.paths import Profile


def main() -> int:
    """Run the command line; returns the exit code."""
    from agent.domain.errors import NmrError

    try:
        from agent.system.platform import check_platform, speak_utf8

        check_platform()
        speak_utf8()
        started = _starts_agent(sys.argv[1:])
        if started is not None:
            from agent.station.run import run_agent

            return run_agent(started)
        from agent.cli import run

        return run(sys.argv[1:])
    except NmrError as error:
        print(f"nmr: {error}", file=sys.stderr)
        if error.code == "incompatible-system":
            _tell(error)
        return error.exit_code


def _tell(error: "NmrError") -> None:
    """Say it where a person who clicked an icon looks (N-05), if this unknown system lets us."""
    import asyncio
    from contextlib import suppress

    with suppress(Exception):
        from agent.station.run import tell_user

        asyncio.run(tell_user(error))


def _starts_agent(arguments: list[str]) -> "Profile | None":
    """The profile of a plain `nmr [--profile DIR] run`; the agent does without the command line's 8 MiB and 60 ms."""
    from agent.system.paths import Profile

    match arguments:
        case ["run"]:
            return Profile.default()
        case ["--profile", folder, "run"]:
            return Profile.at(folder)
    return None


if __name__ == "__main__":
    sys.exit(main())
