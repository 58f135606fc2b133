"""All functions there are: importing their modules declares them."""

from shared.rules.powerfx.functions import (
    arithmetic,
    comparisons,
    conversions,
    dates,
    logic,
    numbers,
    tables,
    text,
)
from shared.rules.powerfx.signatures import FUNCTIONS

MODULES = (arithmetic, comparisons, conversions, dates, logic, numbers, tables, text)

__all__ = ["FUNCTIONS", "MODULES"]
