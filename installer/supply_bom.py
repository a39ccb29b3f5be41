"""The list of all parts of a package (CycloneDX 1.6), with the hashes that the lock allows and of what is inside."""

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from installer.supply import Distribution, normal, shipped

# One entry of a lock: `name==version ; marker \`, then lines `    --hash=sha256:… \`.
_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)((?:.*\\\n)+.*)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NATIVE = re.compile(r"\.so(\.|$)|\.dll$|\.pyd$")


def write_bom(
    file: Path,
    product: str,
    version: str,
    epoch: int,
    packages: Path,
    lock: Path,
    others: Sequence[Distribution] = (),
) -> None:
    """Write the parts of `product`, whose libraries lie in `packages` and were installed from `lock`.

    `others` is what it brings besides. Raises KeyError for a library that the lock does not name.
    """
    hashes = _hashes(lock.read_text(encoding="utf-8"))
    parts = [_component(one, hashes, packages) for one in shipped(packages)]
    parts += [_other(one) for one in others]
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps([product, version, parts], sort_keys=True))}",
        "version": 1,
        "metadata": _metadata(product, version, epoch),
        "components": parts,
        "dependencies": [{"ref": product, "dependsOn": [part["bom-ref"] for part in parts]}],
    }
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _metadata(product: str, version: str, epoch: int) -> dict[str, Any]:
    return {
        "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "component": {
            "type": "application",
            "bom-ref": product,
            "name": product,
            "version": version,
            "licenses": [{"license": {"id": "MIT"}}],
        },
    }


def _component(one: Distribution, hashes: dict[tuple[str, str], list[str]], packages: Path) -> dict[str, Any]:
    purl = f"pkg:pypi/{one.name}@{one.version}"
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl,
        "name": one.name,
        "version": one.version,
        "purl": purl,
        "licenses": [{"expression": one.licence}],
        "hashes": [{"alg": "SHA-256", "content": found} for found in hashes[one.name, one.version]],
    }
    if inside := _native(one, packages):
        component["components"] = inside
    return component


def _other(one: Distribution) -> dict[str, Any]:
    """A part that comes from no lock."""
    ref = f"pkg:generic/{one.name}@{one.version}"
    about = {"type": "library", "bom-ref": ref, "name": one.name, "version": one.version, "purl": ref}
    return {**about, "licenses": [{"license": {"id": one.licence}}]}


def _native(one: Distribution, packages: Path) -> list[dict[str, Any]]:
    """The shared libraries a wheel carries in a folder of its own."""
    folders = [path for path in packages.glob("*.libs") if normal(path.stem) == one.name]
    files = sorted(path for folder in folders for path in folder.iterdir() if _NATIVE.search(path.name))
    return [
        {
            "type": "file",
            "bom-ref": f"{one.name}/{path.name}",
            "name": path.name,
            "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}],
        }
        for path in files
    ]


def _hashes(lock: str) -> dict[tuple[str, str], list[str]]:
    """The hashes of each (name, version) that a lock allows."""
    return {(normal(name), version): _HASH.findall(rest) for name, version, rest in _ENTRY.findall(lock)}
