"""The shipped vocabulary, read once."""

from __future__ import annotations

import pytest

from opentrace_spark.attributes.vocabulary import Vocabulary, shipped_vocabulary


@pytest.fixture(scope="session")
def words() -> Vocabulary:
    return shipped_vocabulary()
