"""Segments, who is in them, and campaigns to them."""

from typing import Any

from sqlalchemy.orm import Session

from models.campaigns import Campaign, CampaignRow, CampaignRun
from models.customers import Customer
from models.messages import MessageTemplate
from models.segments import Segment, SegmentDay, SegmentMembership
from tests.make.messages import message_template
from tests.make.rows import NOON, home_of, number, of_vendor, saved


def segment(session: Session, **fields: Any) -> Segment:
    """Everybody who is active, unless `definition_json` says otherwise; not worked out yet."""
    rule = {"match": "all", "of": [{"field": "status", "words": ["active"]}]}
    values = {"name": f"Segment {number()}", "definition_json": rule}
    return saved(session, Segment(**values | fields))


def segment_membership(
    session: Session, *, segment: Segment, customer: Customer, **fields: Any
) -> SegmentMembership:
    values = {"segment_id": segment.id, "customer_id": customer.id, "entered_at": NOON}
    return saved(session, SegmentMembership(**values | of_vendor(fields, customer)))


def segment_day(session: Session, *, segment: Segment, **fields: Any) -> SegmentDay:
    values = {"segment_id": segment.id, "day": NOON.date(), "size": 1} | of_vendor(fields, segment)
    return saved(session, SegmentDay(**values))


def campaign(
    session: Session,
    *,
    segment: Segment | None = None,
    template: MessageTemplate | None = None,
    **fields: Any,
) -> Campaign:
    segment = segment or _segment(session, **home_of(of_vendor(fields, template)))
    template = template or message_template(
        session, vendor_id=segment.vendor_id, event=None, purpose="marketing"
    )
    values = {"name": f"Campaign {number()}", "segment_id": segment.id, "template_id": template.id}
    return saved(session, Campaign(**values | of_vendor(fields, segment)))


def campaign_run(session: Session, *, campaign: Campaign, **fields: Any) -> CampaignRun:
    values = {"campaign_id": campaign.id, "status": "done"} | of_vendor(fields, campaign)
    return saved(session, CampaignRun(**values))


def campaign_row(
    session: Session, *, run: CampaignRun, customer: Customer, **fields: Any
) -> CampaignRow:
    row = CampaignRow(run_id=run.id, customer_id=customer.id, **of_vendor(fields, run))
    return saved(session, row)


_segment = segment  # an argument takes the name
