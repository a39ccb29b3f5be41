"""Every text people read, in English and German; pure."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Language = Literal["en", "de"]


class Texts(NamedTuple):
    """The texts of one language, frozen; `texts("answer.accepted")` gives the words.

    An unknown key or a missing value is a mistake of ours and raises `KeyError`.
    """

    language: Language
    table: Mapping[str, str]

    @classmethod
    def of(cls, language: Language) -> "Texts":
        """The texts in `language`; only that language's table is loaded."""
        if language == "en":
            from agent.ui.texts.en import TEXTS
        elif language == "de":
            from agent.ui.texts.de import TEXTS
        else:
            raise KeyError(f"no texts in {language!r}")
        return cls(language, TEXTS)

    def __call__(self, key: str, **values: object) -> str:
        """The text under `key` with its {placeholders} filled in."""
        return self.table[key].format(**values)

    def number(self, key: str, n: int, **values: object) -> str:
        """The text for a number of things: `key.none` (if there is one), `key.one` or `key.many`, with {n}."""
        form = "one" if n == 1 else "none" if n == 0 and f"{key}.none" in self.table else "many"
        return self(f"{key}.{form}", n=n, **values)

    def has(self, key: str) -> bool:
        """Whether there is a text under `key`; for words that come from another station or a newer agent."""
        return key in self.table
