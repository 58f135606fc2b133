"""Sets of small integers as the bits of one integer: intersection is ``&``, the least is cheap."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence


def bitset(positions: Sequence[int]) -> int:
    """The set of the positions, which must ascend. Takes linear time."""
    if not positions:
        return 0
    octets = bytearray((positions[-1] >> 3) + 1)
    for position in positions:
        octets[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(octets, "little")


def inverted[K: Hashable](keys_of_each: Iterable[Iterable[K]]) -> dict[K, int]:
    """For each key the set of the positions at which it occurs."""
    positions: defaultdict[K, list[int]] = defaultdict(list)
    for position, keys in enumerate(keys_of_each):
        for key in keys:
            positions[key].append(position)
    return {key: bitset(found) for key, found in positions.items()}


def lowest(bits: int) -> int:
    """The least member of a set that is not empty."""
    return (bits & -bits).bit_length() - 1


def members(bits: int) -> Iterator[int]:
    """The members, descending: from that end each takes least time."""
    while bits:
        greatest = bits.bit_length() - 1
        yield greatest
        bits ^= 1 << greatest
