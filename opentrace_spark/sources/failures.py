"""From what a Spark task raised back to the one sentence that a person can act on."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

from opentrace_spark.errors import ContentError

_MARK = "content-error:"
_MARKED = re.compile(_MARK + r'("(?:[^"\\]|\\.)*")')
_UNREADABLE = re.compile(r"FAILED_READ_FILE[^\n]*?(?:reading|read) file:? (?P<file>[^\n]+?)\.? ")


class TaskContentError(ContentError):
    """A ContentError of a task: its text survives the way through Spark in one quoted piece."""

    def __init__(self, message: str) -> None:
        super().__init__(_MARK + json.dumps(message))


def content_error_from(exception: BaseException, root: str = "") -> ContentError | None:
    """The ContentError behind a failed Spark job, None where the job failed for another reason.

    Recognises what the reading tasks of `sources.text` raise, and Spark's own words for a Parquet
    file whose pages can't be read. `root` is the landing's URI: files below it are named relative
    to it.
    """
    if isinstance(exception, ContentError) and not isinstance(exception, TaskContentError):
        return exception
    text = "\n".join(_texts(exception))
    marked = _MARKED.search(text)
    if marked:
        return ContentError(json.loads(marked.group(1)))
    unreadable = _UNREADABLE.search(text)
    if unreadable:
        return ContentError(
            f"{_relative(unreadable.group('file'), root)}: a part of the file can't be read "
            "(it is damaged or was changed meanwhile); write or download it again"
        )
    return None


def _texts(exception: BaseException | None) -> list[str]:
    """What an exception and its causes say, the Java traces included."""
    texts: list[str] = []
    seen: set[int] = set()
    while exception is not None and id(exception) not in seen:
        seen.add(id(exception))
        texts += [str(exception), str(getattr(exception, "_stackTrace", "") or "")]
        inner = getattr(exception, "_cause", None)
        exception = (
            inner if isinstance(inner, BaseException) else exception.__cause__
        ) or exception.__context__
    return texts


def _relative(file: str, root: str) -> str:
    path = re.sub(r"^file:/+", "/", unquote(file.strip()))
    base = re.sub(r"^file:/+", "/", root)
    return path.removeprefix(f"{base}/") if base else path
