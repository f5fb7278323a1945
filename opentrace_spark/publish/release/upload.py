"""Puts a folder on the Hub in one commit: readers see all of it, or what was there before."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import disable_progress_bars, validate_repo_id

import opentrace_spark
from opentrace_spark.errors import ContentError, UsageError
from opentrace_spark.locations import first_line

TOKEN = "HF_TOKEN"
_KINDS = {"dataset": "datasets/", "space": "spaces/"}


def address_of(repo_id: str, kind: str) -> str:
    """The address of a dataset or space. Raises UsageError for what is no ORG/NAME."""
    try:
        validate_repo_id(repo_id)
    except ValueError:
        repo_id = ""
    if repo_id.count("/") != 1:
        raise UsageError("a repository is named ORG/NAME, of letters, digits, -, _ and .")
    return f"{constants.ENDPOINT}/{_KINDS[kind]}{repo_id}"


def check_token() -> str:
    """The token of the environment. Raises UsageError where there is none."""
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        raise UsageError(
            f"publish needs a token that may write, in the environment variable {TOKEN}; "
            "--dry-run --out DIR builds the release without one"
        )
    return token


def upload(folder: Path, repo_id: str, kind: str, message: str, private: bool) -> str:
    """Make the repository where it is not there, and a folder its whole content, in one commit.

    Returns the commit's address. Files of an earlier release that are no longer there are removed
    in the same commit. Raises UsageError where the token may not, ContentError where the Hub fails.
    """
    address = address_of(repo_id, kind)
    if not sys.stderr.isatty():
        disable_progress_bars()  # they would fill logs
    api = HfApi(
        token=check_token(),
        library_name="opentrace-spark",
        library_version=opentrace_spark.__version__,
    )
    with _plain_errors(address):
        api.create_repo(
            repo_id,
            repo_type=kind,
            private=private,
            exist_ok=True,
            space_sdk="static" if kind == "space" else None,
        )
        commit = api.upload_folder(
            repo_id=repo_id,
            repo_type=kind,
            folder_path=folder,
            commit_message=message,
            delete_patterns="*",
        )
    return commit.commit_url


@contextmanager
def _plain_errors(address: str) -> Iterator[None]:
    try:
        yield
    except OfflineModeIsEnabled:
        raise UsageError("HF_HUB_OFFLINE forbids requests; unset it to publish") from None
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        if status in (401, 403):
            raise UsageError(
                f"{address}: the token in {TOKEN} may not write there (status {status}); make one "
                "with write access to it"
            ) from None
        raise _failed(address, error) from None
    except (httpx2.HTTPError, OSError) as error:
        raise _failed(address, error) from None


def _failed(address: str, error: Exception) -> ContentError:
    return ContentError(
        f"{address}: {first_line(error)}; nothing there has changed, run the same again"
    )
