"""Figures of the whole marketplace: the sums of all vendors, so that nobody adds up each of them.

They are shadows of the vendors' figures (`models.figures`, which say what each number means), and
`app.operations.market_figures` works them out. A day is that of each vendor's own calendar.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import CheckConstraint, Integer, SmallInteger, func
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, one_of
from models.figures import (
    SOLD,
    Booked,
    BookingFigures,
    Figures,
    Grain,
    HourFigures,
    ItemFigures,
    SaleFigures,
    Sold,
    StaffFigures,
    StaffHours,
)
from models.marketing_figures import AttachFigures
from models.words import Channel


class LongGrain(StrEnum):
    """How long the time of a row of many things is; quarters and years are never shown as such."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class MarketFigures(Base):
    """A row of sums over all vendors, known by what it sums up; no vendor reads it."""

    __abstract__ = True

    of: ClassVar[type[Figures]]
    """The vendors' table that is added up."""

    grains: ClassVar[tuple[str, ...]] = ("day", "week", "month")
    """How long the times of its rows are; the first are added up of the vendors', and the others
    of the first."""

    id = None  # type: ignore[assignment]  # known by what it sums up, as `models.figures.Figures`
    grain: Mapped[str] = mapped_column(primary_key=True, sort_order=-3)
    starts_on: Mapped[date] = mapped_column(primary_key=True, sort_order=-2)


class MarketSaleFigures(Sold, MarketFigures):
    """What was sold and given back, as `SaleFigures`."""

    of = SaleFigures
    __tablename__ = "market_sale_figures"
    __table_args__ = (
        one_of("grain", Grain),
        one_of("channel", Channel),
        CheckConstraint(f"kind IN {SOLD}", name="kind_known"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)


class MarketItemFigures(Sold, MarketFigures):
    """What each service, product, package and plan brought, as `ItemFigures`, of all channels.

    Of whole months, quarters and years only: no vendor's item is added up with another's, and of a
    day there is little to add up.
    """

    of = ItemFigures
    grains = tuple(grain.value for grain in LongGrain)
    __tablename__ = "market_item_figures"
    __table_args__ = (
        CheckConstraint(f"grain IN {grains}", name="grain_known"),
        CheckConstraint(f"kind IN {SOLD}", name="kind_known"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    vendor_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class MarketAttachFigures(MarketFigures):
    """How often a product was bought beside a service, as `AttachFigures`, of all channels.

    Of whole months, quarters and years only, as the items.
    """

    of = AttachFigures
    grains = MarketItemFigures.grains
    __tablename__ = "market_attach_figures"
    __table_args__ = (CheckConstraint(f"grain IN {grains}", name="grain_known"),)

    vendor_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    service_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    orders: Mapped[int] = mapped_column(Integer)
    with_product: Mapped[int] = mapped_column(Integer)


class MarketBookingFigures(Booked, MarketFigures):
    """Bookings, as `BookingFigures`, without the service."""

    of = BookingFigures
    __tablename__ = "market_booking_figures"
    __table_args__ = (one_of("grain", Grain), one_of("channel", Channel))

    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)


class MarketStaffFigures(MarketFigures):
    """Bookings that somebody in particular does, as `StaffFigures`; nobody's are left out."""

    of = StaffFigures
    __tablename__ = "market_staff_figures"
    __table_args__ = (one_of("grain", Grain), one_of("channel", Channel))

    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)
    minutes: Mapped[int]


class MarketStaffHours(MarketFigures):
    """How long all members of staff could be booked, as `StaffHours`."""

    of = StaffHours
    __tablename__ = "market_staff_hours"
    __table_args__ = (one_of("grain", Grain),)

    available_minutes: Mapped[int]


class MarketHourFigures(MarketFigures):
    """Bookings by the hour they begin on the wall of each vendor, as `HourFigures`."""

    of = HourFigures
    __tablename__ = "market_hour_figures"
    __table_args__ = (
        one_of("grain", Grain),
        one_of("channel", Channel),
        CheckConstraint("weekday BETWEEN 1 AND 7", name="weekday_is_one_of_seven"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour_is_of_a_day"),
    )

    weekday: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    hour: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)
    bookings: Mapped[int]
    no_shows: Mapped[int]
    minutes: Mapped[int]


class StaleMarketDay(Base):
    """A day of which some vendor's figures were worked out anew: noted by whoever did, with `at`.

    The same day may be noted many times.
    """

    __tablename__ = "stale_market_days"

    day: Mapped[date]
    at: Mapped[datetime] = mapped_column(server_default=func.now())
