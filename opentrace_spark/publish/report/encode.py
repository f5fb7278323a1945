"""Data inside the page: columns with a dictionary for words, JSON, gzip, base64.

Text of the data never meets HTML: it is inside base64, and the page sets it as text.
"""

from __future__ import annotations

import base64
import gzip
import json
import math
from typing import Any

import pandas as pd

_DIGITS = 5
"""Significant digits of fractions: more than a picture or a person can use."""


def encoded(frame: pd.DataFrame) -> dict[str, Any]:
    """`rows`, and `columns`: name -> `words` and their `places` by row (-1: null), or `numbers`."""
    return {"rows": len(frame), "columns": {str(name): _column(frame[name]) for name in frame}}


def _column(values: pd.Series) -> dict[str, Any]:
    if pd.api.types.is_bool_dtype(values):
        return {"numbers": [int(value) for value in values]}
    if pd.api.types.is_numeric_dtype(values):
        return {"numbers": [number(value) for value in values.tolist()]}
    codes, words = pd.factorize(values, use_na_sentinel=True)
    return {"words": [str(word) for word in words], "places": codes.tolist()}


def number(value: float) -> float | int | None:
    """A number in few characters; None for what is no number."""
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{_DIGITS}g}")
    return int(value) if value.is_integer() else short


def packed(content: Any) -> str:
    """JSON, compressed, as text that is safe in a script element; the same bytes every time."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode("ascii")


def script_json(content: Any) -> str:
    """JSON for a script element: no text of it can end the element or open a comment."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
