"""Figures of people: who works in the house, who buys, where they live and what they like.

Shadows like those of `models.figures`, and never of one person: no customer stands in them. The
marketplace's own rows, sums of all vendors, have 0 for their vendor.
"""

from sqlalchemy import CheckConstraint, Index, Integer, PrimaryKeyConstraint, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from models.base import one_of
from models.figures import Figures, Grain, Sum
from models.words import Channel, InterestKind

EVERYWHERE = 0
"""The vendor of sums over all of them, and of what is done in none."""

ANY_CHANNEL, ANY_CATEGORY = "", -1
"""Channel and category of the rows that sum up all channels, and all categories."""

SORTS = ("kind", "service", "product")
"""What a customer can prefer: a kind of thing, a category of services, one of products."""


class UserFigures(Figures):
    """What each person who signs in has done: how often, never what. `app.operations.activity`.

    `sign_ins` are log-ins; `made`, `changed` and `removed` count entries of the audit trail.
    `answered` are requests for a booking that this person confirmed or refused, and
    `answer_minutes` how long all these had waited.
    """

    __tablename__ = "user_figures"
    __table_args__ = (one_of("grain", Grain), Index(None, "grain", "starts_on"))

    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sign_ins: Mapped[int] = mapped_column(Integer)
    made: Mapped[int] = mapped_column(Integer)
    changed: Mapped[int] = mapped_column(Integer)
    removed: Mapped[int] = mapped_column(Integer)
    answered: Mapped[int] = mapped_column(Integer)
    answer_minutes: Mapped[int]


class WaitFigures(Figures):
    """Who joined the waitlist on a day, and what became of it by now: `app.operations.demand`.

    `weekday` is that of the class or of the one day that was wanted, 8 where any of several days
    would do. `offered` were offered something once or more; `waiting` wait or hold an offer,
    `expired` waited in vain to the end, `left_it` were taken out of the line.
    """

    __tablename__ = "wait_figures"
    __table_args__ = (
        one_of("grain", Grain),
        one_of("channel", Channel),
        CheckConstraint("weekday BETWEEN 1 AND 8", name="weekday_is_one_of_seven_or_any"),
        Index(None, "grain", "starts_on"),
    )

    service_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    weekday: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True)
    joined: Mapped[int] = mapped_column(Integer)
    offered: Mapped[int] = mapped_column(Integer)
    booked: Mapped[int] = mapped_column(Integer)
    waiting: Mapped[int] = mapped_column(Integer)
    expired: Mapped[int] = mapped_column(Integer)
    left_it: Mapped[int] = mapped_column(Integer)


class ByFirst:
    """Figures of customers by the channel and the category of their first purchase (0: of none).

    Whatever somebody buys later, these stay: so each customer is counted once in each channel and
    each category, too, which by those of every single purchase they could not be. Who never bought
    anything is known by how they came. What all channels, all categories, and both come to stands
    beside them (`ANY_CHANNEL`, `ANY_CATEGORY`), so that no page adds up what it does not tell
    apart: of a question one channel is read, or any, and one category, or any.
    """

    channel: Mapped[str] = mapped_column(primary_key=True, comment="empty: all of them")
    category_id: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="0: of none, -1: all of them"
    )


def _by_first(*keys: str) -> tuple[CheckConstraint, PrimaryKeyConstraint]:
    """What is asked for stands in the key before the time: months of one channel lie together."""
    known = ", ".join(f"'{word}'" for word in (ANY_CHANNEL, *Channel))
    return (
        CheckConstraint(f"channel IN ({known})", name="channel_known"),
        PrimaryKeyConstraint(
            "vendor_id", "grain", "channel", "category_id", "starts_on", *keys
        ),
    )  # fmt: skip


class ActiveFigures(ByFirst, Figures):
    """Customers who bought something in a month, by how soon they did again.

    `next_in` is the number of months to their next one, 0 while there is none. So customers of
    any months that follow each other are counted once each: by the last of their months in there.
    """

    __tablename__ = "active_figures"
    __table_args__ = (
        one_of("grain", Grain),
        *_by_first("next_in"),
        Index(None, "grain", "channel", "category_id", "starts_on"),
    )

    next_in: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    customers: Mapped[int] = mapped_column(Integer)
    newcomers: Mapped[int] = mapped_column(Integer, comment="whose first month it is")
    days: Mapped[int] = mapped_column(Integer)
    visits: Mapped[int] = mapped_column(Integer)
    orders: Mapped[int] = mapped_column(Integer)
    revenue: Mapped[Sum]


class PlaceFigures(ByFirst, Figures):
    """The same by where customers live: the newest of their addresses that has a city or a code.

    `area` is the front of the postal code: two digits, or the letters it begins with. Who has no
    address stands at a place without any words.
    """

    __tablename__ = "place_figures"
    __table_args__ = (
        one_of("grain", Grain),
        *_by_first("country", "city_key", "area", "next_in"),
    )

    country: Mapped[str] = mapped_column(primary_key=True)
    city_key: Mapped[str] = mapped_column(primary_key=True)
    area: Mapped[str] = mapped_column(primary_key=True)
    next_in: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    city: Mapped[str] = mapped_column(comment="as it is written")
    customers: Mapped[int] = mapped_column(Integer)
    visits: Mapped[int] = mapped_column(Integer)
    orders: Mapped[int] = mapped_column(Integer)
    services: Mapped[Sum]
    products: Mapped[Sum]
    other: Mapped[Sum]


class PreferenceFigures(Figures):
    """Customers by what they spend most on, in the month in which they last bought anything.

    `sort` says what is told apart: kinds of things, categories of services, or of products; a
    customer stands once in each sort in which they bought. `spent` and `times` are what they
    spent on the favourite and how often, `revenue` what on everything, ever.
    """

    __tablename__ = "preference_figures"
    __table_args__ = (
        one_of("grain", Grain),
        one_of("kind", InterestKind),
        one_of("channel", Channel),
        CheckConstraint(f"sort IN {SORTS}", name="sort_known"),
        Index(None, "grain", "starts_on"),
    )

    sort: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    category_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    channel: Mapped[str] = mapped_column(primary_key=True, comment="how the customer came first")
    customers: Mapped[int] = mapped_column(Integer)
    times: Mapped[int]
    spent: Mapped[Sum]
    revenue: Mapped[Sum]


class EngagementFigures(ByFirst, Figures):
    """People by the number of vendors they bought from in the months that end with this one.

    `span` is how many months these are; `vendors` is 1, 2, or 3 for three and more. A person
    counts once, with as many files as they have; a file that leads to no person is one. The first
    purchase is the first of all their files.
    """

    __tablename__ = "engagement_figures"
    __table_args__ = (
        one_of("grain", Grain),
        CheckConstraint("vendors BETWEEN 1 AND 3", name="vendors_are_one_to_three"),
        CheckConstraint("span > 0", name="span_is_positive"),
        *_by_first("span", "vendors"),
        Index(None, "grain", "starts_on"),
    )

    span: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    vendors: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    people: Mapped[int] = mapped_column(Integer)
    files: Mapped[int] = mapped_column(Integer)
    days: Mapped[int] = mapped_column(Integer)
    visits: Mapped[int] = mapped_column(Integer)
    orders: Mapped[int] = mapped_column(Integer)
    revenue: Mapped[Sum]
