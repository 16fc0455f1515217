"""Countries and time zones by the names people know them by."""

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import get_timezone_name

from app.settings import settings


@lru_cache(maxsize=1)
def countries() -> tuple[tuple[str, str], ...]:
    """`(ISO code, name)` of every country, by name."""
    names = Locale.parse(settings().locale).territories
    real = ((str(c), str(n)) for c, n in names.items() if len(c) == 2 and c.isalpha())
    return tuple(sorted((p for p in real if p[0] not in _NOT_COUNTRIES), key=lambda p: p[1]))


_NOT_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"})


@lru_cache(maxsize=1)
def zones() -> tuple[tuple[str, str], ...]:
    """`(IANA name, "Lisbon, Western European Time")` of every zone with a place in its name."""
    return tuple(sorted((z, _zone_name(z)) for z in available_timezones() if _is_place(z)))


def _is_place(zone: str) -> bool:
    return zone == "UTC" or ("/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/")))


def _zone_name(zone: str) -> str:
    if zone == "UTC":
        return "UTC, Coordinated Universal Time"
    place = zone.rsplit("/", 1)[1].replace("_", " ")
    return f"{place}, {get_timezone_name(ZoneInfo(zone), locale=settings().locale)}"


def country_name(code: str | None) -> str:
    """Portugal, for PT; an unknown code is shown as it is."""
    return dict(countries()).get(code or "", code or "")


def zone_name(zone: str | None) -> str:
    """Lisbon, Western European Time, for Europe/Lisbon; an unknown zone as it is."""
    return dict(zones()).get(zone or "", zone or "")
