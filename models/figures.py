"""Figures: what a vendor sold, was booked for and worked, by day, week and month.

They are shadows of the ledgers: `app.operations.figures` works them out and says what each number
means. Days are the vendor's; a week begins on its Monday, a month on its first. Money is the
installation's. An id of 0 stands for none.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from sqlalchemy import CheckConstraint, Index, Integer, Numeric, SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, OwnedByVendor, one_of
from models.orders import LineKind
from models.services import ServiceKind
from models.words import Channel

Sum = Annotated[Decimal, mapped_column(Numeric(24, 2))]
"""Amounts of many, which may each be as large as an amount can be."""


class Grain(StrEnum):
    """How long the time is that a row sums up; the days are the truth, the others their sums."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class KeptGrain(StrEnum):
    """How long the time of a row is where long periods are asked for often: quarters as well.

    They are read in place of three months each, and never shown as such.
    """

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"


UNASSIGNED = "unassigned"
"""The kind of money that was given back for no line."""

SOLD = (*(kind.value for kind in LineKind), UNASSIGNED)
"""The kinds of what is sold and given back."""


class Figures(Base):
    """A row of sums, known by what it sums up: nothing refers to it, and it has no id.

    Nor does it refer to anything: it is written from rows that do, millions at a time.
    """

    __abstract__ = True

    has_quarters: ClassVar[bool] = False
    """Whether there are rows of quarters beside those of days, weeks and months."""

    id = None  # type: ignore[assignment]
    vendor_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, sort_order=-4)
    grain: Mapped[str] = mapped_column(primary_key=True, sort_order=-3)
    starts_on: Mapped[date] = mapped_column(primary_key=True, sort_order=-2)


class Sold:
    """What was sold and what was given back; all without tax, but for the tax itself.

    `net` is `gross` less `discount`, and is no less for what is given back: that stands in
    `refunded`, on its own day. Revenue is `net` less `refunded`.
    """

    lines: Mapped[int] = mapped_column(Integer, sort_order=10)
    quantity: Mapped[int] = mapped_column(Integer, sort_order=11)
    returned: Mapped[int] = mapped_column(Integer, sort_order=12, comment="pieces that came back")
    gross: Mapped[Sum] = mapped_column(sort_order=13)
    discount: Mapped[Sum] = mapped_column(sort_order=14)
    net: Mapped[Sum] = mapped_column(sort_order=15)
    tax: Mapped[Sum] = mapped_column(sort_order=16)
    cost: Mapped[Sum] = mapped_column(sort_order=17)
    refunded: Mapped[Sum] = mapped_column(sort_order=18)
    refunded_tax: Mapped[Sum] = mapped_column(sort_order=19)


class ItemFigures(Sold, Figures):
    """What each service, product, package and plan brought; fees, shipping and tips have no item.

    `item_id` is that of the service, product (not the variant), package or plan, as `kind` says.
    """

    __tablename__ = "item_figures"
    __table_args__ = (
        one_of("grain", KeptGrain),
        one_of("channel", Channel),
        CheckConstraint(f"kind IN {SOLD}", name="kind_known"),
        Index(None, "grain", "kind", "starts_on"),
    )
    has_quarters = True

    kind: Mapped[str] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)


class SaleFigures(Sold, Figures):
    """The same sums without the item."""

    __tablename__ = "sale_figures"
    __table_args__ = (
        one_of("grain", KeptGrain),
        one_of("channel", Channel),
        CheckConstraint(f"kind IN {SOLD}", name="kind_known"),
        Index(None, "grain", "starts_on"),
    )
    has_quarters = True

    kind: Mapped[str] = mapped_column(primary_key=True)
    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)


class OrderFigures(Figures):
    """Orders that count, on the day they were fulfilled.

    `total` and `shipping` are with tax, before anything was given back; `discount` is what the
    lines say, with tax or without as the prices are.
    """

    __tablename__ = "order_figures"
    __table_args__ = (
        one_of("grain", Grain), one_of("channel", Channel), Index(None, "grain", "starts_on"),
    )  # fmt: skip

    channel: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int] = mapped_column(Integer)
    with_customer: Mapped[int] = mapped_column(Integer)
    total: Mapped[Sum]
    discount: Mapped[Sum]
    shipping: Mapped[Sum]


LEADS = (0, 1, 2, 4, 8, 15, 31)
"""From so many days on, each up to the next: how long before their day bookings are made."""


class Booked:
    """Bookings on the day they begin, whatever became of them; offers are none.

    `late` are those called off that cost a fee. `seats` and `minutes` are of those that were not
    cancelled, `value` is the price of the completed ones, `lost` that of the cancelled and the
    missed, `fees` what is owed for these. `lead_N` are those not cancelled that were made `N` days
    before their day or more (`LEADS`); no `lead` knows what was imported, or noted afterwards.
    """

    bookings: Mapped[int] = mapped_column(Integer, sort_order=20)
    open: Mapped[int] = mapped_column(Integer, sort_order=21)
    completed: Mapped[int] = mapped_column(Integer, sort_order=22)
    cancelled: Mapped[int] = mapped_column(Integer, sort_order=23)
    late: Mapped[int] = mapped_column(Integer, sort_order=24)
    no_shows: Mapped[int] = mapped_column(Integer, sort_order=25)
    seats: Mapped[int] = mapped_column(Integer, sort_order=26)
    minutes: Mapped[int] = mapped_column(Integer, sort_order=27)
    value: Mapped[Sum] = mapped_column(sort_order=28)
    lost: Mapped[Sum] = mapped_column(sort_order=29)
    fees: Mapped[Sum] = mapped_column(sort_order=30)
    lead_0: Mapped[int] = mapped_column(Integer, sort_order=31, comment="made on the day itself")
    lead_1: Mapped[int] = mapped_column(Integer, sort_order=32)
    lead_2: Mapped[int] = mapped_column(Integer, sort_order=33)
    lead_4: Mapped[int] = mapped_column(Integer, sort_order=34)
    lead_8: Mapped[int] = mapped_column(Integer, sort_order=35)
    lead_15: Mapped[int] = mapped_column(Integer, sort_order=36)
    lead_31: Mapped[int] = mapped_column(Integer, sort_order=37)


class BookingFigures(Booked, Figures):
    """What was booked, by service."""

    __tablename__ = "booking_figures"
    __table_args__ = (
        one_of("grain", KeptGrain),
        one_of("kind", ServiceKind),
        one_of("channel", Channel),
        Index(None, "grain", "starts_on"),
    )
    has_quarters = True

    service_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)


class StaffFigures(Figures):
    """Bookings by who does them; `staff_id` 0 is nobody.

    `minutes` are those not cancelled; of a class they count once, however many come.
    """

    __tablename__ = "staff_figures"
    __table_args__ = (
        one_of("grain", Grain), one_of("channel", Channel), Index(None, "grain", "starts_on"),
    )  # fmt: skip

    staff_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)
    bookings: Mapped[int] = mapped_column(Integer)
    completed: Mapped[int] = mapped_column(Integer)
    cancelled: Mapped[int] = mapped_column(Integer)
    no_shows: Mapped[int] = mapped_column(Integer)
    minutes: Mapped[int] = mapped_column(Integer)
    value: Mapped[Sum]


class StaffHours(Figures):
    """How long each member of staff could be booked: working hours less breaks and time off."""

    __tablename__ = "staff_hours"
    __table_args__ = (one_of("grain", Grain), Index(None, "grain", "starts_on"))

    staff_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    available_minutes: Mapped[int] = mapped_column(Integer)


class HourFigures(Figures):
    """Bookings by the hour they begin, on the wall of the vendor; a class's minutes count once."""

    __tablename__ = "hour_figures"
    __table_args__ = (
        one_of("grain", Grain),
        one_of("channel", Channel),
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_is_one_of_seven"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour_is_of_a_day"),
        Index(None, "grain", "starts_on"),
    )

    weekday: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)
    bookings: Mapped[int] = mapped_column(Integer)
    no_shows: Mapped[int] = mapped_column(Integer)
    minutes: Mapped[int] = mapped_column(Integer)


class VendorFigures(Figures):
    """What a vendor's business came to, all together: a row a day, week and month.

    Sums of the sales, orders and bookings above, for pages that look at every vendor at once.
    `revenue` is net less refunded, `bookings` are those not cancelled. With `cancelled` they are
    all there were.
    """

    __tablename__ = "vendor_figures"
    __table_args__ = (one_of("grain", Grain), Index(None, "grain", "starts_on"))

    revenue: Mapped[Sum]
    orders: Mapped[int] = mapped_column(Integer)
    bookings: Mapped[int] = mapped_column(Integer)
    completed: Mapped[int] = mapped_column(Integer)
    no_shows: Mapped[int] = mapped_column(Integer)
    cancelled: Mapped[int] = mapped_column(Integer)


class StaleDay(OwnedByVendor, Base):
    """A day of a vendor whose figures are to be worked out anew: the database notes it, with `at`.

    Without a day it is all of the vendor's. Where its clock was changed, `waits_for` is not null:
    zero, then the number of the first transaction that has surely seen that. The same day may be
    noted many times: whoever books must wait for nobody who books on the same day.
    """

    __tablename__ = "stale_days"

    day: Mapped[date | None]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
    waits_for: Mapped[int | None]
