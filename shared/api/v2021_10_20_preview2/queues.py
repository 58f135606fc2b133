"""Queues on the wire."""

from typing import Any, ClassVar

from shared.api.v2021_10_20_preview2 import resources
from shared.api.v2021_10_20_preview2.definitions import PreviewConfiguration
from shared.api.v2023_11_01 import queues as v2023_11_01
from shared.domain.queues import Queue


class QueueModel(PreviewConfiguration[Queue], v2023_11_01.QueueModel):
    """Defined as in 2023-11-01."""

    answer: ClassVar[Any] = resources.JobQueue
