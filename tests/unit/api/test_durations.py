import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.api.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1M", 60),
        ("PT90S", 90),
        ("PT1M30.5S", 90.5),
        ("P1DT2H3M4S", 93784),
        ("P2W", 1209600),
        ("P7D", 604800),
        ("PT0S", 0),
        ("PT36H", 129600),
        ("00:01:00", 60),
        ("23:59:59.9999999", 86399.9999999),
        ("1.02:03:04", 93784),
    ],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1DT",
        "PT1",
        "1M",
        "-PT1M",
        "PT-1M",
        "pt1m",
        "P1Y",
        "P1M",
        "P1W1D",
        "PT1S1M",
        "PT1.5M",
        "PT.5S",
        "PT1M ",
        "00:60:00",
        "00:00:60",
        "24:00:00",
        "1:00:00",
        "00:01",
        "00:00:01.12345678",
        "PT٣S",
        "PT12345678901S",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Not a duration, such as"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "PT0S"),
        (0.25, "PT0.25S"),
        (60, "PT1M"),
        (90.5, "PT1M30.5S"),
        (86400, "P1D"),
        (93784.0, "P1DT2H3M4S"),
        (36000.0, "PT10H"),
        (1e-7, "PT0.0000001S"),
    ],
)
def test_durations_are_written(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.floats(min_value=0, max_value=2**31) | st.integers(0, 2**31))
@example(5e-324)
def test_what_is_written_is_read_as_it_was(seconds: float) -> None:
    assert parse_duration(format_duration(seconds)) == seconds
