"""Campaigns on screen: written down, looked at, sent after a question, and what became of them."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqladmin import expose
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, object_session
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from admin_views import running
from admin_views.access import needs
from admin_views.base import HouseView, declared
from admin_views.details import link_to
from admin_views.filters import OneOf, Related, of_vendor
from admin_views.forms import Check, Choice, Pick, Saving, Text
from admin_views.lists import Col, Sort
from admin_views.loaders import Records, record_id
from admin_views.message_words import channel_word
from admin_views.rendering import moment, number, plural
from admin_views.saving import Command
from app.operations import campaigns
from app.settings import settings
from app.tenancy import current_actor
from models.campaigns import Campaign, CampaignRun, CampaignStatus, Rhythm, RowOutcome, RunStatus
from models.messages import MessageTemplate
from models.segments import Segment

HERE = "/admin/campaign"
SEGMENTS = Records(Segment, (Segment.name,), live=(Segment.vendor_id.is_not(None),))
TEMPLATES = Records(
    MessageTemplate,
    (MessageTemplate.name,),
    hint=lambda t: channel_word(t.channel),
    live=(MessageTemplate.is_active, MessageTemplate.event.is_(None)),
)
RHYTHMS = (
    (Rhythm.ONCE.value, "Once"), (Rhythm.DAILY.value, "Every day"),
    (Rhythm.WEEKLY.value, "Every week"), (Rhythm.FOUR_WEEKS.value, "Every four weeks"),
)  # fmt: skip
MOST_RUNS = 20
RUN_WORDS = {
    RunStatus.CHECKING: "Being looked at", RunStatus.CHECKED: "Looked at",
    RunStatus.SENDING: "Going out", RunStatus.DONE: "Went out", RunStatus.DROPPED: "Looked at",
}  # fmt: skip


def _rhythm(campaign: Campaign) -> str:
    """Once, every week to whoever is new."""
    said = dict(RHYTHMS)[campaign.rhythm]
    if campaign.rhythm == Rhythm.ONCE:
        return said
    return f"{said}, {'to all again' if campaign.again else 'to each once'}"


def _look(session: Session, number_: int) -> None:
    campaigns.look(session, campaign_id=number_, inline_limit=settings().bulk_inline_limit)


def _send(session: Session, number_: int, *, run: str) -> None:
    which = record_id(run)
    if which is None:
        raise campaigns.LookFirst
    limit = settings().bulk_inline_limit
    campaigns.send(session, campaign_id=number_, run_id=which, inline_limit=limit)


def _stop(session: Session, number_: int) -> None:
    campaigns.stop(session, campaign_id=number_)


def _seen(campaign: Any) -> CampaignRun | None:
    """The look that stands, if it was the last thing that was done."""
    session = object_session(campaign)
    runs = campaign.__dict__.get("runs_read")
    if runs is None:
        runs = [] if session is None else _runs(session, campaign)
    return runs[0] if runs and runs[0].status == RunStatus.CHECKED else None


def _can_send(campaign: Any) -> bool:
    run = _seen(campaign)
    goes_on = campaign.rhythm != Rhythm.ONCE
    return (
        campaign.status == CampaignStatus.DRAFT and run is not None and bool(run.ready or goes_on)
    )


def _question(campaign: Any) -> tuple[str, str]:
    run = _seen(campaign)
    ready, left = (run.ready, run.left_out) if run else (0, 0)
    rest = f"{plural(left, 'customer')} will not get it; the page says why. " if left else ""
    on = (
        "" if campaign.rhythm == Rhythm.ONCE else f" It goes out again {_rhythm(campaign).lower()}."
    )
    return (
        f"Send it to {plural(ready, 'customer')}?",
        f"{rest}What is sent cannot be taken back.{on}",
    )


def _run_of(campaign: Any) -> dict[str, str]:
    run = _seen(campaign)
    return {"run": str(run.id) if run else ""}


class CampaignView(HouseView, model=Campaign):
    """A message to everybody in a segment."""

    name, name_plural, icon = "Campaign", "Campaigns", "ti ti-speakerphone"
    category, status_kind = "Messages", "campaign"
    hint = "A message to everybody in a segment; consent, ceiling and quiet hours hold"
    details_template = "panel/campaign.html"
    columns = (
        Col("name", "Campaign"),
        Col("vendor", "Vendor", css="c-vendor", admins=True),
        Col("status", "Status", "pill", pill_kind="campaign", css="c-status"),
        Col("segment_id", "To", value=lambda c: c.segment.name),
        Col("template_id", "Template", value=lambda c: c.template.name),
        Col("rhythm", "How often", value=_rhythm),
        Col("next_at", "Next", "moment"),
    )
    sorts = declared(newest=Sort(Campaign.id, descending=True), name=Sort(Campaign.name))
    searched = (Campaign.name,)
    filters = (
        OneOf("status", "Status", Campaign.status, icon="circle-dot", words=CampaignStatus),
        Related("segment", "To", Campaign.segment_id, icon="chart-pie", lookup=SEGMENTS),
        of_vendor(Campaign.vendor_id),
    )
    loads = (joinedload(Campaign.segment), joinedload(Campaign.template))
    details = (
        (
            "Campaign",
            (
                Col("segment", "To", value=lambda c: link_to("segment", c.segment)),
                Col("template", "Says", value=lambda c: link_to("message-template", c.template)),
                Col("channel", "By", value=lambda c: channel_word(c.template.channel)),
                Col("rhythm", "How often", value=_rhythm),
                Col("next_at", "Next", "moment"),
                Col("held_back", "Did not go out"),
            ),
        ),
    )
    hides_empty = ("next_at", "held_back")
    fields = declared(
        name=Text("Name", wanted=True, longest=campaigns.LONGEST),
        segment=Pick("To", SEGMENTS, wanted=True, hint="The customers of this segment"),
        template=Pick("Template", TEMPLATES, wanted=True, hint="Its words and its channel"),
        rhythm=Choice("How often", RHYTHMS, wanted=True, default=Rhythm.ONCE.value),
        again=Check(
            "To the same customers each time", default=False, hint="Else each gets it once"
        ),
    )
    commands = (
        Command(
            "look", "Look who gets it", _look, lambda c: c.status == CampaignStatus.DRAFT,
            "Nothing is sent yet: look below who would get it.", icon="eye-check", action="send",
        ),
        Command(
            "send", "Send", _send, _can_send, "It is going out.", icon="send", primary=True,
            action="send", ask=_question, carries=_run_of, carried=("run",),
        ),
        Command(
            "stop", "Stop", _stop, lambda c: c.status == CampaignStatus.ACTIVE,
            "It goes out no more; what is sent stays sent.", icon="player-stop", action="send",
            danger=True,
        ),
    )  # fmt: skip
    stays = "Messages that went out stay where they are."
    empty = declared(
        icon="speakerphone", title="No campaigns yet",
        text="Choose a segment and a template, and look who would get it before it goes out.",
    )  # fmt: skip

    def loaded(self, session: Session, number_: int) -> Any:
        """The campaign with its last run, which its commands ask about."""
        campaign = super().loaded(session, number_)
        if campaign is not None:
            campaign.__dict__["runs_read"] = _runs(session, campaign)
        return campaign

    def may_edit(self, record: Any) -> bool:
        """Until it has gone out."""
        return bool(record.status == CampaignStatus.DRAFT)

    def create_record(
        self, session: Session, values: dict[str, Any], data: Mapping[str, Any], context: Saving
    ) -> Any:
        """See `campaigns.save`."""
        return campaigns.save(session, **_given(values))

    def change_record(
        self,
        session: Session,
        record: Any,
        values: dict[str, Any],
        data: Mapping[str, Any],
        context: Saving,
    ) -> None:
        """See `campaigns.save`."""
        campaigns.save(session, campaign_id=record.id, **_given(values))

    def delete_record(self, session: Session, record: Any) -> None:
        """See `campaigns.remove`."""
        campaigns.remove(session, campaign_id=record.id)

    async def run_command(self, wanted: Command, number: int, words: dict[str, str]) -> str:
        """See `HouseView`; what runs from now on, the top bar of the next page shows."""
        said = await super().run_command(wanted, number, words)
        running.look_again(current_actor().user_id)
        return said

    def more_details(self, session: Session, request: Request, record: Any) -> dict[str, Any]:
        """Who gets it and who does not and why; how far it is; the times before."""
        runs: list[CampaignRun] = record.__dict__.get("runs_read", [])
        last = runs[0] if runs else None
        shown: dict[str, Any] = {
            "run": None if last is None else _told(session, record, last),
            "lines": _history(runs[1:]),
        }
        if last is not None and last.status in campaigns.RUNNING:
            shown["poll"] = f"{HERE}/run/{last.id}"
        return shown

    @expose("/run/{run}", methods=["GET"])
    @needs("list")
    async def run_state(self, request: Request) -> Response:
        """How far a run is, in the shape that `live.js` polls."""
        which = record_id(request.path_params["run"])
        state = await self.in_transaction(partial(_state, which=which))
        if state is None:
            raise HTTPException(404)
        return JSONResponse(state)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    """The form as the operation takes it."""
    return {
        "name": values.get("name") or "", "segment_id": values.get("segment_id") or 0,
        "template_id": values.get("template_id") or 0,
        "rhythm": values.get("rhythm") or Rhythm.ONCE.value, "again": bool(values.get("again")),
    }  # fmt: skip


def _runs(session: Session, campaign: Campaign) -> list[CampaignRun]:
    own = CampaignRun.vendor_id == campaign.vendor_id, CampaignRun.campaign_id == campaign.id
    rows = select(CampaignRun).where(*own).order_by(CampaignRun.id.desc()).limit(MOST_RUNS)
    return list(session.scalars(rows))


def _told(session: Session, campaign: Campaign, run: CampaignRun) -> dict[str, Any]:
    """The last run as the page tells it."""
    told = campaigns.reasons(session, run_id=run.id)
    out = {RowOutcome.LEFT_OUT: "Found when looked at", RowOutcome.SUPPRESSED: "Found on the way"}
    went = run.status in (RunStatus.SENDING, RunStatus.DONE)
    figures = [
        {"label": "In the segment", "value": number(run.meant), "note": moment(run.created_at)},
        {"label": "Would get it" if not went else "Sent off",
         "value": number(run.sent if went else run.ready), "note": ""},
        {"label": "Do not get it", "value": number(run.left_out + run.suppressed), "note": ""},
    ]  # fmt: skip
    return {
        "title": RUN_WORDS[RunStatus(run.status)], "figures": figures,
        "reasons": [(why, out[RowOutcome(outcome)], number(many)) for outcome, why, many in told],
        "goes": run.status in campaigns.RUNNING, "done": run.handled, "total": run.to_handle,
        "run_title": "Finding out who gets it" if run.status == RunStatus.CHECKING else "Going out",
        "messages_url": f"/admin/message/list?template={campaign.template_id}",
        "stale": run.status == RunStatus.DROPPED,
    }  # fmt: skip


def _history(runs: list[CampaignRun]) -> dict[str, Any] | None:
    went = [run for run in runs if run.status in (RunStatus.DONE, RunStatus.SENDING)]
    if not went:
        return None
    return {
        "title": "Times before",
        "columns": [("When", False), ("In the segment", True), ("Sent off", True),
                    ("Did not get it", True)],
        "rows": [
            [moment(run.created_at), number(run.meant), number(run.sent),
             number(run.left_out + run.suppressed)]
            for run in went
        ],
    }  # fmt: skip


def _state(session: Session, *, which: int | None) -> dict[str, Any] | None:
    run = None if which is None else session.get(CampaignRun, which)
    if run is None:
        return None
    done, total = run.handled, run.to_handle
    return {
        "done": done, "total": total, "done_text": number(done), "total_text": number(total),
        "left": "", "text": running.title_of(run, run.campaign.name),
        "finished": run.status not in campaigns.RUNNING,
        "url": f"{HERE}/details/{run.campaign_id}", "message": None,
    }  # fmt: skip


VIEWS = [CampaignView]
