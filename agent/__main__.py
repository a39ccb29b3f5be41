"""`nmr` and `python -m agent`: check the system first, then do what the command says."""

import sys


def main() -> int:
    """Run the command line; returns the exit code."""
    from agent.domain.errors import NmrError

    try:
        from agent.system.platform import check_platform, speak_utf8

        check_platform()
        speak_utf8()
        from agent.cli import run

        return run(sys.argv[1:])
    except NmrError as error:
        print(f"nmr: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
