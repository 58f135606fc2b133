"""The waiting jobs of one queue and channel; see ``waiting_index``.

Jobs are cut into segments along their rank. A segment has the bitsets that say who suits whom, and
its jobs again in blocks along their rank, of which each knows its bits: so the best of many matches
is found without looking at all of them, and no job has to change its bit for another.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

from shared.domain.jobs import Job
from shared.domain.labels import satisfies
from shared.matching.bitsets import bitset, members
from shared.matching.label_column import LabelToken
from shared.matching.ranking import JobRank
from shared.matching.scoring import Condition, condition

SEGMENT_SIZE = 4096
"""Jobs a segment takes before it is cut in two. More: longer bitsets; fewer: more segments."""

BLOCK_SIZE = 128
"""Jobs a block takes before it is cut in two."""

FEW = 8
"""Up to so many matches are compared with each other; of more one comes early in the ranking."""

CACHED_LABELS = 32
"""For so many values of a label a segment remembers who fails; enough for levels and regions."""

type Tokens = Mapping[str, LabelToken]
"""A worker's labels."""


class Entry:
    """A job in its lane. ``slot``: its bit in all sets of its segment."""

    __slots__ = ("job", "rank", "slot")

    def __init__(self, rank: JobRank, job: Job) -> None:
        self.rank = rank
        self.job = job
        self.slot = 0


_RANK = attrgetter("rank")
_FIRST_RANK = attrgetter("first_rank")


@dataclass(frozen=True, slots=True)
class Search:
    """What a worker looks for in a lane: jobs with so many ``offers`` open that suit its labels.

    ``labels`` ``None``: the selectors do not matter.
    """

    labels: Tokens | None
    offers: range


class Lane:
    """Segments in the order of their jobs' ranks."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []

    def __bool__(self) -> bool:
        return bool(self._segments)

    def add(self, entry: Entry) -> None:
        if not self._segments:
            self._segments.append(Segment([]))
        place = _place_of(entry.rank, self._segments)
        segment = self._segments[place]
        segment.add(entry)
        if segment.is_full:
            self._segments[place : place + 1] = segment.halves()

    def remove(self, rank: JobRank) -> None:
        place = _place_of(rank, self._segments)
        self._segments[place].remove(rank)
        if not self._segments[place]:
            del self._segments[place]

    def search(self, search: Search) -> Iterator[tuple[JobRank, Entry | None]]:
        """The matching jobs by rank; and before a segment is looked at, the rank it begins with.

        A caller who follows several lanes thus looks at no segment before it has to.
        """
        if not search.offers:
            return
        for segment in self._segments:
            yield segment.first_rank, None
            for entry in segment.search(search):
                yield entry.rank, entry


class Segment:
    """Jobs of neighbouring ranks, and the sets of them that a search combines."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        """``entries``: by rank, with their slots. Their sets are still to be filled."""
        blocks = range(0, len(entries), BLOCK_SIZE // 2)
        self._blocks = [Block(entries[i : i + BLOCK_SIZE // 2]) for i in blocks]
        self._by_slot = {entry.slot: entry for entry in entries}
        self._free_slots = [i for i in reversed(range(SEGMENT_SIZE)) if i not in self._by_slot]
        self._by_offers: dict[int, int] = {}
        self._demands: dict[str, Demands] = {}

    def __bool__(self) -> bool:
        return bool(self._blocks)

    @property
    def first_rank(self) -> JobRank:
        return self._blocks[0].first_rank

    @property
    def is_full(self) -> bool:
        return not self._free_slots

    def add(self, entry: Entry) -> None:
        entry.slot = self._free_slots.pop()
        self._by_slot[entry.slot] = entry
        self._add_to_block(entry)
        self._flip(entry)

    def remove(self, rank: JobRank) -> None:
        place = _place_of(rank, self._blocks)
        entry = self._blocks[place].remove(rank)
        if not self._blocks[place].entries:
            del self._blocks[place]
        del self._by_slot[entry.slot]
        self._free_slots.append(entry.slot)
        self._flip(entry)

    def halves(self) -> "tuple[Segment, Segment]":
        """Two segments in place of this one, in which the jobs keep their slots."""
        entries = [entry for block in self._blocks for entry in block.entries]
        middle = len(entries) // 2
        return self._part(entries[:middle]), self._part(entries[middle:])

    def search(self, search: Search) -> Iterator[Entry]:
        """The matching jobs by rank."""
        matches = self._with_offers(search.offers)
        if matches and search.labels is not None:
            matches ^= matches & self._failed_by(search.labels)
        if matches.bit_count() <= FEW:
            return iter(sorted((self._by_slot[slot] for slot in members(matches)), key=_RANK))
        return (entry for block in self._blocks for entry in block.by_rank(matches))

    def _add_to_block(self, entry: Entry) -> None:
        if not self._blocks:
            self._blocks.append(Block([]))
        place = _place_of(entry.rank, self._blocks)
        block = self._blocks[place]
        block.add(entry)
        if len(block.entries) >= BLOCK_SIZE:
            self._blocks[place : place + 1] = block.halves()

    def _flip(self, entry: Entry) -> None:
        """Add the job to the sets it belongs to, or take it out of them."""
        bit = 1 << entry.slot
        offers = len(entry.job.offers)
        self._by_offers[offers] = self._by_offers.get(offers, 0) ^ bit
        for asked in {condition(s) for s in entry.job.selectors if s.is_active}:
            self._demands.setdefault(asked[0], Demands()).flip(bit, asked)

    def _part(self, entries: Sequence[Entry]) -> "Segment":
        part = Segment(entries)
        kept = bitset(sorted(part._by_slot))
        part._by_offers = {count: jobs & kept for count, jobs in self._by_offers.items()}
        part._demands = {key: demands.of(kept) for key, demands in self._demands.items()}
        return part

    def _with_offers(self, counts: range) -> int:
        found = 0
        for count, jobs in self._by_offers.items():
            if count in counts:
                found |= jobs
        return found

    def _failed_by(self, labels: Tokens) -> int:
        """The jobs of which a worker with these labels fails a condition."""
        failed = 0
        for key, demands in self._demands.items():
            label = labels.get(key)
            known = demands.known.get(label)
            failed |= demands.failed_by(label) if known is None else known
        return failed


class Block:
    """Jobs of neighbouring ranks within a segment: sorted, and as a set of their slots."""

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

    def remove(self, rank: JobRank) -> Entry:
        entry = self.entries.pop(bisect_left(self.entries, rank, key=_RANK))
        self.slots ^= 1 << entry.slot
        return entry

    def halves(self) -> "tuple[Block, Block]":
        middle = len(self.entries) // 2
        return Block(self.entries[:middle]), Block(self.entries[middle:])

    def by_rank(self, matches: int) -> Iterator[Entry]:
        """Those of its jobs that are among the matches of a search."""
        found = matches & self.slots
        if not found:
            return
        for entry in self.entries:
            if found >> entry.slot & 1:
                yield entry


class Demands:
    """What a segment's jobs ask of one label."""

    __slots__ = ("_asking", "known")

    def __init__(self) -> None:
        self._asking: dict[Condition, int] = {}
        self.known: dict[LabelToken | None, int] = {}
        """What ``failed_by`` has found since the last change."""

    def flip(self, job: int, asked: Condition) -> None:
        """Note that the job asks this, or that it does no longer."""
        asking = self._asking.pop(asked, 0) ^ job
        if asking:
            self._asking[asked] = asking
        self.known.clear()

    def of(self, jobs: int) -> "Demands":
        """What these jobs ask."""
        part = Demands()
        part._asking = {a: asking & jobs for a, asking in self._asking.items() if asking & jobs}
        return part

    def failed_by(self, label: LabelToken | None) -> int:
        """The jobs of which a worker with this label (``None``: without) fails a condition."""
        if len(self.known) >= CACHED_LABELS:
            self.known.clear()
        failed = self.known[label] = self._evaluate(label)
        return failed

    def _evaluate(self, label: LabelToken | None) -> int:
        value = None if label is None else label[1]
        failed = 0
        for (_, operator, demanded, _), jobs in self._asking.items():
            if not satisfies(value, operator, demanded):
                failed |= jobs
        return failed


def _place_of(rank: JobRank, parts: "Sequence[Segment] | Sequence[Block]") -> int:
    """Which of the parts, sorted and at least one, holds the rank or would."""
    return bisect_right(parts, rank, lo=1, key=_FIRST_RANK) - 1
