"""Languages that a model was made for: codes of ISO 639 from its card, else from its tags.

The Hub writes a card's languages among all other tags as bare codes, so a tag is believed by what
conf/languages.csv says of its code: `plain` ones stand for themselves; `support` ones spell another
word, too (`min`, `gan`, `sd`), and need other languages beside them; `card` ones are names of
programming languages, believed in a card only, for the Hub tags file formats with the same words
(`rust` is a file of weights). Above 50 languages the annotation sheet has the one word
`multilingual` (appendix E).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from opentrace_spark.attributes.card import texts
from opentrace_spark.attributes.vocabulary import Vocabulary

SUPPORT = 2
"""So many other languages make a doubtful tag a language; one does for a model that translates."""

_VARIETY = re.compile(r"([a-z]{2,3})[-_](?:[A-Z][a-z]{3}|[A-Z]{2}|[0-9]{3}|(?:br|cn|tw|hk|us|gb))")
"""A language with a script or region, such as zh-Hant, pt-br or eng_Latn."""


def language_labels(
    tags: tuple[str, ...], card: Mapping[str, Any], words: Vocabulary
) -> tuple[str, ...]:
    """The languages of a model in byte order; none where none is named.

    `multilingual` stands alone, for more than 50 languages or where it is the only word: beside
    languages that are named it tells no more than they do.
    """
    said = {_canonical(code, words) for code in _card_codes(card)} - {None}
    found = {code for code in said or _tagged(tags, words) if code}
    many, several = _several(words)
    named = found - {many}
    if len(named) > several:
        return (many,)
    return tuple(sorted(named or found))


def language_label(cell: str, words: Vocabulary) -> str | None:
    """The language of one entry of an annotation: a code, or a programming language's name."""
    return _canonical(cell, words)


def _several(words: Vocabulary) -> tuple[str, int]:
    attribute = words.attributes["language"]
    return attribute.many or "multilingual", attribute.several or 50


def _card_codes(card: Mapping[str, Any]) -> tuple[str, ...]:
    value = card.get("language")
    values = value if isinstance(value, (list, tuple)) else [value]
    # YAML 1.1 reads the code of Norwegian, no, as false.
    return texts(["no" if each is False else each for each in values])


def _canonical(word: str, words: Vocabulary) -> str | None:
    known = words.languages.get(word.lower())
    if known is None and (variety := _VARIETY.fullmatch(word)):
        known = words.languages.get(variety.group(1))
    return known.canonical if known else None


def _tagged(tags: tuple[str, ...], words: Vocabulary) -> set[str]:
    """Tags count in lower case only: the Hub writes codes so, authors other words as they like."""
    plain: set[str] = set()
    doubtful: set[str] = set()
    for tag in tags:
        known, variety = words.languages.get(tag), None
        if known is None and ("-" in tag[2:4] or "_" in tag[2:4]):
            variety = _VARIETY.fullmatch(tag)
            known = words.languages.get(variety.group(1)) if variety else None
        if known is None or known.evidence == "card":
            continue
        # A region makes clear that a language is meant.
        sure = known.evidence == "plain" or variety is not None
        (plain if sure else doubtful).add(known.canonical)
    languages = plain - {_several(words)[0], "code"}
    needed = 1 if "translation" in tags else SUPPORT
    return plain | doubtful if len(languages) >= needed else plain
