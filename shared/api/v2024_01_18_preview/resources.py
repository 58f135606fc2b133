"""The shapes of answers, as far as they differ from 2023-11-01."""

from typing import NotRequired, TypedDict

from pydantic import with_config

from shared.api.v2023_11_01 import resources as v2023_11_01
from shared.api.v2023_11_01.resources import CLOSED, Int32


@with_config(CLOSED)
class RouterWorker(v2023_11_01.RouterWorker, TypedDict):
    maxConcurrentOffers: NotRequired[Int32]
