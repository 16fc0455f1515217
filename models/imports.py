"""Imports: a list on its way in, and what became of each of its rows."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.columns import Subject
from models.base import (
    Base,
    Belonging,
    OwnedByVendor,
    Timestamped,
    not_negative,
    one_of,
    same_vendor,
)
from models.words import Channel


class ImportStatus(StrEnum):
    UPLOADED = "uploaded"
    MAPPED = "mapped"
    TRIED = "tried"
    IMPORTING = "importing"
    COMPLETED = "completed"
    FAILED = "failed"
    UNDONE = "undone"


class Strategy(StrEnum):
    """What happens to a customer or a product that is known already."""

    FILL = "fill"
    OVERWRITE = "overwrite"
    SKIP = "skip"


class Outcome(StrEnum):
    """What became of a row; every row ends in exactly one of these."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED_DUPLICATE = "skipped_duplicate"
    INVALID = "invalid"


class ImportJob(OwnedByVendor, Timestamped, Base):
    """A list on its way in: the file, what its columns mean, and how far it is.

    `progress` is the number of rows settled in the running step; a killed worker goes on there.
    `tried` and `result` hold the number of rows of each outcome.
    """

    __tablename__ = "import_jobs"
    __table_args__ = (
        one_of("subject", Subject),
        one_of("status", ImportStatus),
        one_of("strategy", Strategy),
        one_of("channel", Channel),
        *not_negative("total_rows", "progress"),
        Index(None, "user_id"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    subject: Mapped[str] = mapped_column(
        default=Subject.CUSTOMERS, server_default="customers", comment="what its rows are about"
    )
    status: Mapped[str] = mapped_column(default=ImportStatus.UPLOADED, server_default="uploaded")
    filename: Mapped[str]
    stored_as: Mapped[str] = mapped_column(comment="name of the kept file below var/files")
    checksum: Mapped[str] = mapped_column(comment="SHA-256 of the file")
    kind: Mapped[str]
    encoding: Mapped[str | None]
    delimiter: Mapped[str | None]
    header: Mapped[list[Any]]
    samples: Mapped[list[Any]]
    mapping: Mapped[dict[str, Any]] = mapped_column(comment="header -> field, null: left out")
    strategy: Mapped[str] = mapped_column(default=Strategy.FILL, server_default="fill")
    channel: Mapped[str] = mapped_column(
        default=Channel.IMPORT, server_default="import", comment="how its new customers came"
    )
    match_by: Mapped[list[Any]] = mapped_column(comment="of: email, phone, name_birthday")
    total_rows: Mapped[int] = mapped_column(default=0, server_default="0")
    progress: Mapped[int] = mapped_column(default=0, server_default="0")
    tried: Mapped[dict[str, Any] | None]
    result: Mapped[dict[str, Any] | None]
    refused: Mapped[str | None] = mapped_column(comment="why the whole file is refused")
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]

    def __str__(self) -> str:
        return self.filename


class ImportRow(Belonging, Base):
    """What became of one row of the file, and what stood in the customer before.

    Until the list is imported, a staged row that has none of these will simply be created.
    `raw` is kept only for rows that need a person; `before` and `after` let an update be undone.
    """

    __tablename__ = "import_rows"
    __table_args__ = (
        same_vendor("job_id", "import_jobs", ondelete="CASCADE"),
        same_vendor("customer_id", "customers"),
        UniqueConstraint("vendor_id", "job_id", "position"),
        one_of("outcome", Outcome),
        Index(
            None, "vendor_id", "job_id", "outcome", "position",
            postgresql_where=text("outcome <> 'created'"),  # most rows: they are found in order
        ),
        Index(None, "vendor_id", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
        Index(
            "ix_import_rows_waiting", "vendor_id", "job_id", "code", "position",
            postgresql_where=text("code IN ('same_person', 'in_file')"),
        ),
    )  # fmt: skip

    job_id: Mapped[int] = mapped_column()
    position: Mapped[int] = mapped_column(comment="1 for the first row after the header")
    line: Mapped[int]
    page: Mapped[int | None]
    outcome: Mapped[str]
    code: Mapped[str | None] = mapped_column(comment="why, such as same_person or no_identity")
    customer_id: Mapped[int | None] = mapped_column()
    raw: Mapped[list[Any] | None]
    problems: Mapped[list[Any] | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    undone: Mapped[bool] = mapped_column(default=False, server_default="false")


class StagedRow(Belonging, Base):
    """A row of a list as it was read, kept from the try-out until it is imported.

    Unlogged: after a crash of the server the list is simply read again. A list of anything but
    customers says what it says in `said`. `keys` are hashes of
    what makes the row the same as another of the file; `leader` is the position of the first
    such row, empty where the row itself is the first.
    """

    __tablename__ = "staged_rows"
    __table_args__ = (
        same_vendor("job_id", "import_jobs", ondelete="CASCADE"),
        UniqueConstraint("vendor_id", "job_id", "position"),
        {"prefixes": ["UNLOGGED"]},
    )

    job_id: Mapped[int] = mapped_column()
    position: Mapped[int]
    line: Mapped[int]
    page: Mapped[int | None]
    valid: Mapped[bool]
    code: Mapped[str | None]
    raw: Mapped[list[Any] | None]
    problems: Mapped[list[Any] | None]
    full_name: Mapped[str | None]
    company: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    phone_2: Mapped[str | None]
    line1: Mapped[str | None]
    line2: Mapped[str | None]
    city: Mapped[str | None]
    city_key: Mapped[str | None]
    region: Mapped[str | None]
    postal_code: Mapped[str | None]
    country: Mapped[str | None]
    birthday: Mapped[date | None]
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    status: Mapped[str | None]
    marketing_email: Mapped[bool | None]
    marketing_sms: Mapped[bool | None]
    note: Mapped[str | None]
    name_key: Mapped[str | None] = mapped_column(comment="the folded name, as customers.sort_name")
    sort_name: Mapped[str]
    search_text: Mapped[str]
    keys: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    said: Mapped[dict[str, Any] | None] = mapped_column(comment="a row that is no customer's")
    leader: Mapped[int | None] = mapped_column()
    link: Mapped[str | None] = mapped_column(comment="how it is the same: in_file or same_person")
