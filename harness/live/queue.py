"""A queue in which visitors take turns: who asks for much waits for himself, not the others for him."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Round robin among visitors, first come first served within each. Not thread-safe.

    Between two items of one visitor, everyone else who waits all the while is served once.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, deque[Item]] = OrderedDict()  # in the order of turns; none of them empty

    def put(self, visitor: str, item: Item) -> None:
        """Append to a visitor's items; a visitor who had none comes after all others."""
        self._waiting.setdefault(visitor, deque()).append(item)

    def take(self) -> Item | None:
        """The item whose turn it is, or None where nobody waits."""
        if not self._waiting:
            return None
        visitor, items = self._waiting.popitem(last=False)
        item = items.popleft()
        if items:
            self._waiting[visitor] = items
        return item

    def remove(self, item: Item) -> bool:
        """Take an item out of its turn; False where it does not wait."""
        for visitor, items in self._waiting.items():
            if item in items:
                items.remove(item)
                if not items:
                    del self._waiting[visitor]
                return True
        return False

    def __iter__(self) -> Iterator[Item]:
        """All items in the order in which they would be taken if nobody else came."""
        rounds = max((len(items) for items in self._waiting.values()), default=0)
        for turn in range(rounds):
            for items in self._waiting.values():
                if turn < len(items):
                    yield items[turn]

    def __len__(self) -> int:
        return sum(len(items) for items in self._waiting.values())
