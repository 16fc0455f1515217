"""Saved views: filters a person wants back with one click."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import CURRENT_VENDOR, Base, Timestamped


class SavedView(Timestamped, Base):
    """The filters of a list under a name: a vendor's, or (without vendor) the marketplace's."""

    __tablename__ = "saved_views"
    __table_args__ = (
        Index(
            "uq_saved_views_screen_name",
            "vendor_id",
            "user_id",
            "screen",
            "name",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("name <> ''", name="name_is_given"),
        Index(None, "user_id"),
    )

    vendor_id: Mapped[int | None] = mapped_column(
        ForeignKey("vendors.id"), server_default=text(CURRENT_VENDOR)
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    screen: Mapped[str]
    name: Mapped[str]
    query: Mapped[str] = mapped_column(comment="the address after the question mark")
    is_shared: Mapped[bool] = mapped_column(default=False, server_default="false")
    position: Mapped[int] = mapped_column(default=0, server_default="0")

    def __str__(self) -> str:
        return self.name
