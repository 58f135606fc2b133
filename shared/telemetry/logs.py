"""Sends the app's logs with the trace that they belong to and the ids that are known there."""

import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, override

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber

from shared.telemetry.names import LOG_EXTRAS
from shared.telemetry.spans import known_ids

LOGGERS: Final = ("functions", "shared")
"""The app's own: what libraries log may hold anything."""

type Value = str | bool | int | float

_SEVERITIES: Final = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class LogSender(logging.Handler):
    def __init__(self, provider: LoggerProvider) -> None:
        super().__init__()
        self._provider = provider

    @override
    def emit(self, record: logging.LogRecord) -> None:
        level = max((each for each in _SEVERITIES if each <= record.levelno), default=logging.DEBUG)
        severity = _SEVERITIES[level]
        self._provider.get_logger(record.name).emit(
            LogRecord(
                timestamp=int(record.created * 1e9),
                severity_number=severity,
                severity_text=severity.name,
                body=record.getMessage(),
                attributes={**known_ids(), **_extras(record), **_exception(record)},
            )
        )


@contextmanager
def sent_logs(provider: LoggerProvider) -> Iterator[None]:
    """The app's logs are sent, besides being written where they are anyway."""
    sender = LogSender(provider)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(sender)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(sender)


def _extras(record: logging.LogRecord) -> dict[str, Value]:
    extras = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {LOG_EXTRAS.get(name, name): _sendable(value) for name, value in extras.items()}


def _sendable(value: object) -> Value:
    return value if isinstance(value, (str, bool, int, float)) else str(value)


def _exception(record: logging.LogRecord) -> Mapping[str, Value]:
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    return {
        "exception.type": record.exc_info[0].__qualname__,
        "exception.stacktrace": "".join(traceback.format_exception(*record.exc_info)),
    }
