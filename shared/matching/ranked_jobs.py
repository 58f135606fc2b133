"""Waiting jobs along their rank, in blocks of which each knows its jobs as a set.

So the best of many matches is found without looking at all of them, and no job has to change its
bit when others come or go.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from operator import attrgetter

from shared.domain.jobs import Job
from shared.matching.bitsets import bitset, members
from shared.matching.ranking import JobRank

BLOCK_SIZE = 512
"""Jobs a block takes before it is cut in two."""

FEW = 8
"""Up to so many matches are compared with each other; of more one comes early in the ranking."""

_RANK = attrgetter("rank")
_FIRST_RANK = attrgetter("first_rank")


class Entry:
    """``slot``: the job's bit in all sets."""

    __slots__ = ("job", "rank", "slot")

    def __init__(self, rank: JobRank, job: Job, slot: int) -> None:
        self.rank = rank
        self.job = job
        self.slot = slot


class RankedJobs:
    """Slots are given out here, and used again when their job has gone."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._by_slot: dict[int, Entry] = {}
        self._free_slots: list[int] = []

    def add(self, rank: JobRank, job: Job) -> Entry:
        slot = self._free_slots.pop() if self._free_slots else len(self._by_slot)
        entry = self._by_slot[slot] = Entry(rank, job, slot)
        self._add_to_block(entry)
        return entry

    def remove(self, entry: Entry) -> None:
        place = self._place_of(entry.rank)
        self._blocks[place].remove(entry)
        if not self._blocks[place].entries:
            del self._blocks[place]
        del self._by_slot[entry.slot]
        self._free_slots.append(entry.slot)

    def sorted(self, matches: int) -> Iterator[Job]:
        """The jobs in these slots by rank; lazily if they are many."""
        if self._are_few(matches):
            yield from self._sorted_few(matches)
            return
        for block in self._blocks:
            found = matches & block.slots
            if found:
                few = found.bit_count() <= FEW
                yield from self._sorted_few(found) if few else block.filtered(found)
                matches ^= found
                if not matches:
                    return

    def _are_few(self, matches: int) -> bool:
        # To count a long set takes time; what the first block has is found soon anyway.
        return not matches or (not matches & self._blocks[0].slots and matches.bit_count() <= FEW)

    def _add_to_block(self, entry: Entry) -> None:
        if not self._blocks:
            self._blocks.append(Block([]))
        place = self._place_of(entry.rank)
        block = self._blocks[place]
        block.add(entry)
        if len(block.entries) >= BLOCK_SIZE:
            self._blocks[place : place + 1] = block.halves()

    def _place_of(self, rank: JobRank) -> int:
        """Which block holds the rank or would."""
        return bisect_right(self._blocks, rank, lo=1, key=_FIRST_RANK) - 1

    def _sorted_few(self, matches: int) -> Iterator[Job]:
        entries = sorted((self._by_slot[slot] for slot in members(matches)), key=_RANK)
        return (entry.job for entry in entries)


class Block:
    """Jobs of neighbouring ranks."""

    __slots__ = ("entries", "slots")

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = list(entries)
        self.slots = bitset(sorted(entry.slot for entry in entries))

    @property
    def first_rank(self) -> JobRank:
        return self.entries[0].rank

    def add(self, entry: Entry) -> None:
        insort(self.entries, entry, key=_RANK)
        self.slots |= 1 << entry.slot

    def remove(self, entry: Entry) -> None:
        del self.entries[bisect_left(self.entries, entry.rank, key=_RANK)]
        self.slots ^= 1 << entry.slot

    def halves(self) -> "tuple[Block, Block]":
        middle = len(self.entries) // 2
        return Block(self.entries[:middle]), Block(self.entries[middle:])

    def filtered(self, slots: int) -> Iterator[Job]:
        return (entry.job for entry in self.entries if slots >> entry.slot & 1)
