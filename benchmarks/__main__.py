"""All benchmarks, one after the other: ``make bench``."""

from benchmarks import lifecycle, planner, request_units, store_operations, wait_times

if __name__ == "__main__":
    for benchmark in (planner, wait_times, store_operations, request_units, lifecycle):
        benchmark.main()
