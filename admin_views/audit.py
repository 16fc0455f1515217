"""The trail of all changes on screen; read only."""

from typing import Any

from sqlalchemy import or_
from sqlalchemy.orm import Session, load_only
from starlette.requests import Request

from admin_views.base import HouseView, declared
from admin_views.filters import Named, OneOf, Related, VendorDays, of_vendor
from admin_views.lists import Col, Sort
from admin_views.loaders import Records, vendor_names
from admin_views.rendering import moment
from admin_views.trail import days_of
from app.operations import audit
from app.tenancy import SYSTEM_USER_ID
from models.audit import AuditAction, AuditEntry
from models.labels import NOUNS
from models.users import User

USERS = Records(
    User,
    (User.name, User.email),
    hint=lambda u: u.email,
    loads=(load_only(User.id, User.name, User.email, raiseload=True),),
)
BY_ITSELF = or_(AuditEntry.user_id.is_(None), AuditEntry.user_id <= SYSTEM_USER_ID)


class AuditView(HouseView, model=AuditEntry):
    """Who changed what, and when."""

    name, name_plural, icon, category = "Change", "Changes", "ti ti-history", "Data"
    can_create = can_edit = can_delete = False
    columns = (
        Col("what", "What"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("who", "Who"),
        Col("fields", "Fields"),
        Col("at", "When", value=lambda e: moment(e.at)),
    )
    sorts = declared(newest=Sort(AuditEntry.id, descending=True))
    filters = (
        OneOf("noun", "What", AuditEntry.table_name, icon="category", words=tuple(NOUNS.items())),
        OneOf("action", "Change", AuditEntry.action, icon="pencil", words=AuditAction),
        of_vendor(AuditEntry.vendor_id),
        Related("user", "Who", AuditEntry.user_id, icon="user", lookup=USERS),
        Named(
            "by",
            "By",
            icon="user-cog",
            open=False,
            conditions=(
                ("people", "People", lambda: AuditEntry.user_id > SYSTEM_USER_ID),
                ("itself", "The house itself", lambda: BY_ITSELF),
            ),
        ),
        VendorDays("at", "When", AuditEntry.at, vendor=AuditEntry.vendor_id, of_none=True),
    )

    def drawn_rows(self, session: Session, request: Request, records: Any) -> Any:
        """The entries in words."""
        pattern = self.details_pattern(request)
        entries = audit.readable(session, records)
        names = vendor_names(session, records)
        return [
            {
                "pk": record.id,
                "url": pattern.format(record.id) if pattern else None,
                "title": f"{entry.noun} {entry.verb}",
                "sub": "",
                "cells": {
                    "vendor": names.get(record.vendor_id),
                    "who": entry.who,
                    "fields": ", ".join(c.label for c in entry.changes[:4]) or None,
                    "at": moment(record.at),
                },
            }
            for record, entry in zip(records, entries, strict=True)
        ]

    def title_of(self, record: Any) -> str:
        """Booking changed."""
        noun = NOUNS.get(record.table_name, "Record")
        return f"{noun} {audit.VERBS[AuditAction(record.action)]}"

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """What was there, and what stands there now."""
        entry = audit.readable(session, [record])[0]
        rows = [[c.label, c.old, c.new] for c in entry.changes]
        columns = [("Field", False), ("Before", False), ("After", False)]
        return {
            "page_hint": f"{moment(record.at)} by {entry.who}",
            "lines": {"title": "Values", "columns": columns, "rows": rows},
            "sections": [],
        }

    def trail(self, session: Session, request: Request, record: Any) -> list[dict[str, Any]]:
        """The other changes of the same record."""
        entries = audit.trail(session, table=record.table_name, row_id=record.row_id)
        return days_of(e for e in entries if e.id != record.id)


VIEWS = [AuditView]
