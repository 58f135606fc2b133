"""What requests cost, in request units (RU): a model, of the prices that are published.

The service bills what it measures and publishes only these prices: "Optimize request cost in Azure
Cosmos DB" (learn.microsoft.com/azure/cosmos-db/optimize-cost-reads-writes), called [1] below.
"""

from collections.abc import Iterable

from tests.cosmos.items import Item

# [1]: a point read of 1 KB costs 1 RU, of 100 KB 10 RU.
READ_1_KB, READ_100_KB = 1.0, 10.0
# [1]: inserting 1 KB without indexing costs around 5.5 RU; writing 100 KB costs 50 RU.
INSERT_1_KB, INSERT_100_KB = 5.5, 50.0
# [1]: replacing an item costs two times the charge required to insert the same item.
REPLACE_PER_INSERT = 2.0
# Not published. [1] says that the properties to index add to the charge of a write; inserts of
# 1 KB under the default policy are commonly measured at 6 to 10 RU for some 5 to 25 properties.
INDEXED_TERM = 0.2
# Not published. The least that an index-served query is commonly measured at, for each partition
# key range that it visits; "find the request unit charge" shows such answers.
QUERY = 2.3
# [1]: a query that returns a thousand items of 1 KB costs 1,000 RU, so an item costs what reading
# it costs. That is the published price; measured ones are lower.

_KB = 1024


def read_charge(size: int) -> float:
    """Of a point read, for an item of so many bytes; also of one that finds nothing."""
    return _between(READ_1_KB, READ_100_KB, size)


def create_charge(item: Item) -> float:
    return _insert(item) + INDEXED_TERM * len(item.terms)


def replace_charge(before: Item, after: Item) -> float:
    """Only the terms that change are written to the index."""
    return REPLACE_PER_INSERT * _insert(after) + INDEXED_TERM * len(before.terms ^ after.terms)


def delete_charge(item: Item) -> float:
    """As of the insert, for want of a published price. Expiry by ttl takes only spare units."""
    return create_charge(item)


def query_charge(loaded: Iterable[Item]) -> float:
    """Of one page from one range, for the items that had to be loaded for it."""
    return QUERY + sum(read_charge(len(item.body)) for item in loaded)


def _insert(item: Item) -> float:
    return _between(INSERT_1_KB, INSERT_100_KB, len(item.body))


def _between(at_1_kb: float, at_100_kb: float, size: int) -> float:
    kilobytes = max(1.0, size / _KB)
    return at_1_kb + (kilobytes - 1) * (at_100_kb - at_1_kb) / 99
