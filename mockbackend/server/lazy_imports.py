"""Packages that are imported when one of their names is first used, if ever.

A package's module stays empty until it is asked for a name: `_Finder` finds it, and `_Later` leaves it so. Who imports
one of the names that `defer` was given gets a `_StandIn`, a class, which does not fill it yet. To call that class, to
derive from it or to ask for its attributes does, as any other name of the module does. Then the module is imported
again, into the same object, so that all who hold it have all of it, and what it has replaces the stand-ins in all
modules that have imported them. `_Known` is for a submodule that was loaded meanwhile.

The standard library's LazyLoader cannot help: it imports a package as soon as one of its submodules is imported, or one
of its names.
"""

from __future__ import annotations

import importlib
import sys
import threading
import types
from collections.abc import Collection, Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any


def defer(packages: Mapping[str, Collection[str]]) -> None:
    """Import these packages late, except those imported already, each with names that can be had of it meanwhile.

    A submodule of such a name is loaded by itself: it may not need what it is a part of. For any other name, that of a
    class or a function, a class stands in. Only globals of modules are replaced by what it stands for, so it may be in
    no tuple of exceptions. It may be no protocol, since before a package is filled nothing is an instance of its
    classes, and no base of a class beside a protocol or a class of `abc`, which have metaclasses of their own.
    """
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    for name, names in packages.items():
        if name not in sys.modules:
            _finder.names[name] = names


def fill(package: str) -> None:
    """Import what is still empty of a package and below it."""
    for name in [*_finder.found]:
        if f"{name}.".startswith(f"{package}."):
            _finder.found[name].fill()


class _Finder(MetaPathFinder):
    """Finds packages that are imported late, each of them twice: at first it stays empty, then it is filled."""

    def __init__(self) -> None:
        self.names: dict[str, Collection[str]] = {}
        self.found: dict[str, _Later] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in self.names:
            above, _, name = fullname.rpartition(".")
            if parent := self.found.get(above):
                parent.prepare_for(name)
            known = sys.modules.get(fullname)
            if known is None:
                return None
            # To fill the package above has loaded it meanwhile. Then importlib takes the module's own spec.
            known.__spec__ = ModuleSpec(fullname, _Known(known))
            return known.__spec__
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            if fullname not in self.found:
                self.found[fullname] = _Later(fullname, spec.loader, self.names[fullname])
            spec.loader = self.found[fullname]
        return spec


_finder = _Finder()


class _Known(Loader):
    """The loader of a module that is loaded already."""

    def __init__(self, module: types.ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> types.ModuleType:
        return self._module

    def exec_module(self, module: types.ModuleType) -> None:
        module.__spec__ = self._spec


class _Later(Loader):
    """The loader of one module: the first time it leaves it empty, the second time it fills the same one."""

    def __init__(self, name: str, loader: Loader, names: Collection[str]) -> None:
        self._name = name
        self._loader = loader
        self._names = names
        self._module: types.ModuleType | None = None
        # Whether it is being filled, or has been.
        self._has_begun = False
        self._has_submodules = False
        self._lock = threading.Lock()
        self._stand_ins: dict[str, _StandIn] = {}
        # The global names of the modules that have imported them, by their identities.
        self._importers: dict[int, dict[str, Any]] = {}

    @property
    def has_classes(self) -> bool:
        """Whether there may be classes of this module by now."""
        return self._has_begun or self._has_submodules

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        return self._module or self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        if self._module is None:
            # The first time: it stays empty.
            self._module = module
            module.__getattr__ = self._getattr  # type: ignore[method-assign]
            return
        # The second time: it is filled.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        own = vars(module)
        # Until now it has made other threads wait.
        if own.get("__getattr__") == self._getattr:
            del own["__getattr__"]
        for importer in self._importers.values():
            for name, value in [*importer.items()]:
                if isinstance(value, _StandIn) and value._later is self and value.__name__ in own:
                    importer[name] = own[value.__name__]

    def fill(self) -> types.ModuleType:
        """The module, filled; waits while another thread fills it."""
        # As in every import, what it is a part of comes first.
        if parent := _finder.found.get(self._name.rpartition(".")[0]):
            parent.fill()
        with self._lock:
            if not self._has_begun:
                self._has_begun = True
                sys.modules.pop(self._name, None)
        return importlib.import_module(self._name)

    def prepare_for(self, submodule: str) -> None:
        """Fill the module before a submodule is loaded that may need it."""
        if submodule in self._names:
            self._has_submodules = True
        else:
            self.fill()

    def get(self, name: str) -> Any:
        """What the module has under that name."""
        module = self.fill()
        own = vars(module)
        if name in own:
            return own[name]
        find = own.get("__getattr__", self._getattr)
        if find == self._getattr:
            raise AttributeError(f"module {self._name!r} has no attribute {name!r}", name=name, obj=module)
        return find(name)

    def _getattr(self, name: str) -> Any:
        """The module's `__getattr__` while it is empty, or being filled."""
        # Python asks whether what it imports from is a package.
        if name == "__path__":
            raise AttributeError(name)
        if self._has_begun or name not in self._names:
            return self.get(name)
        path = getattr(self._module, "__path__", None)
        if path is not None and PathFinder.find_spec(f"{self._name}.{name}", path):
            # Python imports it then.
            raise AttributeError(name)
        importer = sys._getframe(1).f_globals
        self._importers[id(importer)] = importer
        if name not in self._stand_ins:
            self._stand_ins[name] = _StandIn(name, (Exception,), {"__module__": self._name, "_later": self})
        return self._stand_ins[name]


class _StandIn(type):
    """The type of the classes that stand in for names. Each is an exception, since `except` takes nothing else."""

    _later: _Later

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> Any:
        if "_later" in namespace:
            return super().__new__(mcs, name, bases, namespace)
        # A class that derives from one.
        return types.new_class(name, tuple(map(_real, bases)), options, lambda body: body.update(namespace))

    def __call__(cls, *arguments: Any, **options: Any) -> Any:
        return _real(cls)(*arguments, **options)

    def __getattr__(cls, name: str) -> Any:
        return getattr(_real(cls), name)

    def __getitem__(cls, parameters: Any) -> Any:
        return _real(cls)[parameters]

    def __instancecheck__(cls, instance: object) -> bool:
        return cls._later.has_classes and isinstance(instance, _real(cls))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is cls or (cls._later.has_classes and issubclass(subclass, _real(cls)))


def _real(one: type) -> Any:
    return one._later.get(one.__name__) if isinstance(one, _StandIn) else one
