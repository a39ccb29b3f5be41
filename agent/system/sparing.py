"""Spares an agent the modules its libraries load and never, or hardly ever, use."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Whoever is imported inside does without these modules, unless they are loaded already: there are none."""
    with _in_place_of(names, lambda _: None):
        yield


@contextmanager
def later(*names: str) -> Iterator[None]:
    """Whoever is imported inside gets these modules, unless they are loaded already, when it first uses them.

    For `import module` whose module is used in functions and annotations; a name taken out of it (`from module import
    name`) or a base class would stay the placeholder it is at that moment.
    """
    with _in_place_of(names, _Later):
        for name in names:
            package, _, last = name.rpartition(".")
            if package:  # whoever finds a module loaded does not put it into what it is part of
                setattr(import_module(package), last, sys.modules[name])
        yield


class _Later(ModuleType):
    """Stands for a module: inside of `later` it has something under every name, from then on what the module has."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            return Any
        return getattr(import_module(self.__name__), name)


@contextmanager
def _in_place_of(names: tuple[str, ...], stand_in: Any) -> Iterator[None]:
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update((name, stand_in(name)) for name in absent)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
