"""Which name of a catalogue a title says: by the words that both have, of which a rare one says more than a common one (inverse document frequency)."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

# Of all that both say, weighed, at least so much is the same; and the next best has less by at least so much.
LEAST, AHEAD = 0.5, 0.1
_WORDS = re.compile(r"[^\W_]+")
# Han, kana and hangul are written without blanks: two signs in a row are a word.
_UNSPACED = re.compile(r"[぀-ヿ㐀-䶿一-鿿가-힯]+")


def words(text: str) -> frozenset[str]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    found = set(_WORDS.findall(_UNSPACED.sub(" ", plain)))
    for run in _UNSPACED.findall(plain):
        found.update(run[place : place + 2] for place in range(max(1, len(run) - 1)))
    return frozenset(found)


def closest(titles: Mapping[str, str], names: Mapping[int, str]) -> dict[str, int]:
    """The one name that is close enough to a title, by the titles' keys; nothing where two are about as close."""
    said = {key: words(name) for key, name in names.items()}
    counts = Counter(word for each in said.values() for word in each)
    having: dict[str, list[int]] = {}
    wanted = {word for title in titles.values() for word in words(title)}
    for key, each in said.items():
        for word in each & wanted:
            having.setdefault(word, []).append(key)

    def weight(of: Iterable[str]) -> float:
        return sum(math.log(1 + len(said) / (counts[word] or 1)) for word in of)

    found: dict[str, int] = {}
    for title_key, title in titles.items():
        mine = words(title)
        near = {key for word in mine for key in having.get(word, ())}
        scores = sorted(((weight(mine & said[key]) / weight(mine | said[key]), key) for key in near), reverse=True)
        if scores and scores[0][0] >= LEAST and (len(scores) == 1 or scores[0][0] - scores[1][0] >= AHEAD):
            found[title_key] = scores[0][1]
    return found
