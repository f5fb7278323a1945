"""Licenses: what card and tags say, in any spelling, and which class holds."""

from __future__ import annotations

import pytest

from opentrace_spark.attributes.license import UNDOCUMENTED, license_facts
from opentrace_spark.attributes.vocabulary import Vocabulary

CASES = [
    # tags, card, names, spdx, class, approved
    (("license:mit",), {}, ("mit",), "MIT", "open_use", True),
    (("license:mit",), {"license": "gemma"}, ("gemma",), None, "acceptable_use_policy", False),
    ((), {"license": "Apache 2.0"}, ("apache-2.0",), "Apache-2.0", "open_use", True),
    ((), {"license": "GPL-3.0-only"}, ("gpl-3.0",), "GPL-3.0-only", "open_use", True),
    ((), {"license": "other", "license_name": "GPL-3.0-or-later"}, ("gpl-3.0",),
     "GPL-3.0-or-later", "open_use", True),
    ((), {"license": "mit-or-later"}, ("mit-or-later",), None, "other", False),
    ((), {"license": "cc-by-4.0"}, ("cc-by-4.0",), "CC-BY-4.0", "attribution", False),
    ((), {"license": "cc-by-nd-4.0"}, ("cc-by-nd-4.0",), "CC-BY-ND-4.0", "other", False),
    ((), {"license": "other"}, ("other",), None, "other", False),
    ((), {"license": "unknown"}, ("unknown",), None, "undocumented", None),
    ((), {"license": "other", "license_name": "llama4"}, ("llama4",), None,
     "acceptable_use_policy", False),
    ((), {"license": "other", "license_name": "My License"}, ("my-license",), None, "other", False),
    ((), {"license": "other", "license_name": "acme-non-commercial"}, ("acme-non-commercial",),
     None, "non_commercial", False),
    ((), {"license": "other", "license_name": "acme_nc_2"}, ("acme-nc-2",), None,
     "non_commercial", False),
    ((), {"license": "mit", "license_name": "acme"}, ("mit",), "MIT", "open_use", True),
    ((), {"license": "nvidia-nccl"}, ("nvidia-nccl",), None, "other", False),  # nc in a word
    ((), {"license": ["mit", "apache-2.0"]}, ("mit", "apache-2.0"), None, "open_use", True),
    ((), {"license": ["llama3", "cc-by-nc-4.0"]}, ("llama3", "cc-by-nc-4.0"), None,
     "non_commercial", False),
    ((), {"license": ["mit", "unknown"]}, ("mit", "unknown"), None, "open_use", False),
    (("license:mit", "license:other"), {}, ("mit", "other"), None, "other", False),
    (("LICENSE:mit", "mit"), {}, (), None, "undocumented", None),  # no tags of licenses
    (("license:",), {"license": None}, (), None, "undocumented", None),
    ((), {"license": 2.0}, (), None, "undocumented", None),
    ((), {"license": ["mit", None, "MIT "]}, ("mit",), "MIT", "open_use", True),
]  # fmt: skip


@pytest.mark.parametrize(("tags", "card", "names", "spdx", "kind", "approved"), CASES)
def test_license_facts_expected(words: Vocabulary, tags, card, names, spdx, kind, approved) -> None:
    found = license_facts(tags, card, words)
    assert (found.names, found.spdx, found.license_class) == (names, spdx, kind)
    assert found.is_osi_approved is approved


@pytest.mark.parametrize(
    ("card", "written"),
    [
        ({"license": " MIT "}, "MIT"),
        ({"license": [None, "Llama3", "mit"]}, "Llama3"),
        ({"license": "other", "license_name": "acme"}, "other"),
        # What names no license leaves it to the tags.
        ({}, "gemma"),
        ({"license": ""}, "gemma"),
        ({"license": []}, "gemma"),
        ({"license": {"name": "mit"}}, "gemma"),
        ({"license": True}, "gemma"),
    ],
)
def test_license_facts_keep_the_first_as_written(words: Vocabulary, card, written) -> None:
    assert license_facts(("license:gemma",), card, words).written == written


def test_license_facts_of_nothing(words: Vocabulary) -> None:
    assert license_facts((), {}, words) == UNDOCUMENTED


def test_approved_licenses_have_an_spdx_identifier(words: Vocabulary) -> None:
    families = {"lgpl"}  # every version is approved
    for each in words.licenses.values():
        assert each.spdx or not each.is_osi_approved or each.hub_id in families, each


def test_approved_licenses_allow_any_use(words: Vocabulary) -> None:
    approved = {each.license_class for each in words.licenses.values() if each.is_osi_approved}
    assert approved == {"open_use"}


def test_non_commercial_wins_where_a_name_says_so(words: Vocabulary) -> None:
    for each in words.licenses.values():
        if "-nc" in each.hub_id or "noncommercial" in each.hub_id.replace("-", ""):
            assert each.license_class == "non_commercial", each
