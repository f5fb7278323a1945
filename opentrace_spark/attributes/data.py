"""Training data: what a card and its tags disclose, in the four words of the annotation sheet.

Metadata can show that data was disclosed and never that it was not: the sheet's annotators read
card and paper, a missing `datasets` field says only that the field is empty. So nothing named is no
label, and `Not disclosed` is for cards that say themselves that the data is withheld.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from opentrace_spark.attributes.card import tagged, texts
from opentrace_spark.attributes.vocabulary import Vocabulary

NOT_DISCLOSED = "Not disclosed"
PARTIALLY = "Partially disclosed: unavailable"
UNAVAILABLE = "Disclosed: unavailable"
AVAILABLE = "Disclosed: available"

_HUB_NAME = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?")
_ADDRESS = re.compile(r"https?://\S+")


def data_labels(
    tags: tuple[str, ...], card: Mapping[str, Any], words: Vocabulary
) -> tuple[str, ...]:
    """The label of what a model names as its data sets, if any.

    The card's `datasets`, else the `dataset:` tags. A name of the Hub's form or an address says
    where the data is: available. Known data sets that were never published are disclosed and
    unavailable, and so is a list with any of them. A free description, or a withheld set beside
    named ones, is partial. Only withheld: not disclosed. Words that trainers write in place of a
    name (`generator`, `imagefolder`) tell nothing and are passed over.
    """
    names = texts(card.get("datasets")) or tagged(tags, "dataset:")
    kinds = {_kind(name, words) for name in names} - {None}
    if not kinds:
        return ()
    if kinds == {NOT_DISCLOSED}:
        return (NOT_DISCLOSED,)
    if NOT_DISCLOSED in kinds or PARTIALLY in kinds:
        return (PARTIALLY,)
    return (UNAVAILABLE,) if UNAVAILABLE in kinds else (AVAILABLE,)


def _kind(name: str, words: Vocabulary) -> str | None:
    meaning = words.dataset_names.get(name.lower())
    if meaning is not None:
        return {"loader": None, "withheld": NOT_DISCLOSED, "unavailable": UNAVAILABLE}[meaning]
    if _HUB_NAME.fullmatch(name) or _ADDRESS.fullmatch(name):
        return AVAILABLE
    return PARTIALLY
