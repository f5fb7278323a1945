"""From what a Spark task raised back to the one sentence that a person can act on."""

from __future__ import annotations

import json
import re

from opentrace_spark.errors import ContentError

_MARK = "content-error:"
_MARKED = re.compile(_MARK + r'("(?:[^"\\]|\\.)*")')


class TaskContentError(ContentError):
    """A ContentError of a task: its text survives the way through Spark in one quoted piece."""

    def __init__(self, message: str) -> None:
        super().__init__(_MARK + json.dumps(message))


def content_error_from(exception: BaseException) -> ContentError | None:
    """The ContentError that a task raised, None where a Spark job failed for another reason."""
    if isinstance(exception, ContentError) and not isinstance(exception, TaskContentError):
        return exception
    marked = _MARKED.search("\n".join(_texts(exception)))
    return ContentError(json.loads(marked.group(1))) if marked else None


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
