"""What was typed into the calendar's forms, read; each refusal names the field it belongs to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from admin_views.loaders import record_id
from admin_views.saving import zone_named
from app.errors import DomainError
from app.operations.zones import EARLIEST, LATEST, instant

_WALL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:00)?")
_NUMBER = re.compile(r"[0-9]{1,11}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOST_NIGHTS = 365
_FIRST = datetime(EARLIEST, 1, 1, tzinfo=UTC).timestamp()
_LAST = datetime(LATEST, 1, 1, tzinfo=UTC).timestamp()

FIELDS = {
    "customer_id": "customer", "phone": "customer", "name": "customer", "full_name": "customer",
    "service_id": "service", "class_session_id": "service", "staff_id": "staff",
    "starts_at": "starts", "ends_at": "ends",
}  # fmt: skip
"""A rule's word for a value -> the field of our forms that it was typed into."""


class NoTime(DomainError):
    sentence = "This is no time: choose a day and an hour."


class NoDay(DomainError):
    sentence = "This is no day: choose the day on which they come."


class NoSuchNights(DomainError):
    sentence = f"A stay has from 1 to {MOST_NIGHTS} nights: say how many."


class NotThere(DomainError):
    sentence = "This one is not here: choose one from the list."


@dataclass(frozen=True)
class Typed:
    """A posted form; what is missing is empty."""

    values: Mapping[str, str]
    zone: str = "UTC"

    def text(self, name: str) -> str | None:
        """Words, or None when nothing was typed."""
        return self.values.get(name, "").strip() or None

    def number(self, name: str) -> int | None:
        """The id that was chosen, or None for none; refuses with `NotThere`."""
        said = self.text(name)
        if said in (None, "0"):
            return None
        found = record_id(said)
        if found is None:
            raise NotThere(field=name)
        return found

    def moment(self, name: str) -> datetime | None:
        """An instant in seconds, as the page's scripts send it; refuses with `NoTime`."""
        said = self.text(name)
        if said is None:
            return None
        if not _NUMBER.fullmatch(said) or not _FIRST <= int(said) < _LAST:
            raise NoTime(field=name)
        return datetime.fromtimestamp(int(said), UTC)

    def day(self, name: str) -> datetime | None:
        """Midnight of the day that was chosen, without a zone; refuses with `NoDay`."""
        said = self.text(name)
        if said is None:
            return None
        try:
            if not _DAY.fullmatch(said):
                raise ValueError
            return datetime.fromisoformat(said)
        except ValueError:
            raise NoDay(field=name) from None

    def nights(self, name: str = "nights") -> int:
        """How many nights, one unless said; refuses with `NoSuchNights`."""
        said = self.text(name) or "1"
        if not re.fullmatch(r"[0-9]{1,3}", said) or not 1 <= int(said) <= MOST_NIGHTS:
            raise NoSuchNights(field=name)
        return int(said)

    def wall(self, name: str, exact: str = "") -> datetime:
        """The instant of a wall time. Of an hour that comes twice `exact` tells which is meant."""
        said = self.text(name) or ""
        if not _WALL.fullmatch(said):
            raise NoTime(field=name)
        try:
            local = datetime.fromisoformat(said).replace(second=0)
        except ValueError:
            raise NoTime(field=name) from None
        pressed = self.moment(exact) if exact else None
        if pressed and pressed.astimezone(zone_named(self.zone)).replace(tzinfo=None) == local:
            return pressed
        return instant(local, self.zone, field=name)


def who(said: str | None) -> dict[str, str | None]:
    """A name or a number, by what it looks like."""
    words = " ".join((said or "").split())
    if not words:
        return {}
    looks_dialled = not re.search(r"[^\W\d_]", words) and len(re.findall(r"\d", words)) > 4
    return {"phone": words} if looks_dialled else {"name": words}
