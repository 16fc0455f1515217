"""Campaigns: what is told to everybody in a segment, looked at before it goes out, once or again.

Who is meant is frozen when it is looked at. Whether each of them may be written to is asked then,
asked again when the message is composed, and a last time when it is sent.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from app import clock
from app.errors import DomainError, NotFound
from app.operations import correspondence, messages, segments
from app.operations.correspondence import NoSuchTemplate
from app.operations.customers import clean
from app.operations.moves import locked
from app.operations.outbox import enqueue
from app.operations.zones import zone_of
from models.campaigns import (
    Campaign,
    CampaignRow,
    CampaignRun,
    CampaignStatus,
    Rhythm,
    RowOutcome,
    RunStatus,
)
from models.customers import ConsentPurpose, Customer
from models.messages import MessageChannel, MessageStatus, MessageTemplate
from models.segments import Segment
from models.vendors import Vendor, VendorStatus

GO_ON = "tasks.campaigns.go_on"
LONGEST = 80
CHUNK = 200
STALE = timedelta(hours=24)
"""What was looked at longer ago is looked at again before it goes out."""
STEPS = {Rhythm.DAILY: 1, Rhythm.WEEKLY: 7, Rhythm.FOUR_WEEKS: 28}
"""How many days after it went out it goes out again, at the same time on the vendor's wall."""
TOLD_AGAIN = timedelta(days=1)
"""What holds one back is told again after so long, if it still does."""
RUNNING = (RunStatus.CHECKING, RunStatus.SENDING)


class NoCampaignName(DomainError):
    sentence = "This campaign has no name yet: write one to eighty letters."
    field = "name"


class NoSuchSegment(DomainError):
    sentence = "This segment is not here: choose one from the list."
    field = "segment"


class NothingWritten(DomainError):
    sentence = "Choose the template whose words it says."
    field = "template"


class TooLate(DomainError):
    sentence = "This campaign has gone out: write a new one instead of changing it."


class UnderWay(DomainError):
    sentence = "This campaign is being worked on: wait until that is over."


class LookFirst(DomainError):
    sentence = "Look first who would get it: that was not done, or is over a day ago."


class NobodyGetsIt(DomainError):
    sentence = "Nobody would get it: see below why, or choose another segment."


class NobodyIsMeant(DomainError):
    sentence = "Nobody is in this segment who has not got it: choose another segment."


# --- written down ------------------------------------------------------------------------------


def save(
    session: Session,
    *,
    name: str,
    segment_id: int,
    template_id: int,
    rhythm: str = Rhythm.ONCE,
    again: bool = False,
    campaign_id: int | None = None,
) -> Campaign:
    """Write a campaign down, or change one that has not gone out; nothing is sent by that.

    Refuses `NoCampaignName`, `NoSuchSegment`, `NoSuchTemplate`, `TooLate`, `UnderWay`, and a
    segment whose rule cannot be read any more.
    """
    campaign = Campaign() if campaign_id is None else locked(session, Campaign, campaign_id)
    if campaign_id is not None:
        if campaign.status != CampaignStatus.DRAFT:
            raise TooLate
        _drop_looks(session, campaign)
    called = clean(name, "name", longest=LONGEST)
    if called is None:
        raise NoCampaignName
    if rhythm not in set(Rhythm):
        raise DomainError("Choose how often it goes out.", field="rhythm")
    segment, template = _owned(session, segment_id, template_id)
    campaign.vendor_id, campaign.name = segment.vendor_id, called  # type: ignore[assignment]  # a vendor's segment
    campaign.segment_id, campaign.template_id = segment.id, template.id
    campaign.rhythm, campaign.again = Rhythm(rhythm), again and rhythm != Rhythm.ONCE
    session.add(campaign)
    session.flush()  # the id
    return campaign


def _owned(session: Session, segment_id: int, template_id: int) -> tuple[Segment, MessageTemplate]:
    segment = session.get(Segment, segment_id)
    if segment is None or segment.vendor_id is None or not segments.is_ours(segment):
        raise NoSuchSegment
    segments.must_be_read(session, segment)
    template = session.get(MessageTemplate, template_id)
    same = template is not None and template.vendor_id == segment.vendor_id
    if template is None or not same or not template.is_active or template.event is not None:
        raise NoSuchTemplate(field="template")
    return segment, template


def remove(session: Session, *, campaign_id: int) -> None:
    """Remove a campaign; the messages it has sent stay."""
    campaign = locked(session, Campaign, campaign_id)
    _nothing_runs(session, campaign)
    session.delete(campaign)
    session.flush()  # whatever still refers to it


def stop(session: Session, *, campaign_id: int) -> Campaign:
    """Let it go out no more; what is on its way goes on, and who is left waits no longer."""
    campaign = locked(session, Campaign, campaign_id)
    campaign.status, campaign.next_at = CampaignStatus.STOPPED, None
    campaign.held_back = campaign.told_at = None
    return campaign


# --- looked at ---------------------------------------------------------------------------------


def look(session: Session, *, campaign_id: int, inline_limit: int) -> CampaignRun:
    """Freeze who is in the segment now, and find out who of them would get the message.

    Up to `inline_limit` at once, more by a task; nothing is sent. Refuses `TooLate`, `UnderWay`,
    `NobodyIsMeant`.
    """
    campaign = locked(session, Campaign, campaign_id)
    if campaign.status != CampaignStatus.DRAFT:
        raise TooLate
    _drop_looks(session, campaign)
    run = _frozen(session, campaign)
    if run.meant == 0:
        raise NobodyIsMeant
    _go(session, run, inline_limit)
    return run


def _drop_looks(session: Session, campaign: Campaign) -> None:
    _nothing_runs(session, campaign)
    for run in _runs(session, campaign, RunStatus.CHECKED):
        run.status = RunStatus.DROPPED


def _nothing_runs(session: Session, campaign: Campaign) -> None:
    if _runs(session, campaign, *RUNNING):
        raise UnderWay


def _runs(session: Session, campaign: Campaign, *statuses: RunStatus) -> Sequence[CampaignRun]:
    own = CampaignRun.vendor_id == campaign.vendor_id, CampaignRun.campaign_id == campaign.id
    rows = select(CampaignRun).where(*own, CampaignRun.status.in_(statuses))
    return session.scalars(rows.order_by(CampaignRun.id).with_for_update()).all()


def _frozen(session: Session, campaign: Campaign) -> CampaignRun:
    """Those who are in the segment now, but for who got it, where each gets it once."""
    run = CampaignRun(vendor_id=campaign.vendor_id, campaign_id=campaign.id)
    session.add(run)
    session.flush()  # the id, for its rows
    found, _ = segments.live(session, session.get_one(Segment, campaign.segment_id))
    ids = found.subquery()
    meant = select(literal(run.vendor_id), literal(run.id), Customer.id).where(
        Customer.vendor_id == run.vendor_id, Customer.id.in_(select(*ids.c))
    )
    if not campaign.again:
        meant = meant.where(Customer.id.not_in(_had_it(campaign)))
    columns = ["vendor_id", "run_id", "customer_id"]
    session.execute(insert(CampaignRow).from_select(columns, meant.order_by(Customer.id)))
    rows = select(func.count()).where(
        CampaignRow.vendor_id == run.vendor_id, CampaignRow.run_id == run.id
    )
    run.meant = session.scalar(rows) or 0
    return run


def _had_it(campaign: Campaign) -> Any:
    return (
        select(CampaignRow.customer_id)
        .join(CampaignRun, (CampaignRun.vendor_id == CampaignRow.vendor_id)
              & (CampaignRun.id == CampaignRow.run_id))
        .where(CampaignRun.vendor_id == campaign.vendor_id,
               CampaignRun.campaign_id == campaign.id, CampaignRow.outcome == RowOutcome.SENT)
    )  # fmt: skip


def _go(session: Session, run: CampaignRun, inline_limit: int) -> None:
    """Now, if it is small enough to wait for; else as a task that was promised here."""
    if run.meant > inline_limit:
        enqueue(session, GO_ON, vendor_id=run.vendor_id, run_id=run.id)
        return
    while go_on(session, run_id=run.id):
        pass


def go_on(session: Session, *, run_id: int) -> bool:
    """Look at, or write to, the next customers of a run, each once; whether any are left."""
    run = session.get(CampaignRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.status not in RUNNING:
        return False
    campaign = session.get_one(Campaign, run.campaign_id)
    looking = run.status == RunStatus.CHECKING
    rows = _next(session, run, RowOutcome.WAITING if looking else RowOutcome.READY)
    template = session.get_one(MessageTemplate, campaign.template_id)
    for row in rows:
        (_look_at if looking else _write_to)(session, run, campaign, template, row)
    if len(rows) < CHUNK:
        _ended(session, run, campaign)
    session.flush()  # what was settled here
    return run.status in RUNNING


def _next(session: Session, run: CampaignRun, outcome: RowOutcome) -> Sequence[CampaignRow]:
    own = CampaignRow.vendor_id == run.vendor_id, CampaignRow.run_id == run.id
    rows = select(CampaignRow).where(*own, CampaignRow.outcome == outcome)
    return session.scalars(rows.order_by(CampaignRow.id).limit(CHUNK).with_for_update()).all()


def _look_at(
    session: Session,
    run: CampaignRun,
    campaign: Campaign,
    template: MessageTemplate,
    row: CampaignRow,
) -> None:
    customer = session.get(Customer, row.customer_id)
    if customer is None or customer.archived_at is not None:
        why: str | None = "They were archived meanwhile"
    else:
        way = MessageChannel(template.channel)
        why = correspondence.verdict(session, customer, way, ConsentPurpose.MARKETING).why_not
    row.outcome, row.reason = (RowOutcome.LEFT_OUT, why) if why else (RowOutcome.READY, None)
    run.left_out += why is not None
    run.ready += why is None


def _write_to(
    session: Session,
    run: CampaignRun,
    campaign: Campaign,
    template: MessageTemplate,
    row: CampaignRow,
) -> None:
    """Compose the message; its key makes a second try, or a file merged meanwhile, the same one."""
    if campaign.status == CampaignStatus.STOPPED:
        row.outcome, row.reason = RowOutcome.SUPPRESSED, "The campaign was stopped"
        run.suppressed += 1
        return
    customer = session.get(Customer, row.customer_id)
    told = None
    if customer is not None and customer.archived_at is None:
        whom = f"{campaign.id}.{run.id}" if campaign.again else f"{campaign.id}"
        told = messages.compose(
            session, customer_id=row.customer_id, purpose=ConsentPurpose.MARKETING,
            template_id=template.id, key=f"campaign.{whom}.{row.customer_id}",
        )  # fmt: skip
    if told is not None and told.status == MessageStatus.QUEUED:
        row.outcome, row.reason = RowOutcome.SENT, None
        run.sent += 1
        return
    why = "They were archived, or had it before" if told is None else told.error
    row.outcome, row.reason = RowOutcome.SUPPRESSED, why
    run.suppressed += 1


def _ended(session: Session, run: CampaignRun, campaign: Campaign) -> None:
    now = clock.now()
    if run.status == RunStatus.SENDING:
        run.status, run.finished_at = RunStatus.DONE, now
        return
    run.finished_at = now
    if campaign.status == CampaignStatus.ACTIVE:  # one that goes out again asks nobody
        run.status = RunStatus.SENDING
    else:
        run.status = RunStatus.CHECKED


# --- sent --------------------------------------------------------------------------------------


def send(session: Session, *, campaign_id: int, run_id: int, inline_limit: int) -> CampaignRun:
    """Let it go out to those who were found to get it, `run_id` being the look that was seen.

    One that goes out again and again does so from now on by itself. Refuses `LookFirst` when
    there is another look, or that one is a day old, and `NobodyGetsIt`.
    """
    campaign = locked(session, Campaign, campaign_id)
    if campaign.status != CampaignStatus.DRAFT:
        raise TooLate
    run = session.get(CampaignRun, run_id, with_for_update=True, populate_existing=True)
    if run is None or run.campaign_id != campaign.id:
        raise NotFound
    fresh = run.finished_at is not None and run.finished_at > clock.now() - STALE
    if run.status != RunStatus.CHECKED or not fresh:
        raise LookFirst
    if run.ready == 0 and campaign.rhythm == Rhythm.ONCE:
        raise NobodyGetsIt
    if campaign.rhythm == Rhythm.ONCE:
        campaign.status = CampaignStatus.DONE
    else:
        campaign.status = CampaignStatus.ACTIVE
        now, zone = clock.now(), _zone(session, campaign)
        campaign.goes_at = now.astimezone(zone).time()
        campaign.next_at = _after(campaign, zone, now, now)
    run.status, run.finished_at = RunStatus.SENDING, None
    _go(session, run, inline_limit)
    return run


def due(session: Session, *, now: datetime) -> list[tuple[int, int]]:
    """The campaigns of open vendors that go out again by `now`: vendor and id."""
    rows = (
        select(Campaign.vendor_id, Campaign.id)
        .join(Vendor, Vendor.id == Campaign.vendor_id)
        .where(Campaign.next_at <= now, Vendor.status == VendorStatus.ACTIVE)
    )
    return [(vendor, number) for vendor, number in session.execute(rows.order_by(Campaign.id))]


def repeat(session: Session, *, campaign_id: int, now: datetime) -> CampaignRun | None:
    """Let one that is due go out to those who are in its segment now; None if it is not due.

    Nothing is caught up: one that could not go out for long goes out once.
    """
    campaign = locked(session, Campaign, campaign_id)
    if campaign.next_at is None or campaign.next_at > now:
        return None
    zone = _zone(session, campaign)
    campaign.next_at = _after(campaign, zone, campaign.next_at, now)
    campaign.held_back = campaign.told_at = None
    if _runs(session, campaign, *RUNNING):
        return None
    run = _frozen(session, campaign)
    enqueue(session, GO_ON, vendor_id=run.vendor_id, run_id=run.id)
    return run


def hold_back(session: Session, *, campaign_id: int, why: str, now: datetime) -> bool:
    """Note why one that is due did not go out; whether somebody should be told of it now.

    That is so when it begins, when the reason is another one, and then once a day.
    """
    campaign = locked(session, Campaign, campaign_id)
    told = campaign.told_at if campaign.held_back == why else None
    if told is not None and told > now - TOLD_AGAIN:
        return False
    campaign.held_back, campaign.told_at = why, now
    return True


def _zone(session: Session, campaign: Campaign) -> ZoneInfo:
    return ZoneInfo(zone_of(session, campaign.vendor_id))


def _after(campaign: Campaign, zone: ZoneInfo, at: datetime, now: datetime) -> datetime:
    """The first of its times after `now`, counted from one of them.

    Days are added on the wall, to the hour that was set: one that the clocks skip is an hour later
    on that day alone.
    """
    step, hour = STEPS[Rhythm(campaign.rhythm)], campaign.goes_at or time()
    day, today = (moment.astimezone(zone).date() for moment in (at, now))
    day += timedelta(days=max((today - day).days // step, 1) * step)
    while (found := datetime.combine(day, hour, zone).astimezone(UTC)) <= now:
        day += timedelta(days=step)
    return found


def reasons(session: Session, *, run_id: int) -> list[tuple[str, str, int]]:
    """Why customers of a run do not get it: outcome, sentence, how many; the most first."""
    why = func.coalesce(CampaignRow.reason, "No reason was noted")
    left = (RowOutcome.LEFT_OUT, RowOutcome.SUPPRESSED)
    rows = select(CampaignRow.outcome, why, func.count()).where(
        CampaignRow.run_id == run_id, CampaignRow.outcome.in_(left)
    )
    grouped = rows.group_by(CampaignRow.outcome, why).order_by(func.count().desc(), why)
    return [(outcome, reason, number) for outcome, reason, number in session.execute(grouped)]
