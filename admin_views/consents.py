"""Consents on screen: what customers have decided, and who wrote it down; history is not edited."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session, joinedload
from starlette.requests import Request

from admin_views.base import declared
from admin_views.customer_side import CHANNELS, PURPOSES
from admin_views.details import link_to
from admin_views.filters import Between, OneOf, YesNo, of_vendor
from admin_views.forms import Choice, Note, Pick, Saving, Text
from admin_views.lists import Col, Sort
from admin_views.loaders import who_did
from admin_views.lookups import CUSTOMERS
from admin_views.of_customers import OfCustomer, OfCustomersView
from app.operations import reaching
from models.customers import Consent

CHANNEL_NAMES: Mapping[str, str] = dict(CHANNELS)
PURPOSE_NAMES: Mapping[str, str] = dict(PURPOSES)
HISTORY = (
    "A decision is history and is never edited or deleted:"
    " a new one replaces it, and the latest is in force."
)
IN_FORCE = "In force: it is never edited or deleted, a new decision would replace it."
REPLACED = "A later decision replaced it; it stays as history."


def answer(consent: Consent) -> str:
    """Whether they agreed, as a status."""
    return "agreed" if consent.granted else "declined"


class ConsentView(OfCustomersView, model=Consent):
    """What customers have agreed to, by channel and purpose."""

    name, name_plural, icon = "Consent", "Consents", "ti ti-mail-check"
    category, status_kind, hint = "Customers", "consent", HISTORY
    can_edit = can_delete = False
    columns = (
        Col("customer", "Customer", value=lambda c: c.customer.name),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("purpose", "For", value=lambda c: PURPOSE_NAMES[c.purpose]),
        Col("channel", "By", value=lambda c: CHANNEL_NAMES[c.channel]),
        Col("granted", "Answer", "pill", pill_kind="consent", css="c-status", value=answer),
        Col("now", "In force", "bool"),
        Col("source", "Where it was said"),
        Col("at", "When", "moment"),
    )
    sorts = declared(newest=Sort(Consent.id, descending=True))
    filters = (
        OneOf("channel", "By", Consent.channel, icon="send", words=CHANNELS),
        OneOf("purpose", "For", Consent.purpose, icon="category", words=PURPOSES),
        YesNo("granted", "Answer", Consent.granted, icon="mail-check", yes="Agreed", no="Said no"),
        of_vendor(Consent.vendor_id),
        OfCustomer("customer", "Customer", Consent),
        Between("at", "When", Consent.at, open=False),
    )
    loads = (joinedload(Consent.customer),)
    details = (
        (
            "Decision",
            (
                Col("customer", "Customer", value=lambda c: link_to("customer", c.customer)),
                Col("purpose", "For", value=lambda c: PURPOSE_NAMES[c.purpose]),
                Col("channel", "By", value=lambda c: CHANNEL_NAMES[c.channel]),
                Col("granted", "Answer", value=lambda c: "agreed" if c.granted else "said no"),
                Col("at", "When", "moment"),
                Col("source", "Where it was said"),
                Col("proof", "Proof"),
            ),
        ),
    )
    fields = declared(
        customer=Pick("Customer", CUSTOMERS, wanted=True),
        purpose=Choice("For", PURPOSES, wanted=True),
        channel=Choice("By", CHANNELS, wanted=True),
        granted=Choice("Answer", (("yes", "Agreed"), ("no", "Said no")), wanted=True),
        source=Text("Where it was said", wanted=True, longest=80, hint="Such as form or counter"),
        proof=Note("Proof", hint="What shows it: the words they saw, the form's number"),
    )
    form_sections = (
        ("What they decided", ("customer", "purpose", "channel", "granted")),
        ("How it is known", ("source", "proof")),
    )
    empty = declared(
        icon="mail-check",
        title="No consents yet",
        text="What customers agree to, or refuse, is written down here, on their pages and by"
        f" imports. {HISTORY}",
    )

    def title_of(self, record: Any) -> str:
        """Marketing, E-mail: Ana Alves."""
        purpose, channel = PURPOSE_NAMES[record.purpose], CHANNEL_NAMES[record.channel]
        return f"{purpose}, {channel}: {record.customer.name}"

    def status_of(self, record: Any) -> str:
        """The answer."""
        return answer(record)

    def drawn_rows(self, session: Session, request: Request, records: Any) -> Any:
        """The decisions, those in force marked."""
        drawn = super().drawn_rows(session, request, records)
        latest = reaching.latest(session, records)
        for row in drawn:
            row["cells"]["now"] = row["pk"] in latest
        return drawn

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Consent:
        """Write the decision down by its operation."""
        return reaching.consent(session, **{**values, "granted": values["granted"] == "yes"})

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Whether it is in force, who wrote it down, and the customer's other decisions."""
        in_force = record.id in reaching.latest(session, [record])
        new = f"/admin/{self.identity}/create?customer={record.customer_id}"
        may = self.has_permission(request, "create")
        return {
            "page_hint": IN_FORCE if in_force else REPLACED,
            "marks": [("pencil", f"written down by {who_did(session, [record])[record.user_id]}")],
            "buttons": [{"title": "New decision", "url": new, "icon": "plus"}] if may else [],
            "related": [self.others(session, request, record)],
        }

    def others(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """The latest decisions of the same customer."""
        known = reaching.in_force(session, customer_id=record.customer_id).values()
        rows = [
            {
                "title": f"{PURPOSE_NAMES[c.purpose]}, {CHANNEL_NAMES[c.channel]}",
                "url": request.url_for("admin:details", identity=self.identity, pk=c.id).path,
                "status": answer(c),
                "status_kind": "consent",
            }
            for c in known
        ]
        return {
            "title": "In force now",
            "rows": rows,
            "all_url": self.list_url(request, record.customer_id),
        }


VIEWS = [ConsentView]
