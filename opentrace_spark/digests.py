"""What a step is made of beside its data: its own code, and the libraries under it."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import platform
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any

from opentrace_spark.config import CONF_DIR

_PACKAGE = __name__.partition(".")[0]
_ALWAYS = (f"{_PACKAGE}.io",)
"""Modules that have a part in every table."""
_VALUES = ("default.toml", "periods.toml", "countries.toml")
"""Files of conf/ whose content is method values, which count one by one."""
_LIBRARIES = (
    *("pyspark", "delta-spark", "graphframes-py", "deltalake"),
    *("pandas", "pyarrow", "numpy", "scipy", "scikit-learn", "nltk"),
)


def code_digest(function: Callable[..., Any]) -> str:
    """SHA-256 of the source of the function's module, of all modules of this package that it
    imports, directly or not, and of the tables in conf/ that they read."""
    digest = hashlib.sha256(_shipped_tables().encode())
    for module in sorted(_closure((function.__module__, *_ALWAYS))):
        digest.update(f"{module}\0{_source(module)}\0".encode())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def libraries() -> dict[str, str]:
    """The versions of Python and of the libraries that can change a table."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "unknown"
    return found


@lru_cache(maxsize=1)
def _shipped_tables() -> str:
    files = sorted(
        (entry for entry in CONF_DIR.iterdir() if entry.is_file() and entry.name not in _VALUES),
        key=lambda entry: entry.name,
    )
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _closure(roots: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += _imports(module)
    return found


@cache
def _source(module: str) -> str:
    """The module's text, from a folder or from a zip that Python imports from."""
    spec = importlib.util.find_spec(module)
    get_source = getattr(spec and spec.loader, "get_source", None)
    return (get_source(module) if get_source else None) or ""


@cache
def _imports(module: str) -> tuple[str, ...]:
    """The modules of this package that a module imports when it runs, wherever it says so."""
    return tuple(
        name
        for imported in _imported(ast.parse(_source(module)))
        if imported.split(".")[0] == _PACKAGE
        for name in _modules_of(imported)
    )


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name):
        if node.test.id == "TYPE_CHECKING":
            return  # types do not run
    elif isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _imported(child)


@cache
def _modules_of(name: str) -> tuple[str, ...]:
    """Of `package.module.thing` the modules: importing one runs the packages above it, too."""
    parts = name.split(".")
    above = tuple(".".join(parts[:n]) for n in range(1, len(parts)))
    return (*above, name) if _is_module(name) else above


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # its parent is a module, and so no package
        return False
