"""What of earlier runs still holds: the kept table of every step, and why one is built anew.

A step's table is kept with all that made it: its code, libraries, the method values that it read,
the files of the landing that it saw, and the tables that it read. Where all of these are as they
were, the table is what the step would build again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

from opentrace_spark.config import Config
from opentrace_spark.digests import code_digest, libraries
from opentrace_spark.io import StoredFile, Warehouse, content_version
from opentrace_spark.scratch import Scratch
from opentrace_spark.sources.landing import Landing
from opentrace_spark.steps import Step
from opentrace_spark.tables import TABLES

TABLE, SCRATCH = "table", "scratch"
"""In the folder of a built step: its table, and what else it wrote."""
_CHECKS = "checks"
"""Note of the scratch: check -> digest of what it held for."""
_ALL_VALUES = "parameters"
"""Stands for all method values, which every gold row carries."""
_SPECS = {spec.id: spec for spec in TABLES}


@dataclass(frozen=True)
class Kept:
    """The table of a step as a run built it.

    `key` names its content; `folder` (below the warehouse) is where it was stored, with the
    scratch of its step; `files` are the table's, `schema` its columns as Spark writes them.
    `version` is the Delta version that it was committed as, None for scratch and until then; its
    files are in the table's folder from then on. `of` is the folder of the step that wrote the
    files (of `Step.files_of`). `run_id` is in its rows where `is_stamped`. `location`: of the
    warehouse, which rows of scratch name.
    """

    key: str
    depends: Mapping[str, Any]
    run_id: str
    is_stamped: bool
    location: str
    folder: str
    schema: str
    files: tuple[StoredFile, ...]
    of: str = ""
    version: int | None = None

    @property
    def stored_in(self) -> str:
        """The folder, below the warehouse, with the table's files until it is committed."""
        return f"{self.of}/{SCRATCH}" if self.of else f"{self.folder}/{TABLE}"

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return sum(file.rows for file in self.files)


def traced(config: Config, values: set[str]) -> Config:
    """The same Config; the names of the values that are read of it are added to `values`.

    Of what is sent to workers, the Config or a section of it, everything counts as read.
    """
    sections: dict[str, Any] = {
        each.name: _noting(value, f"{each.name}.", values)
        for each in dataclasses.fields(config)
        if dataclasses.is_dataclass(value := getattr(config, each.name))
    }
    plain = {each.name for each in dataclasses.fields(config)} - sections.keys()
    return _noting(replace(config, **sections), "", values, plain | {_ALL_VALUES})


_Noted = TypeVar("_Noted")


def _noting(of: _Noted, prefix: str, values: set[str], names: Collection[str] = ()) -> _Noted:
    """A dataclass's object that notes which of its values (default: all) are read."""
    kind: Any = type(of)
    fields = {each.name: getattr(of, each.name) for each in dataclasses.fields(kind)}
    noted = frozenset(names or fields)

    def get(self: Any, name: str) -> Any:
        if name in noted:
            values.add(prefix + name)
        return object.__getattribute__(self, name)

    def reduce(self: Any) -> tuple[Any, ...]:
        return kind, tuple(getattr(self, name) for name in fields)

    methods = {"__getattribute__": get, "__reduce__": reduce}
    noting: _Noted = type(kind.__name__, (kind,), methods)(**fields)
    return noting


def _value(config: Config, name: str) -> Any:
    """A method value by its name; None for one that this version of the program does not have."""
    section, _, key = name.partition(".")
    value = getattr(config, section, None)
    return getattr(value, key, None) if key else value


@dataclass
class Reuse:
    """Decides which kept tables of a warehouse still hold for a run, and keeps those it builds.

    `prints` are those of the landing's files (`run.fingerprints`); `runs` the ids of runs whose
    tables are published, and of the one that is being finished. `keys` name the tables of this run
    so far.
    """

    warehouse: Warehouse
    landing: Landing
    prints: Mapping[str, Any]
    config: Config
    runs: Collection[str]
    steps: Sequence[Step]
    is_forced: bool = False
    keys: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scratch = Scratch(self.warehouse)
        self.held: dict[str, str] = self.scratch.read(_CHECKS) or {}
        # All at once: Python 3.11 fails to parse in several threads.
        self.codes = {step.writes: _code(step) for step in self.steps}

    def kept(self, step: Step) -> Kept | None:
        """What is kept of the step, whether it holds or not."""
        return _kept(self.scratch.read(step.writes))

    def why(self, step: Step) -> str:
        """Why the step's table is built anew; empty where the kept one holds. The tables that it
        reads must have their `keys`."""
        if self.is_forced:
            return "--force"
        kept = self.kept(step)
        reason = self._own_reason(step, kept)
        if reason or kept is None:
            return reason
        if gone := sorted(kept.depends["inputs"].keys() - set(step.reads)):
            return f"{', '.join(gone)} is no longer there"
        for table in step.reads:
            if kept.depends["inputs"].get(table) != self.keys[table]:
                return f"reads {table}, which has changed"
        # Who only wrote files for another step is of no use without them.
        for follower in (other for other in self.steps if other.files_of == step.writes):
            theirs = self.kept(follower)
            if self._own_reason(follower, theirs) or theirs is None or theirs.of != kept.folder:
                return f"its files of {follower.writes} are not kept"
        if step.files_of and kept.of != self._folder_of(step):
            return f"the files of {step.files_of} are new"
        return ""

    def _own_reason(self, step: Step, kept: Kept | None) -> str:
        """Why a kept table does not hold, whatever those that it was made from are now."""
        if kept is None:
            return "not built yet"
        if kept.location != self.warehouse.location:
            return "the warehouse was moved"
        if kept.is_stamped and kept.run_id not in self.runs:
            return "of a run that did not end"
        then, now = kept.depends, self._depends(step, kept.depends["values"])
        if then["code"] != now["code"]:
            return "other code"
        if then["libraries"] != now["libraries"]:
            return "other libraries"
        changed = [name for name, value in now["values"].items() if then["values"][name] != value]
        if changed:
            named = [name for name in changed if name != _ALL_VALUES]
            return f"other method values{': ' if named else ''}{', '.join(named)}"
        seen = then["landing"]
        changed = [name for name, value in now["landing"].items() if seen.get(name) != value]
        if changed:
            return f"{', '.join(changed)} has changed"
        return self._lost(step, kept)

    def _lost(self, step: Step, kept: Kept) -> str:
        spec = _SPECS.get(step.writes)
        if spec is None or kept.version is None:
            have = self.scratch.sizes_below(kept.stored_in)
            wanted = {file.path: file.size for file in kept.files}
            is_there = wanted.items() <= have.items()
            return "" if is_there else "its files are not there"
        table = self.warehouse.table(spec)
        if table is None or content_version(table) != kept.version:
            return f"{spec.path} is not as it was committed"
        if step.files_of:
            named = {file.path for file in kept.files}
            if not named <= {file.path for file in self.warehouse.active_files(spec)}:
                return f"the files of {spec.path} were combined"
        return ""

    def _folder_of(self, step: Step) -> str:
        (writer,) = (other for other in self.steps if other.writes == step.files_of)
        kept = self.kept(writer)
        return kept.folder if kept else ""

    def _depends(self, step: Step, values: Iterable[str]) -> dict[str, Any]:
        """All that a table of the step depends on now, but the tables that it reads."""
        return {
            "code": self.codes[step.writes],
            "libraries": libraries(),
            "values": {name: _text(_value(self.config, name)) for name in sorted(values)},
            "landing": {name: self._print(name) for name in step.folders},
        }

    def _print(self, folder: str) -> str:
        """The digest of a folder of the landing, or of its manifest."""
        found = {path: what for path, what in self.prints.items() if path.startswith(folder)}
        days = [(str(each.day), each.source) for each in self.landing.only((folder,)).snapshots]
        return _digest([found, days])

    def keep(
        self,
        step: Step,
        folder: str,
        of: str,
        schema: str,
        files: Sequence[StoredFile],
        values: Iterable[str],
        run_id: str,
    ) -> Kept:
        """Keep what was built, of the method values with these names, for later runs."""
        values = set(values)
        spec = _SPECS.get(step.writes)
        columns = {column.name for column in spec.columns} if spec else set()
        if _ALL_VALUES in columns:
            values.add(_ALL_VALUES)
        inputs = {table: self.keys[table] for table in step.reads}
        depends = self._depends(step, values) | {"inputs": inputs}
        kept = Kept(
            _digest(depends),
            depends,
            run_id,
            _ALL_VALUES in values or "run_id" in columns,
            self.warehouse.location,
            folder,
            schema,
            tuple(files),
            of,
        )
        self.put(step, kept)
        return kept

    def committed(self, step: Step, version: int) -> None:
        """Note that the kept table has become its Delta table's content."""
        kept = self.kept(step)
        assert kept is not None
        self.put(step, replace(kept, version=version))

    def has_held(self, check: str, made_of: str, tables: Iterable[str]) -> bool:
        """Whether a check of these tables, made of this code, held in an earlier run."""
        return not self.is_forced and self.held.get(check) == self._of_check(made_of, tables)

    def note_held(self, check: str, made_of: str, tables: Iterable[str]) -> None:
        """Note that a check holds; `note_checks` keeps it."""
        self.held[check] = self._of_check(made_of, tables)

    def note_checks(self) -> None:
        """Keep which checks hold for later runs."""
        self.scratch.write(_CHECKS, self.held)

    def _of_check(self, made_of: str, tables: Iterable[str]) -> str:
        return _digest([made_of, libraries(), [self.keys[table] for table in tables]])

    def put(self, step: Step, kept: Kept) -> None:
        """Write down what is kept of the step."""
        self.scratch.write(step.writes, asdict(kept))

    def tidy(self) -> None:
        """Remove all scratch that no step keeps."""
        kept = (self.kept(step) for step in self.steps)
        self.scratch.keep_only({each.folder for each in kept if each})


def of_other_code(warehouse: Warehouse, steps: Iterable[Step]) -> list[str]:
    """The steps whose kept tables other code has made; none where nothing is kept."""
    scratch = Scratch(warehouse)
    kept = {step: _kept(scratch.read(step.writes)) for step in steps}
    return [
        step.name for step, each in kept.items() if each and each.depends["code"] != _code(step)
    ]


def _kept(noted: Any) -> Kept | None:
    """A Kept from its JSON; None where there is none, or one of another version of the program."""
    try:
        files = tuple(StoredFile(**file) for file in noted["files"])
        return Kept(**{**noted, "files": files})
    except TypeError:
        return None


def _code(step: Step) -> str:
    return _digest([code_digest(step.build), repr(_SPECS.get(step.writes))])


def _digest(value: Any) -> str:
    return hashlib.sha256(_text(value).encode()).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
