"""A library is shipped only under a licence that allows it, and with its text."""

from pathlib import Path

import pytest

from installer.supply import Distribution, licences_text, normal, refused, shipped


def plant(packages: Path, name: str, *lines: str, text: str | None = "Do as you like.\n") -> None:
    """A library as an installer leaves it."""
    folder = packages / f"{name}-1.0.dist-info"
    folder.mkdir(parents=True)
    head = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 1.0", *lines]
    (folder / "METADATA").write_text("\n".join(head) + "\n\nLicense: GPL-3.0\n", encoding="utf-8")
    if text is not None:
        (folder / "licenses").mkdir()
        (folder / "licenses" / "LICENSE.txt").write_text(text, encoding="utf-8")


def said_of(packages: Path, *lines: str) -> tuple[str, list[str]]:
    """The licence read from these lines, and what is said against it."""
    plant(packages, "one", *lines)
    found = shipped(packages)
    return found[0].licence, refused(found)


@pytest.mark.parametrize(
    ("line", "licence"),
    [
        ("License-Expression: MIT", "MIT"),
        ("License-Expression: Apache-2.0 OR BSD-3-Clause", "Apache-2.0 OR BSD-3-Clause"),
        ("License-Expression: GPL-2.0-only OR MIT", "GPL-2.0-only OR MIT"),
        ("License: Apache License, Version 2.0", "Apache-2.0"),
        ("License: LGPLv2+", "LGPL-2.1-or-later"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT"),
        ("Classifier: License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
    ],
)
def test_what_asks_for_no_more_than_its_text_is_shipped(tmp_path: Path, line: str, licence: str) -> None:
    assert said_of(tmp_path, line) == (licence, [])


@pytest.mark.parametrize(
    "line",
    [
        "License-Expression: GPL-3.0-or-later",
        "License-Expression: MIT AND GPL-2.0-only",
        "License-Expression: AGPL-3.0-only",
        "License: GPLv3",
        "License: Proprietary",
        "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
    ],
)
def test_what_asks_for_more_is_refused(tmp_path: Path, line: str) -> None:
    _, against = said_of(tmp_path, line)
    assert len(against) == 1
    assert against[0].startswith("one 1.0 is under ")


def test_a_library_without_a_licence_is_refused(tmp_path: Path) -> None:
    assert said_of(tmp_path)[1] == ["one 1.0 names no licence"]


def test_a_whole_licence_where_its_name_belongs_is_no_name(tmp_path: Path) -> None:
    long = "Permission is hereby granted, free of charge, to any person obtaining a copy of this"
    said = said_of(tmp_path, f"License: {long}", "Classifier: License :: OSI Approved :: MIT License")
    assert said == ("MIT", [])


def test_a_library_without_the_text_of_its_licence_is_refused(tmp_path: Path) -> None:
    plant(tmp_path, "one", "License-Expression: MIT", text=None)
    assert refused(shipped(tmp_path)) == ["one 1.0 brings no text of its licence"]


def test_where_its_makers_forgot_the_text_there_is_a_copy(tmp_path: Path) -> None:
    plant(tmp_path, "winrt_anything", "License-Expression: MIT", text=None)
    found = shipped(tmp_path)
    assert refused(found) == []
    assert "David Lechner" in licences_text(found)


def test_the_document_holds_the_text_of_each(tmp_path: Path) -> None:
    plant(tmp_path, "Second_One", "License-Expression: ISC", text="second text")
    plant(tmp_path, "first", "License-Expression: MIT", text="first text")
    found = shipped(tmp_path)
    assert [one.name for one in found] == ["first", "second-one"]
    document = licences_text(found)
    assert "  second-one 1.0: ISC\n" in document
    assert document.index("first text") < document.index("second text")


def test_names_are_compared_as_registries_do() -> None:
    assert normal("Jaraco.Classes") == normal("jaraco_classes") == "jaraco-classes"


def test_nothing_is_refused_of_nothing() -> None:
    assert refused([]) == []
    assert refused([Distribution("a", "1", "MIT", (Path("LICENSE"),))]) == []
