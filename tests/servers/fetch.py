"""Fetches one source archive from wherever pip is set up to look, by its hash, and runs nothing that is in it.

`python -m tests.servers.fetch NAME VERSION SHA256 FILE`; pip's own `download` would run the archive's setup.py.
Exit code 0: FILE is what the hash says; 1: something else came; 69: it could not be had.
"""

import hashlib
import sys
from pathlib import Path

from pip._internal.commands import create_command
from pip._internal.exceptions import PipError
from pip._internal.models.link import Link
from pip._vendor.packaging.specifiers import SpecifierSet
from pip._vendor.requests.exceptions import RequestException

UNAVAILABLE = 69


def find_and_load(name: str, version: str) -> bytes:
    """The archive; pip's configuration says from where, through which proxy, with which certificates."""
    command = create_command("download")
    options, _ = command.parse_args([name, "--no-binary=:all:", "--quiet"])
    with command.main_context():
        session = command.get_default_session(options)  # type: ignore[attr-defined]
        finder = command._build_package_finder(options, session)  # type: ignore[attr-defined]
        found = finder.find_best_candidate(name, SpecifierSet(f"=={version}")).best_candidate
        if found is None:
            raise PipError(f"there is no {name} {version}")
        link: Link = found.link
        answer = session.get(link.url_without_fragment)
        answer.raise_for_status()
        return bytes(answer.content)


def main(name: str, version: str, sha256: str, file: str) -> int:
    """Fetch, check, and only then write."""
    try:
        archive = find_and_load(name, version)
    except (PipError, RequestException) as error:
        sys.stderr.write(f"{name} {version} could not be fetched: {error}\n")
        return UNAVAILABLE
    came = hashlib.sha256(archive).hexdigest()
    if came != sha256:
        sys.stderr.write(f"{name} {version} is not what it was: {came} came instead of {sha256}\n")
        return 1
    Path(file).write_bytes(archive)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
