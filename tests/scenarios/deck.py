"""Chance that can be relied on: what is to go wrong goes wrong as often as it should."""

import random
import threading
from collections.abc import Sequence


class Deck:
    """Cards that are drawn until none is left, and then shuffled again: each is as frequent as it is among them, whatever the dice say."""

    def __init__(self, cards: Sequence[str], dice: random.Random) -> None:
        self._cards, self._dice, self._lock = cards, dice, threading.Lock()
        self._left: list[str] = []

    def draw(self) -> str:
        with self._lock:
            if not self._left:
                self._left = self._dice.sample(self._cards, len(self._cards))
            return self._left.pop()
