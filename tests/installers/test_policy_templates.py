"""The templates of group policy: as Microsoft's PolicyDefinitions schema wants them, whole, and read back as meant."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from agent.system.config.check import Setting, whole_settings
from agent.system.config.load import load
from agent.system.config.schema import Config
from agent.system.config.why import decision
from installer.windows.policy import german, make_policy
from tests.system.config.stage import Stage, as_lists, in_registry, two_values

NAMESPACE = "{http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions}"
LANGUAGES = ("en-US", "de-DE")
SETTINGS = {make_policy.policy_name(one.key): one for one in whole_settings(Config)}

# What the schema's types PolicyDefinitions, PolicyDefinition, PolicyElements and PolicyPresentation allow: the children
# of an element in their order, and which attributes it must and may have.
CHILDREN = {
    "policyDefinitions": ("policyNamespaces", "supersededAdm", "annotation", "resources", "supportedOn", "categories", "policies"),  # noqa: E501
    "policyDefinitionResources": ("displayName", "description", "annotation", "resources"),
    "resources": ("stringTable", "presentationTable"),
    "category": ("annotation", "parentCategory", "seeAlso", "keywords"),
    "policy": ("annotation", "parentCategory", "seeAlso", "keywords", "supportedOn", "enabledValue", "disabledValue", "enabledList", "disabledList", "elements"),  # noqa: E501
    "textBox": ("label", "defaultValue"),
}  # fmt: skip
ATTRIBUTES: dict[str, tuple[set[str], set[str]]] = {
    "policyDefinitions": ({"revision", "schemaVersion"}, set()),
    "policyDefinitionResources": ({"revision", "schemaVersion"}, set()),
    "target": ({"prefix", "namespace"}, set()),
    "definition": ({"name", "displayName"}, set()),
    "category": ({"name", "displayName"}, {"explainText"}),
    "policy": ({"name", "class", "displayName", "key"}, {"explainText", "presentation", "valueName"}),
    "decimal": (set(), {"id", "valueName", "required", "minValue", "maxValue", "storeAsText", "soft", "value"}),
    "enum": ({"id", "valueName"}, {"required"}),
    "item": ({"displayName"}, set()),
    "text": ({"id", "valueName"}, {"required", "maxLength", "expandable", "soft"}),
    "multiText": ({"id", "valueName"}, {"required", "maxLength", "maxStrings", "soft"}),
    "decimalTextBox": ({"refId"}, {"defaultValue", "spin", "spinStep"}),
    "dropdownList": ({"refId"}, {"noSort", "defaultItem"}),
    "textBox": ({"refId"}, set()),
    "multiTextBox": ({"refId"}, {"showAsDialog", "defaultHeight"}),
    "string": (set(), {"id"}),
    "presentation": ({"id"}, set()),
    "parentCategory": ({"ref"}, set()),
    "supportedOn": (set(), {"ref"}),
    "resources": (set(), {"minRequiredRevision"}),
}
CONTROLS = {"decimal": "decimalTextBox", "enum": "dropdownList", "text": "textBox", "multiText": "multiTextBox"}
REFERENCE = re.compile(r"\$\((string|presentation)\.([A-Za-z0-9_-]+)\)")


def parsed(name: str) -> Element:
    """One of the committed files."""
    return fromstring((make_policy.FOLDER / name).read_bytes())  # noqa: S314 - it is our own


@pytest.fixture(scope="module")
def admx() -> Element:
    return parsed("NoMoreRunning.admx")


@pytest.fixture(scope="module")
def adml() -> dict[str, Element]:
    return {name: parsed(f"{name}/NoMoreRunning.adml") for name in LANGUAGES}


def tag(element: Element) -> str:
    """Its name without the namespace."""
    return element.tag.removeprefix(NAMESPACE)


def every(root: Element, name: str) -> list[Element]:
    """All elements of this name."""
    return list(root.iter(NAMESPACE + name))


def below(element: Element, *names: str) -> Element:
    """The one element down this path."""
    for name in names:
        (element,) = (child for child in element if tag(child) == name)
    return element


def policies(admx: Element) -> Iterator[tuple[Element, Setting]]:
    """Each policy with its setting."""
    for policy in every(admx, "policy"):
        yield policy, SETTINGS[policy.attrib["name"]]


def test_the_committed_templates_are_what_the_schema_says() -> None:
    for name, content in make_policy.templates().items():
        assert (make_policy.FOLDER / name).read_bytes() == content, "python -m installer.windows.policy.make_policy"


def test_they_are_written_where_one_says(tmp_path: Path) -> None:
    assert make_policy.main(tmp_path) == 0
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.adm?")} == set(make_policy.templates())


def test_every_element_is_of_the_schemas_namespace_order_and_attributes(
    admx: Element, adml: dict[str, Element]
) -> None:
    for root in (admx, *adml.values()):
        for element in root.iter():
            assert element.tag.startswith(NAMESPACE)
            if order := CHILDREN.get(tag(element)):
                assert set(map(tag, element)) <= set(order)
                assert list(map(tag, element)) == sorted(map(tag, element), key=order.index)
            needed, possible = ATTRIBUTES.get(tag(element), (set(), set()))
            assert needed <= set(element.attrib) <= needed | possible, tag(element)
        assert (root.attrib["schemaVersion"], root.attrib["revision"]) == ("1.0", "1.0")
    assert tag(admx) == "policyDefinitions"
    assert all(tag(root) == "policyDefinitionResources" for root in adml.values())


def test_each_setting_of_a_station_is_one_policy_for_computers_and_users(admx: Element) -> None:
    assert [policy.attrib["name"] for policy in every(admx, "policy")] == list(SETTINGS)
    for policy, setting in policies(admx):
        table, _, value = setting.key.rpartition(".")
        assert policy.attrib["class"] == "Both"
        assert policy.attrib["key"] == "\\".join([r"Software\Policies\NoMoreRunning", *filter(None, table.split("."))])
        carriers = [one for one in (policy, *policy.iter()) if "valueName" in one.attrib]
        assert {one.attrib["valueName"] for one in carriers} == {value}


def test_names_are_names_and_no_id_comes_twice(admx: Element, adml: dict[str, Element]) -> None:
    for kind in ("policy", "category", "definition"):
        names = [one.attrib["name"] for one in every(admx, kind)]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)
    for root in adml.values():
        for kind in ("string", "presentation"):
            ids = [one.attrib["id"] for one in every(root, kind) if "id" in one.attrib]
            assert len(set(ids)) == len(ids)


def test_every_reference_leads_somewhere(admx: Element, adml: dict[str, Element]) -> None:
    categories = {one.attrib["name"] for one in every(admx, "category")}
    definitions = {one.attrib["name"] for one in every(admx, "definition")}
    assert {one.attrib["ref"] for one in every(admx, "parentCategory")} <= categories
    assert all(below(policy, "supportedOn").attrib["ref"] in definitions for policy in every(admx, "policy"))
    wanted = {found for one in admx.iter() for text in one.attrib.values() for found in REFERENCE.findall(text)}
    for root in adml.values():
        strings = {one.attrib["id"]: one.text for one in every(below(root, "resources", "stringTable"), "string")}
        presentations = {one.attrib["id"] for one in every(root, "presentation")}
        assert wanted == {("string", name) for name in strings} | {("presentation", name) for name in presentations}
        assert all(strings.values())


def test_each_element_has_one_control_of_its_kind_with_a_label_in_each_language(
    admx: Element, adml: dict[str, Element]
) -> None:
    for policy in every(admx, "policy"):
        elements = [one for one in policy.iter() if "id" in one.attrib]
        assert bool(elements) == ("presentation" in policy.attrib) == ("valueName" not in policy.attrib)
        if not elements:
            continue
        (element,) = elements
        for root in adml.values():
            (shown,) = (one for one in every(root, "presentation") if one.attrib["id"] == policy.attrib["name"])
            (control,) = shown
            assert control.attrib["refId"] == element.attrib["id"]
            assert tag(control) == CONTROLS[tag(element)]
            label = below(control, "label") if tag(control) == "textBox" else control
            assert label.text
            assert label.text.strip()


def test_german_says_something_else_than_english_for_every_setting(adml: dict[str, Element]) -> None:
    said = {
        name: {one.attrib["id"]: one.text for one in every(below(root, "resources", "stringTable"), "string")}
        for name, root in adml.items()
    }
    for name, setting in SETTINGS.items():
        assert said["de-DE"][name] != said["en-US"][name]
        assert setting.key in str(said["de-DE"][f"{name}_explain"])
    assert set(german.SETTINGS) == {one.key for one in SETTINGS.values()}


def written_by_the_editor(policy: Element, value: Any) -> Any:
    """What the editor of group policy puts into the registry for a value, by the template alone."""
    elements = [one for one in policy.iter() if "id" in one.attrib]
    if not elements:
        state = "enabledValue" if value else "disabledValue"
        return int(below(policy, state, "decimal").attrib["value"])
    (element,) = elements
    match tag(element):
        case "decimal":
            assert int(element.attrib["minValue"]) <= value <= int(element.attrib["maxValue"]) < 1 << 32
            return value
        case "enum":
            choices = [below(item, "value", "string").text for item in every(element, "item")]
            return choices[choices.index(value)]
        case "multiText":
            lines = in_registry(value)
            assert isinstance(lines, list)
            assert len(lines) <= int(element.attrib["maxStrings"])
            return lines
    return str(value)


@pytest.mark.parametrize("name", SETTINGS)
def test_what_the_editor_writes_is_what_the_agent_does(admx: Element, tmp_path: Path, name: str) -> None:
    (policy,) = (one for one in every(admx, "policy") if one.attrib["name"] == name)
    setting, stage = SETTINGS[name], Stage(tmp_path)
    value_name = next(one.attrib["valueName"] for one in policy.iter() if "valueName" in one.attrib)
    for value in two_values(setting, Config):
        tree: dict[str, Any] = {value_name: written_by_the_editor(policy, value)}
        for table in reversed(policy.attrib["key"].split("\\")[3:]):
            tree = {table: tree}
        stage.registry[r"HKLM\Software\Policies\NoMoreRunning"] = tree
        loaded = load(stage.profile, stage.around)
        assert loaded.mistakes == loaded.warnings == ()
        found = decision(loaded, setting.key)
        winner = found.winner.value
        assert as_lists(winner) == value
        assert found.locked
