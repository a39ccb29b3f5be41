"""The reference of all settings is complete and the committed copy is up to date."""

from pathlib import Path

from msgspec.inspect import StrType, StructType, VarTupleType

from agent.system.config.check import settings, struct_of, unwrap
from agent.system.config.reference import reference
from agent.system.config.schema import Config, HubConfig

COMMITTED = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_committed_reference_is_what_the_schema_says() -> None:
    assert COMMITTED.read_text(encoding="utf-8") == reference(), (
        "write it anew: python -c 'from agent.system.config.reference import reference as r; print(r(), end=str())' "
        "> docs/configuration.md"
    )


def test_every_setting_has_one_line_about_it_and_says_what_is_allowed() -> None:
    for one in [*settings(Config), *settings(HubConfig)]:
        assert one.about, one.key
        assert one.table_about, one.key
        assert one.allowed, one.key
        assert "|" not in one.about + one.allowed, one.key


def test_every_default_is_allowed_by_its_own_rule() -> None:
    from agent.system.config.check import check

    for schema in (Config, HubConfig):
        raw: dict[str, object] = {}
        for one in settings(schema):
            if "[]" in one.key:
                continue
            *tables, name = one.key.split(".")
            table = raw
            for key in tables:
                table = table.setdefault(key, {})  # type: ignore[assignment]
            table[name] = list(one.default) if isinstance(one.default, tuple) else one.default
        values, mistakes, unknown = check(raw, schema, lambda _: (COMMITTED, 0))
        assert values
        assert (mistakes, unknown) == ([], [])


def test_every_text_has_a_check_of_its_own() -> None:
    for schema in (Config, HubConfig):
        pending = [struct_of(schema)]
        while pending:
            for one in pending.pop().fields:
                bare, extra = unwrap(one.type)
                if isinstance(bare, VarTupleType):
                    assert bare.max_length, one.name
                    bare, extra = unwrap(bare.item_type)
                if isinstance(bare, StrType):
                    assert callable(extra["check"]), one.name
                if isinstance(bare, StructType):
                    pending.append(bare)
