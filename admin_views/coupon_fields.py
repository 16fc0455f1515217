"""What the form of a coupon is made of: things it is about, hours of the week."""

from typing import Any

from sqlalchemy.orm import Session

from admin_views.forms import Saving
from admin_views.lines import Cell
from admin_views.loaders import Records
from admin_views.lookups import ALL_PRODUCTS, ALL_SERVICES, CATEGORIES, VARIANTS
from admin_views.picks import Picks
from app.errors import DomainError
from app.operations.coupon_keeping import Thing
from app.operations.coupon_terms import WEEKDAYS
from app.tenancy import current_actor
from models.coupons import CouponTarget

FIRST, LAST = "00:00", "24:00"


class Things:
    """Whatever a coupon can be about; its id is the kind and the number: `service:12`."""

    PARTS: tuple[tuple[str, Records], ...] = (
        ("service", ALL_SERVICES),
        ("product", ALL_PRODUCTS),
        ("variant", VARIANTS),
        ("category", CATEGORIES),
    )

    def search(self, session: Session, term: str) -> list[dict[str, Any]]:
        """The first few of each kind."""
        return [
            {**line, "id": f"{kind}:{line['id']}", "hint": " · ".join(_hint(kind, line))}
            for kind, part in self.PARTS
            for line in part.search(session, term)[:4]
        ][:12]

    def find(self, session: Session, value: str) -> tuple[str, Any] | None:
        """`(kind, record)` behind a posted value."""
        kind, _, number = value.partition(":")
        part = next((p for k, p in self.PARTS if k == kind), None)
        found = None if part is None else part.find(session, number)
        return None if found is None else (kind, found)

    def text(self, found: tuple[str, Any]) -> str:
        """What the picker shows."""
        return str(found[1])


def _hint(kind: str, line: dict[str, Any]) -> list[str]:
    return [kind, *([line["hint"]] if line.get("hint") else [])]


THINGS = Things()


class ThingPicks(Picks):
    """Several things, a row each; kept as kinds and ids, each once."""

    def kept(self, value: Any, context: Saving) -> Any:
        """The things, in their order; one that is not the vendor's is refused."""
        things: dict[Thing, None] = {}
        for posted, _ in value or ():
            found = self.lookup.find(context.session, posted)
            owner = None if found is None else getattr(found[1], "vendor_id", None)
            if found is None or owner not in (None, current_actor().vendor_id):
                raise DomainError(
                    "This one is not here: choose one from the list.", field=self.name
                )
            things[found[0], found[1].id] = None
        return list(things)


def shown(targets: list[CouponTarget]) -> list[tuple[str, str]]:
    """What a coupon is about, as its form shows it: ids and names."""
    return [(f"{kind}:{number}", str(one)) for one in targets for kind, number in [thing(one)]]


def thing(target: CouponTarget) -> Thing:
    """The kind and the id of what a target names."""
    named = {
        kind: getattr(target, f"{kind}_id")
        for kind in ("service", "product", "variant", "category")
    }
    return next((kind, number) for kind, number in named.items() if number is not None)


def read_day(text: str) -> int:
    """1 for Monday, mon or 1."""
    wanted = text.strip().casefold()
    for number, name in enumerate(WEEKDAYS, start=1):
        if wanted == str(number) or (len(wanted) >= 2 and name.casefold().startswith(wanted)):
            return number
    raise ValueError("write a day of the week, such as Tuesday.")


def read_time(text: str) -> str:
    """10:00 for 10, 10:00 or 10.00; 24:00 is the end of the day."""
    hours, _, minutes = text.replace(".", ":").partition(":")
    minutes = minutes or "00"
    plain = hours.isascii() and minutes.isascii() and hours.isdecimal() and minutes.isdecimal()
    if not plain or len(hours) > 2 or len(minutes) != 2:
        raise ValueError("write a time like 10:00.")
    said = f"{int(hours):02d}:{minutes}"
    if not FIRST <= said <= LAST or int(minutes) > 59:
        raise ValueError("write a time from 00:00 to 24:00.")
    return said


HOURS = (
    Cell("day", "Day", read_day, lambda n: WEEKDAYS[n - 1], wanted=True),
    Cell("from", "From", read_time, str, wanted=True),
    Cell("until", "Until", read_time, str, wanted=True),
)
