"""Pairs: what customers who bought one thing buy too, one row for each thing that follows."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, OwnedByVendor, one_of
from models.words import InterestKind


class ItemPair(OwnedByVendor, Base):
    """Of a vendor's customers who bought an item, the share that bought the next one too.

    `kind` and `item_id` are those of an interest, and so are `next_kind` and `next_id`. `share`
    is of the `customers` with the item, `usual` of all who bought anything; `lift` is the one over
    the other. Worked out each night from a sample by `app.operations.pairs`, which alone writes it.
    """

    __tablename__ = "item_pairs"
    __table_args__ = (
        UniqueConstraint("vendor_id", "kind", "item_id", "next_kind", "next_id"),
        one_of("kind", InterestKind),
        one_of("next_kind", InterestKind),
        CheckConstraint("kind <> next_kind OR item_id <> next_id", name="two_different_items"),
        CheckConstraint("together BETWEEN 1 AND customers", name="both_are_among_the_customers"),
        CheckConstraint("share > 0 AND share <= 1", name="share_is_a_share"),
        CheckConstraint("usual > 0 AND usual <= 1", name="usual_is_a_share"),
    )

    kind: Mapped[str]
    item_id: Mapped[int]
    next_kind: Mapped[str]
    next_id: Mapped[int]
    customers: Mapped[int]
    together: Mapped[int]
    share: Mapped[Decimal] = mapped_column(Numeric(6, 5))
    usual: Mapped[Decimal] = mapped_column(Numeric(6, 5))
    lift: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    as_of: Mapped[datetime]
