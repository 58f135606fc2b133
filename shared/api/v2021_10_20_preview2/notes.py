"""Notes on the wire: a map from times to texts."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

from shared.api.timestamps import format_time, parse_time
from shared.api.wire import Text, refuse
from shared.domain.job_definition import Note

_BELOW_MICROSECONDS: Final = re.compile(r"(?<=\.[0-9]{6})[0-9]+")


def _time(text: str) -> str:
    try:
        _parsed(text)
    except ValueError as error:
        raise refuse(str(error)) from None
    return text


type NoteTime = Annotated[
    str, AfterValidator(_time), WithJsonSchema({"type": "string", "format": "date-time"})
]
type NoteMap = dict[NoteTime, Text]


def notes_from(texts: Mapping[str, str]) -> tuple[Note, ...]:
    return tuple(Note(message=text, added_at=_parsed(time)) for time, text in texts.items())


def notes_by_time(notes: Iterable[Note]) -> dict[str, str]:
    """Of several notes with the same time, each but the first is told a nanosecond later."""
    texts: dict[str, str] = {}
    same: Counter[datetime] = Counter()
    for note in notes:
        texts[_key(note.added_at, same[note.added_at])] = note.message
        same[note.added_at] += 1
    return texts


def _key(at: datetime, nanoseconds: int) -> str:
    if not nanoseconds:
        return format_time(at)
    microseconds = at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{microseconds}{nanoseconds:03}+00:00"


def _parsed(text: str) -> datetime:
    # The router's own times have nothing there but what tells keys apart.
    return parse_time(_BELOW_MICROSECONDS.sub("", text))
