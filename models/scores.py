"""Scores: how recently, how often and for how much customers buy, and what follows from it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Date,
    Index,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Belonging, Money, OwnedByVendor, one_of, same_vendor
from models.customers import Customer

Sum = Annotated[Decimal, mapped_column(Numeric(16, 2), server_default="0")]
"""An amount of many customers together."""
Times = Annotated[Decimal, mapped_column(Numeric(14, 4))]
"""How often something is expected."""
Share = Annotated[Decimal, mapped_column(Numeric(9, 8))]
Parameter = Annotated[Decimal, mapped_column(Numeric(24, 10))]
Change = Annotated[Decimal, mapped_column(Numeric(16, 6))]


class RfmSegment(StrEnum):
    """The groups of customers by recency, frequency and money, the best first."""

    CHAMPIONS = "champions"
    LOYAL = "loyal"
    POTENTIAL = "potential_loyalist"
    NEW = "new"
    PROMISING = "promising"
    ATTENTION = "needs_attention"
    SLEEPY = "about_to_sleep"
    AT_RISK = "at_risk"
    CANT_LOSE = "cant_lose"
    HIBERNATING = "hibernating"
    LOST = "lost"


RFM_NAMES: Mapping[str, str] = {
    RfmSegment.CHAMPIONS.value: "Champions",
    RfmSegment.LOYAL.value: "Loyal",
    RfmSegment.POTENTIAL.value: "May become loyal",
    RfmSegment.NEW.value: "New",
    RfmSegment.PROMISING.value: "Promising",
    RfmSegment.ATTENTION.value: "Needs attention",
    RfmSegment.SLEEPY.value: "About to sleep",
    RfmSegment.AT_RISK.value: "At risk",
    RfmSegment.CANT_LOSE.value: "Not to be lost",
    RfmSegment.HIBERNATING.value: "Hibernating",
    RfmSegment.LOST.value: "Lost",
}
"""What people call them, on every screen."""


class ModelSource(StrEnum):
    """Of whom a model was fitted: this vendor's customers, all of the marketplace, or of nobody."""

    OWN = "own"
    MARKETPLACE = "marketplace"
    NONE = "none"


class CustomerMonth(Belonging, Base):
    """What a customer did and brought in one month of the vendor's calendar.

    Money is without tax and less what was given back in that month. `days` are those with a visit
    or an order; a month in which money was only given back has none. Only
    `app.operations.score_keeping` writes it.
    """

    __tablename__ = "customer_months"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        UniqueConstraint("vendor_id", "customer_id", "month"),
        CheckConstraint("EXTRACT(day FROM month) = 1", name="month_is_its_first_day"),
    )

    customer_id: Mapped[int] = mapped_column()
    month: Mapped[date]
    visits: Mapped[int] = mapped_column(server_default="0")
    orders: Mapped[int] = mapped_column(server_default="0")
    days: Mapped[int] = mapped_column(server_default="0")
    services: Mapped[Money] = mapped_column(server_default="0")
    products: Mapped[Money] = mapped_column(server_default="0")
    other: Mapped[Money] = mapped_column(server_default="0")


class CustomerScore(OwnedByVendor, Base):
    """What a customer's purchases so far come to, and what the models make of them.

    A purchase is a day with a visit or an order: `bought_on`, in order, and in `bought_for` what
    each brought, without tax, less whatever was given back of it since. `repeat_value` is the mean
    of the days after the first. All that is kept as things happen; `as_of` and what stands below
    it is worked out every night, of customers who are neither archived nor forgotten.
    Quintiles are 1 (worst) to 5. `value_12m` is what is expected within twelve months, discounted.
    """

    __tablename__ = "customer_scores"
    __table_args__ = (
        same_vendor("customer_id", "customers"),
        UniqueConstraint("vendor_id", "customer_id"),
        one_of("segment", RfmSegment),
        CheckConstraint("days > 0 AND cardinality(bought_on) = days", name="days_are_listed"),
        CheckConstraint(
            "cardinality(bought_for) = cardinality(bought_on)", name="each_day_has_its_money"
        ),
        CheckConstraint("last_on >= first_on", name="last_is_not_before_first"),
        CheckConstraint(
            "r BETWEEN 1 AND 5 AND f BETWEEN 1 AND 5 AND m BETWEEN 1 AND 5",
            name="quintiles_are_five",
        ),
        CheckConstraint("p_alive BETWEEN 0 AND 1", name="p_alive_is_a_chance"),
        Index(None, "vendor_id", "segment", "customer_id"),
        Index(
            "ix_customer_scores_vendor_segment_revenue",
            "vendor_id",
            "segment",
            text("revenue DESC"),
            "customer_id",
        ),
        Index(None, "vendor_id", "first_on"),
        Index(None, "vendor_id", "second_on", postgresql_where=text("second_on IS NOT NULL")),
        Index(None, "vendor_id", "last_on"),
        Index(None, "vendor_id", "first_channel"),
        Index(None, "second_on", postgresql_where=text("second_on IS NOT NULL")),
        Index(None, "last_on"),
    )

    customer_id: Mapped[int] = mapped_column()
    first_on: Mapped[date]
    second_on: Mapped[date | None]
    last_on: Mapped[date]
    days: Mapped[int]
    visits: Mapped[int]
    orders: Mapped[int]
    revenue: Mapped[Money]
    repeat_value: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    first_channel: Mapped[str]
    first_category_id: Mapped[int] = mapped_column(server_default="0", comment="0: of none")
    bought_on: Mapped[list[date]] = mapped_column(ARRAY(Date))
    bought_for: Mapped[list[Decimal]] = mapped_column(ARRAY(Numeric(12, 2)))
    as_of: Mapped[date | None]
    recency_days: Mapped[int | None]
    r: Mapped[int | None]
    f: Mapped[int | None]
    m: Mapped[int | None]
    segment: Mapped[str | None]
    p_alive: Mapped[Share | None]
    expected_12m: Mapped[Times | None] = mapped_column(comment="purchases within twelve months")
    value_12m: Mapped[Money | None]

    customer: Mapped[Customer] = relationship(foreign_keys=[customer_id])


class CohortFigure(OwnedByVendor, Base):
    """Customers who bought in a week or month, and for how much, by when they first bought.

    `starts_on` is the week or month they bought in, `age` how many weeks or months that is after
    their first one (`cohort`). Channel and category are those of the first purchase (0: none).
    """

    __tablename__ = "cohort_figures"
    __table_args__ = (
        UniqueConstraint(
            "vendor_id",
            "grain",
            "starts_on",
            "cohort",
            "channel",
            "category_id",
            name="uq_cohort_figures_key",
        ),
        CheckConstraint("grain IN ('week', 'month')", name="grain_known"),
    )

    grain: Mapped[str]
    cohort: Mapped[date]
    age: Mapped[int]
    starts_on: Mapped[date]
    channel: Mapped[str]
    category_id: Mapped[int]
    customers: Mapped[int]
    revenue: Mapped[Sum]


class MarketCohort(Base):
    """The same of the whole marketplace: a person with files at several vendors is one customer."""

    __tablename__ = "market_cohorts"
    __table_args__ = (
        UniqueConstraint(
            "grain", "starts_on", "cohort", "channel", "category_id", name="uq_market_cohorts_key"
        ),
        CheckConstraint("grain IN ('week', 'month')", name="grain_known"),
    )

    grain: Mapped[str]
    cohort: Mapped[date]
    age: Mapped[int]
    starts_on: Mapped[date]
    channel: Mapped[str]
    category_id: Mapped[int]
    customers: Mapped[int]
    revenue: Mapped[Sum]


class _Grouped:
    """Segments as they stood at the end of a month, or stand now in this one.

    `revenue` is all that these customers had brought by then. What was expected of the `valued`
    among them is known from the month before the first night on; `variance` is that of their
    value together.
    """

    month: Mapped[date]
    as_of: Mapped[date]
    segment: Mapped[str]
    channel: Mapped[str]
    category_id: Mapped[int]
    customers: Mapped[int]
    days: Mapped[int]
    recency_days: Mapped[int] = mapped_column(comment="of all of them together")
    revenue: Mapped[Sum]
    valued: Mapped[int] = mapped_column(server_default="0")
    alive: Mapped[Times] = mapped_column(server_default="0")
    expected_12m: Mapped[Times] = mapped_column(server_default="0")
    value_12m: Mapped[Sum]
    variance: Mapped[Decimal] = mapped_column(Numeric(24, 4), server_default="0")


class ScoreFigure(_Grouped, OwnedByVendor, Base):
    __doc__ = _Grouped.__doc__
    __tablename__ = "score_figures"
    __table_args__ = (
        UniqueConstraint(
            "vendor_id",
            "month",
            "segment",
            "channel",
            "category_id",
            name="uq_score_figures_key",
        ),
        one_of("segment", RfmSegment),
    )


class MarketScoreFigure(_Grouped, Base):
    """The same of the whole marketplace, added up: everybody is ranked among a vendor's own."""

    __tablename__ = "market_score_figures"
    __table_args__ = (
        UniqueConstraint(
            "month", "segment", "channel", "category_id", name="uq_market_score_figures_key"
        ),
        one_of("segment", RfmSegment),
    )


class SegmentMove(OwnedByVendor, Base):
    """From which segment to which customers went in a month; `none`: they had not bought yet."""

    __tablename__ = "segment_moves"
    __table_args__ = (
        UniqueConstraint(
            "vendor_id",
            "month",
            "was",
            "became",
            "channel",
            "category_id",
            name="uq_segment_moves_key",
        ),
        one_of("became", RfmSegment),
    )

    month: Mapped[date]
    was: Mapped[str]
    became: Mapped[str]
    channel: Mapped[str]
    category_id: Mapped[int]
    customers: Mapped[int]


class _Reach:
    """Distinct customers of some days; `channel` and `category_id` are of their first purchase.

    A purchase is a day with a visit or an order. `new_customers` bought for the first time in these
    days, `returning_customers` had bought before; `repeat_customers` bought on two or more of them.
    Of the `mature`, whose first purchase was in these days and long enough ago, `mature_repeat`
    came back in time. Kept for the offered periods up to `as_of` and those they are compared with.
    """

    starts_on: Mapped[date]
    ends_on: Mapped[date]
    as_of: Mapped[date]
    channel: Mapped[str]
    category_id: Mapped[int]
    customers: Mapped[int] = mapped_column(server_default="0")
    new_customers: Mapped[int] = mapped_column(server_default="0")
    returning_customers: Mapped[int] = mapped_column(server_default="0")
    repeat_customers: Mapped[int] = mapped_column(server_default="0")
    purchases: Mapped[int] = mapped_column(server_default="0")
    new_revenue: Mapped[Sum]
    returning_revenue: Mapped[Sum]
    mature: Mapped[int] = mapped_column(server_default="0")
    mature_repeat: Mapped[int] = mapped_column(server_default="0")


class ReachFigure(_Reach, OwnedByVendor, Base):
    __doc__ = _Reach.__doc__
    __tablename__ = "reach_figures"
    __table_args__ = (
        UniqueConstraint(
            "vendor_id",
            "starts_on",
            "ends_on",
            "channel",
            "category_id",
            name="uq_reach_figures_key",
        ),
    )


class MarketReach(_Reach, Base):
    """The same of the whole marketplace: a person with files at several vendors is one customer."""

    __tablename__ = "market_reach"
    __table_args__ = (
        UniqueConstraint(
            "starts_on", "ends_on", "channel", "category_id", name="uq_market_reach_key"
        ),
    )


class _Model:
    """The models of purchases (BG/NBD: r, alpha, a, b) and of spending (Gamma-Gamma: p, q, v).

    Unit of time is the week. `customers` they were fitted to, of whom `repeaters` bought again;
    empty parameters: they were too few. `as_of` is the day up to which everything is worked out.
    What changed against the night of `since` is told by `app.operations.score_drift`.
    """

    as_of: Mapped[date]
    customers: Mapped[int] = mapped_column(server_default="0")
    repeaters: Mapped[int] = mapped_column(server_default="0")
    source: Mapped[str] = mapped_column(server_default="none")
    r: Mapped[Parameter | None]
    alpha: Mapped[Parameter | None]
    a: Mapped[Parameter | None]
    b: Mapped[Parameter | None]
    log_likelihood: Mapped[Decimal | None] = mapped_column(Numeric(20, 4))
    p: Mapped[Parameter | None]
    q: Mapped[Parameter | None]
    v: Mapped[Parameter | None]
    money_log_likelihood: Mapped[Decimal | None] = mapped_column(Numeric(20, 4))
    since: Mapped[date | None]
    groups_moved: Mapped[Change | None]
    people_change: Mapped[Change | None]
    buying_change: Mapped[Change | None]
    spending_change: Mapped[Change | None]
    is_sharp: Mapped[bool] = mapped_column(server_default="false")


class ScoreModel(_Model, OwnedByVendor, Base):
    __doc__ = _Model.__doc__
    __tablename__ = "score_models"
    __table_args__ = (UniqueConstraint("vendor_id"), one_of("source", ModelSource))


class MarketModel(_Model, Base):
    """The models of all customers of the marketplace: for vendors who have too few of their own."""

    __tablename__ = "market_models"
    __table_args__ = (one_of("source", ModelSource),)
