"""Where data lies: paths and URIs as people write them, and the file systems behind them."""

from __future__ import annotations

import os
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs as pafs

from opentrace_spark.errors import UsageError

SNAPSHOT_MANIFEST = "_manifest.json"
"""In the folder of a complete snapshot: what it holds. Written last."""
COLLECTED = b"opentrace.collect"
"""Key in the footer of a Parquet file that is part of a collection."""


def local_path(location: str) -> str | None:
    """The absolute path of a path or `file:` URI; None for a URI of another file system.

    Any character may stand in a path; only a `file:` URI is percent-decoded. Raises UsageError for
    an empty location, and for a `file:` URI that names a host.
    """
    if not location.strip():
        raise UsageError("an empty path: name a folder")
    scheme, separator, _ = location.partition("://")
    if location.startswith("file:"):
        location = unquote(location.removeprefix("file:").removeprefix("//"))
        if not location.startswith("/"):
            raise UsageError(f"file:{location}: a file: URI begins with three slashes, file:///")
    elif separator and scheme.isalnum():
        return None
    return os.path.abspath(os.path.expanduser(location))


def spark_uri(location: str) -> str:
    """A path or URI as Spark takes it: absolute, with a scheme, `s3a:` for S3, no slash at the end.

    Without a scheme Spark would look into the cluster's default file system.
    """
    path = local_path(location)
    if path is not None:
        return f"file://{path}".rstrip("/")
    scheme, _, rest = location.partition("://")
    return f"{'s3a' if scheme == 's3' else scheme}://{rest.rstrip('/')}"


def filesystem_of(uri: str) -> tuple[pafs.FileSystem, str]:
    """The file system of a URI or absolute path, and the path in it.

    What follows `file://` is a plain path. Only scheme and authority are parsed, so any character
    may stand in the path.
    """
    scheme, _, rest = uri.partition("://")
    if scheme == "file" or uri.startswith("/"):
        return pafs.LocalFileSystem(), uri.removeprefix("file://")
    authority, _, path = rest.partition("/")
    scheme = "s3" if scheme == "s3a" else scheme
    try:
        filesystem, base = pafs.FileSystem.from_uri(f"{scheme}://{authority}/")
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{uri} can't be opened: {first_line(error)}") from None
    return filesystem, f"{base.rstrip('/')}/{path}".rstrip("/")


def first_line(error: Exception) -> str:
    """The first line with words of what an error says, or its kind where it says nothing."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)
