"""Categories: the marketplace's tree of what is sold; admins write it, all read it."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Timestamped, one_of


class CategoryKind(StrEnum):
    SERVICE = "service"
    PRODUCT = "product"
    PACKAGE = "package"


class Category(Timestamped, Base):
    """A branch of the tree; a child is always of its parent's kind."""

    __tablename__ = "categories"
    __table_args__ = (
        UniqueConstraint("id", "kind"),
        ForeignKeyConstraint(["parent_id", "kind"], ["categories.id", "categories.kind"]),
        UniqueConstraint("kind", "parent_id", "name", postgresql_nulls_not_distinct=True),
        one_of("kind", CategoryKind),
        CheckConstraint("parent_id <> id", name="parent_is_another"),
        Index(None, "parent_id", "kind"),
    )

    kind: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column()
    name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0, server_default="0")

    parent: Mapped["Category | None"] = relationship(
        remote_side="Category.id", foreign_keys=[parent_id]
    )

    def __str__(self) -> str:
        return self.name
