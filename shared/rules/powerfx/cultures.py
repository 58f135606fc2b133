"""How languages write numbers and dates, as far as it matters for reading them."""

from dataclasses import dataclass

from shared.rules.powerfx.values import failed


@dataclass(frozen=True, slots=True)
class Culture:
    """``groups``: the characters that may stand between thousands. ``day_first``: in dates."""

    point: str = "."
    groups: str = ","
    day_first: bool = False


ENGLISH = Culture()
_SPACES = " \u00a0\u202f"
_COMMA_AND_POINT = Culture(",", ".", day_first=True)
_COMMA_AND_SPACE = Culture(",", _SPACES, day_first=True)
_CULTURES = {
    "en": ENGLISH,
    "en-gb": Culture(day_first=True),
    "en-au": Culture(day_first=True),
    "en-ie": Culture(day_first=True),
    "en-in": Culture(day_first=True),
    "en-nz": Culture(day_first=True),
    "ja": ENGLISH,
    "ko": ENGLISH,
    "zh": ENGLISH,
    "da": _COMMA_AND_POINT,
    "de": _COMMA_AND_POINT,
    "de-ch": Culture(".", "'\u2019", day_first=True),
    "el": _COMMA_AND_POINT,
    "es": _COMMA_AND_POINT,
    "es-mx": Culture(day_first=True),
    "id": _COMMA_AND_POINT,
    "it": _COMMA_AND_POINT,
    "nl": _COMMA_AND_POINT,
    "pt": _COMMA_AND_POINT,
    "pt-pt": _COMMA_AND_SPACE,
    "ro": _COMMA_AND_POINT,
    "sl": _COMMA_AND_POINT,
    "tr": _COMMA_AND_POINT,
    "vi": _COMMA_AND_POINT,
    "bg": _COMMA_AND_SPACE,
    "cs": _COMMA_AND_SPACE,
    "fi": _COMMA_AND_SPACE,
    "fr": _COMMA_AND_SPACE,
    "hu": _COMMA_AND_SPACE,
    "nb": _COMMA_AND_SPACE,
    "pl": _COMMA_AND_SPACE,
    "ru": _COMMA_AND_SPACE,
    "sk": _COMMA_AND_SPACE,
    "sv": _COMMA_AND_SPACE,
    "uk": _COMMA_AND_SPACE,
}


def culture_of(tag: str) -> Culture:
    """The culture of a language tag such as ``de`` or ``en-GB``.

    :raises Failed: with ``BadLanguageCode``, the language is not known.
    """
    lower = tag.strip().lower()
    language = lower.partition("-")[0]
    found = _CULTURES.get(lower) or _CULTURES.get(language)
    if found is None:
        raise failed("BadLanguageCode", f"The language '{tag}' is not known.")
    return found
