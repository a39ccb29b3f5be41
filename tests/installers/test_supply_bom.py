"""The list of parts names each library with its hashes, and is the same for the same package."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from installer.supply_bom import write_bom
from tests.installers.test_supply import plant

LOCK = f"""\
# a comment
first-one==1.0 ; python_full_version < '3.12' \\
    --hash=sha256:{"a" * 64} \\
    --hash=sha256:{"b" * 64}
    # via somebody
other==2.0 \\
    --hash=sha256:{"c" * 64}
"""


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    plant(folder, "First_One", "License-Expression: MIT")
    (folder / "first_one.libs").mkdir()
    (folder / "first_one.libs" / "libfast-1234.so.6").write_bytes(b"machine code")
    (tmp_path / "lock.txt").write_text(LOCK, encoding="utf-8")
    return folder


def written(packages: Path, name: str = "bom.json", version: str = "1.2.3") -> str:
    """What the list of these packages says."""
    file = packages.parent / name
    write_bom(file, "thing", version, 1_700_000_000, packages, packages.parent / "lock.txt")
    return file.read_text(encoding="utf-8")


def bom(packages: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written(packages))
    return found


def test_it_is_cyclonedx_1_6(packages: Path) -> None:
    content = bom(packages)
    assert (content["bomFormat"], content["specVersion"], content["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", content["serialNumber"])
    assert content["metadata"]["timestamp"] == "2023-11-14T22:13:20Z"
    assert content["metadata"]["component"]["version"] == "1.2.3"


def test_a_library_stands_there_with_licence_and_the_hashes_its_lock_allows(packages: Path) -> None:
    (part,) = bom(packages)["components"]
    assert part["purl"] == "pkg:pypi/first-one@1.0"
    assert part["licenses"] == [{"expression": "MIT"}]
    assert [one["content"] for one in part["hashes"]] == ["a" * 64, "b" * 64]


def test_what_a_library_carries_in_its_belly_stands_there_too(packages: Path) -> None:
    (part,) = bom(packages)["components"]
    (inside,) = part["components"]
    assert inside["name"] == "libfast-1234.so.6"
    assert inside["hashes"][0]["content"] == hashlib.sha256(b"machine code").hexdigest()


def test_every_reference_leads_somewhere_and_none_twice(packages: Path) -> None:
    content = bom(packages)
    parts = content["components"]
    names = [content["metadata"]["component"]["bom-ref"], *(part["bom-ref"] for part in parts)]
    names += [inside["bom-ref"] for part in parts for inside in part.get("components", [])]
    assert len(names) == len(set(names))
    assert {one for edge in content["dependencies"] for one in (edge["ref"], *edge["dependsOn"])} <= set(names)


def test_the_same_parts_give_the_same_list_and_others_another_number(packages: Path) -> None:
    assert written(packages) == written(packages, "again.json")
    one, other = (json.loads(written(packages, version=version))["serialNumber"] for version in ("1", "2"))
    assert one != other


def test_a_library_that_no_lock_names_is_no_part(packages: Path) -> None:
    plant(packages, "stranger", "License-Expression: MIT")
    with pytest.raises(KeyError, match="stranger"):
        written(packages)
