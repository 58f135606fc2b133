"""All benchmarks, one after the other: ``make bench``."""

from benchmarks import lifecycle, planner, request_units, store_operations

if __name__ == "__main__":
    for benchmark in (planner, store_operations, request_units, lifecycle):
        benchmark.main()
