"""Tells how far the work is: a bar on a terminal, a line for each part of it elsewhere."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Track(Protocol):
    def __call__[T](self, items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
        """Gives the items, and tells of each. Without a total nobody knows how many there are."""


@contextmanager
def tracking(stream: TextIO) -> Iterator[Track]:
    if not stream.isatty():
        yield _Lines(stream)
        return
    columns = TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=Console(file=stream)) as progress:
        yield _Bars(progress)


class _Lines:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__[T](self, items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
        count = 0
        for count, item in enumerate(items, start=1):  # noqa: B007
            yield item
        self._stream.write(f"{label}: {count}{'' if total is None else f' of {total}'}\n")


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__[T](self, items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
        task = self._progress.add_task(label, total=total)
        count = 0
        for count, item in enumerate(items, start=1):
            yield item
            self._progress.update(task, completed=count)
        self._progress.update(task, completed=count, total=count)
