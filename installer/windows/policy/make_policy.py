"""Write the administrative templates of group policy from the schema of the settings.

    python -m installer.windows.policy.make_policy [FOLDER]

    NoMoreRunning.admx         a policy for each setting of a station, for computers and for users
    en-US/NoMoreRunning.adml   its texts
    de-DE/NoMoreRunning.adml   the same in German

The form is Microsoft's PolicyDefinitions schema 1.0. A setting that is true or false is the policy's own value; any
other has one element, whose id is the policy's name, in the ADMX and one control for it in each ADML.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec.inspect import BoolType, FloatType, IntType, LiteralType, StrType, Type, VarTupleType

from agent.system.config.check import Setting, allowed, unwrap, whole_settings, written
from agent.system.config.schema import Config
from agent.system.config.sources import POLICIES_KEY, STATION_KEY
from installer.windows.policy import english, german

FOLDER = Path(__file__).parent
NAME = "NoMoreRunning"
NAMESPACE = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"
OURS = "NoMoreRunning.Policies.Station"
REVISION = "1.0"
SUPPORTED = "SUPPORTED_NoMoreRunning"
LONGEST_LINE = 1023


def templates() -> dict[str, bytes]:
    """The files by their names below the folder."""
    return {
        f"{NAME}.admx": _file(_definitions()),
        f"en-US/{NAME}.adml": _file(_resources("en")),
        f"de-DE/{NAME}.adml": _file(_resources("de")),
    }


def policy_name(key: str) -> str:
    """What the policy of a setting is called, and its element."""
    return key.replace(".", "_")


def _file(root: Element) -> bytes:
    indent(root)
    text: str = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _tables() -> list[str]:
    """The tables with settings and those above them, "" first."""
    found = [""]
    for one in whole_settings(Config):
        parts = one.key.split(".")[:-1]
        found += [".".join(parts[: depth + 1]) for depth in range(len(parts))]
    return list(dict.fromkeys(found))


def _category(table: str) -> str:
    return f"CATEGORY_{policy_name(table)}" if table else "CATEGORY"


# ---- ADMX ----
def _definitions() -> Element:
    root = Element("policyDefinitions", {"xmlns": NAMESPACE, "revision": REVISION, "schemaVersion": "1.0"})
    spaces = SubElement(root, "policyNamespaces")
    SubElement(spaces, "target", prefix="nomorerunning", namespace=OURS)
    SubElement(root, "resources", minRequiredRevision=REVISION)
    supported = SubElement(SubElement(root, "supportedOn"), "definitions")
    SubElement(supported, "definition", name=SUPPORTED, displayName=f"$(string.{SUPPORTED})")
    categories = SubElement(root, "categories")
    for table in _tables():
        category = SubElement(
            categories, "category", name=_category(table), displayName=f"$(string.{_category(table)})"
        )
        if table:
            SubElement(category, "parentCategory", ref=_category(table.rpartition(".")[0]))
    policies = SubElement(root, "policies")
    for one in whole_settings(Config):
        _policy(policies, one)
    return root


def _policy(policies: Element, one: Setting) -> None:
    name, (table, _, value) = policy_name(one.key), one.key.rpartition(".")
    path = "\\".join([POLICIES_KEY, STATION_KEY, *filter(None, table.split("."))])
    texts = {"displayName": f"$(string.{name})", "explainText": f"$(string.{name}_explain)"}
    policy = SubElement(policies, "policy", {"name": name, "class": "Both", **texts, "key": path})
    SubElement(policy, "parentCategory", ref=_category(table))
    SubElement(policy, "supportedOn", ref=SUPPORTED)
    if isinstance(one.kind, BoolType):
        policy.set("valueName", value)
        for state, number in (("enabledValue", "1"), ("disabledValue", "0")):
            SubElement(SubElement(policy, state), "decimal", value=number)
        return
    policy.set("presentation", f"$(presentation.{name})")
    required = "false" if one.default == "" else "true"  # where nothing is allowed, nothing can be a policy, too
    _element(SubElement(policy, "elements"), one.kind, {"id": name, "valueName": value, "required": required})


def _element(elements: Element, kind: Type, common: dict[str, str]) -> None:
    match kind:
        case IntType():
            SubElement(elements, "decimal", {**common, "minValue": str(kind.ge), "maxValue": str(kind.le)})
        case LiteralType():
            choices = SubElement(elements, "enum", common)
            for choice in kind.values:
                item = SubElement(choices, "item", displayName=f"$(string.{common['id']}_{choice})")
                SubElement(SubElement(item, "value"), "string").text = str(choice)
        case VarTupleType():
            most = {"maxLength": str(LONGEST_LINE), "maxStrings": str(kind.max_length)}
            SubElement(elements, "multiText", {**common, **most})
        case StrType() | FloatType():
            SubElement(elements, "text", {**common, "maxLength": str(LONGEST_LINE)})
        case _:
            raise TypeError(f"no policy for {kind!r}")


# ---- ADML ----
def _resources(language: str) -> Element:
    words: Any = german if language == "de" else english
    root = Element("policyDefinitionResources", {"xmlns": NAMESPACE, "revision": REVISION, "schemaVersion": "1.0"})
    SubElement(root, "displayName").text = words.TABLES[""]
    SubElement(root, "description").text = words.DESCRIPTION
    resources = SubElement(root, "resources")
    strings = SubElement(resources, "stringTable")
    for name, text in _strings(language, words):
        SubElement(strings, "string", id=name).text = text
    presentations = SubElement(resources, "presentationTable")
    for one in whole_settings(Config):
        if not isinstance(one.kind, BoolType):
            _presentation(presentations, one, _about(one, language), words)
    return root


def _strings(language: str, words: Any) -> Iterator[tuple[str, str]]:
    yield SUPPORTED, words.SUPPORTED
    about = {one.key.rpartition(".")[0]: one.table_about for one in whole_settings(Config)}
    for table in _tables():
        yield _category(table), words.TABLES.get(table) or about[table].partition(".")[0]
    for one in whole_settings(Config):
        name = policy_name(one.key)
        yield name, _about(one, language)
        states = words.SWITCHED if isinstance(one.kind, BoolType) else words.VALUED
        default = written(list(one.default) if isinstance(one.default, tuple) else one.default)
        told = _allowed(one, language, words)
        yield (
            f"{name}_explain",
            words.EXPLAINED.format(
                about=_about(one, language), key=one.key, allowed=told, default=default, states=states
            ),
        )
        if isinstance(one.kind, LiteralType):
            for choice in one.kind.values:
                yield f"{name}_{choice}", str(choice)


def _about(one: Setting, language: str) -> str:
    return german.SETTINGS[one.key] if language == "de" else one.about.rstrip(".")


def _allowed(one: Setting, language: str, words: Any) -> str:
    if one.key in words.LINES:
        return str(words.LINES[one.key])
    return one.allowed if language == "en" else _in_german(one.kind, one.allowed)


def _in_german(kind: Type, text: str) -> str:
    """What is allowed, in German; raises KeyError where nobody has put it into words."""
    match kind:
        case BoolType():
            return "ja oder nein"
        case IntType() | FloatType():
            return f"eine {'ganze ' * isinstance(kind, IntType)}Zahl von {kind.ge} bis {kind.le}"
        case LiteralType():
            return text.replace(" or ", " oder ")
        case VarTupleType():
            inside, extra = unwrap(kind.item_type)
            each = _in_german(inside, allowed(inside, extra))
            return f"eine Liste von höchstens {kind.max_length}, jede Zeile {each}"
    return german.ALLOWED[text]


def _presentation(table: Element, one: Setting, label: str, words: Any) -> None:
    """The one control of a policy; without its label the editor of group policy refuses the whole file."""
    name = policy_name(one.key)
    presentation = SubElement(table, "presentation", id=name)
    match one.kind:
        case IntType():
            control = SubElement(presentation, "decimalTextBox", refId=name, defaultValue=str(one.default))
            control.text = label
        case LiteralType():
            default = str(list(one.kind.values).index(one.default))
            control = SubElement(presentation, "dropdownList", refId=name, noSort="true", defaultItem=default)
            control.text = label
        case VarTupleType():
            SubElement(presentation, "multiTextBox", refId=name).text = words.LINES.get(one.key, label)
        case _:
            control = SubElement(presentation, "textBox", refId=name)
            SubElement(control, "label").text = label
            SubElement(control, "defaultValue").text = str(one.default)


def main(folder: Path) -> int:
    """Write the files."""
    for name, content in templates().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
        print(folder / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
