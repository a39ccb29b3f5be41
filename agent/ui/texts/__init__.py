"""Every text people read, in English and German; pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # the window shows these texts 75 ms after a click, and loading typing takes 3 of them
    from collections.abc import Mapping
    from typing import Literal

    Language = Literal["en", "de"]


class Texts:
    """The texts of one language, frozen; `texts("answer.accepted")` gives the words.

    An unknown key or a missing value is a mistake of ours and raises `KeyError`.
    """

    __slots__ = ("_language", "_table")

    def __init__(self, language: Language, table: Mapping[str, str]) -> None:
        self._language: Language = language
        self._table = table

    @classmethod
    def of(cls, language: Language) -> Texts:
        """The texts in `language`; only that language's table is loaded."""
        if language == "en":
            from agent.ui.texts.en import TEXTS
        elif language == "de":
            from agent.ui.texts.de import TEXTS
        else:
            raise KeyError(f"no texts in {language!r}")
        return cls(language, TEXTS)

    @property
    def language(self) -> Language:
        """Which language this is."""
        return self._language

    def __call__(self, key: str, **values: object) -> str:
        """The text under `key` with its {placeholders} filled in."""
        return self._table[key].format(**values)

    def number(self, key: str, n: int, **values: object) -> str:
        """The text for a number of things: `key.none` (if there is one), `key.one` or `key.many`, with {n}."""
        form = "one" if n == 1 else "none" if n == 0 and f"{key}.none" in self._table else "many"
        return self(f"{key}.{form}", n=n, **values)

    def has(self, key: str) -> bool:
        """Whether there is a text under `key`; for words that come from another station or a newer agent."""
        return key in self._table
