"""Licenses: one spelling, SPDX identifier, class of the paper's Table 1, OSI's verdict.

Identifiers are the Hub's (documentation page "Licenses"); classes follow section 4.1 of the paper:
does a license allow any use, ask for credit, forbid some uses, or forbid commerce. The decision for
each, with its reason, is in conf/licenses.csv; approved are those of the Open Source Initiative.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from opentrace_spark.attributes.card import tagged, texts
from opentrace_spark.attributes.vocabulary import License, Vocabulary

STRICTEST_FIRST = (
    "non_commercial",
    "acceptable_use_policy",
    "other",
    "attribution",
    "open_use",
    "undocumented",
)
"""Under several licenses a model counts by the strictest: all of them may bind its user."""

_ONLY, _LATER = "-only", "-or-later"
"""How SPDX says whether later versions of a license are allowed, too."""
_SPACES = re.compile(r"[\s_]+")
_NON_COMMERCIAL = re.compile(
    r"(?:^|[-.])(?:non-?commercial|nc|research-(?:use-)?only|academic-only)(?:[-.]|$)"
)
"""Names that say it themselves, of licenses that authors name in their own words."""
_UNSPECIFIC = ("other", "unknown")


@dataclass(frozen=True)
class LicenseFacts:
    """A model's licenses; `spdx` only where one license is named and SPDX lists it.

    `written` is the first as card or tags spell it, before `license_name` is looked at.
    """

    written: str | None
    names: tuple[str, ...]
    spdx: str | None
    license_class: str
    is_osi_approved: bool | None


UNDOCUMENTED = LicenseFacts(None, (), None, "undocumented", None)


def license_facts(
    tags: tuple[str, ...], card: Mapping[str, Any], words: Vocabulary
) -> LicenseFacts:
    """What card and tags say of the license: the card where it names one, else `license:` tags.

    Where the card says `other`, its `license_name` tells which. No license is `undocumented`, as is
    `unknown`; a name that nobody lists is `other`.
    """
    said = texts(card.get("license")) or tagged(tags, "license:")
    if not said:
        return UNDOCUMENTED
    named = texts(card.get("license_name"))
    names = [_spelling(name) for name in said]
    if named and all(name in _UNSPECIFIC for name in names):
        names = [_spelling(name) for name in named]
    licenses = [_lookup(name, words) for name in dict.fromkeys(names)]
    classes = {license.license_class for license in licenses}
    return LicenseFacts(
        written=said[0],
        names=tuple(dict.fromkeys(license.hub_id for license in licenses)),
        spdx=licenses[0].spdx if len(licenses) == 1 else None,
        license_class=next(name for name in STRICTEST_FIRST if name in classes),
        is_osi_approved=(
            None
            if classes == {"undocumented"}
            else all(license.is_osi_approved for license in licenses)
        ),
    )


def license_by_name(name: str, words: Vocabulary) -> License | None:
    """The listed license of a name: the Hub's or the SPDX identifier, in any case.

    SPDX tells `GPL-3.0-or-later` from `GPL-3.0-only`, the Hub does not: the first is listed as the
    second, and keeps its own identifier.
    """
    spelled = _spelling(name)
    if spelled in words.licenses:
        return words.licenses[spelled]
    listed = spelled.removesuffix(_LATER) + (_ONLY if spelled.endswith(_LATER) else "")
    by_spdx = (each for each in words.licenses.values() if (each.spdx or "").lower() == listed)
    found = next(by_spdx, None)
    if found is None or not found.spdx or listed == spelled:
        return found
    return replace(found, spdx=found.spdx.removesuffix(_ONLY) + _LATER)


def _lookup(name: str, words: Vocabulary) -> License:
    listed = license_by_name(name, words)
    if listed is not None:
        return listed
    kind = "non_commercial" if _NON_COMMERCIAL.search(name) else "other"
    return License(name, None, kind, is_osi_approved=False)


def _spelling(name: str) -> str:
    return _SPACES.sub("-", name.strip().lower())
