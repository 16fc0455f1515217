"""Campaigns: looked at before they go out, told to each who may be told, once, and why not else."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import DomainError, NotFound
from app.operations import (
    campaigns,
    coupon_keeping,
    coupon_terms,
    customers,
    merging,
    segments,
    tags,
)
from app.operations.coupon_terms import Case
from app.operations.rungs import Asked
from app.settings import settings
from app.tenancy import SYSTEM, acting, vendor_actor
from models.campaigns import Campaign, CampaignRow, CampaignRun
from models.coupons import Coupon
from models.customers import Customer
from models.messages import Message
from models.outbox import OutboxMessage
from models.segments import Segment
from models.vendors import Vendor
from tasks import campaigns as tasks
from tests import make

HERE = {"match": "all", "of": [{"field": "tag", "has": "has", "texts": ["vip"]}]}
NONE_INLINE, ALL_INLINE = 0, 1_000


@pytest.fixture(autouse=True)
def mails(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[None]:
    """An installation that sends e-mail, with links to unsubscribe."""
    monkeypatch.setenv("SMTP_URL", f"file://{tmp_path}")
    monkeypatch.setenv("MAIL_FROM", "no-reply@backroom.example")
    monkeypatch.setenv("SECRET_KEY", "x" * 40)
    monkeypatch.setenv("PUBLIC_URL", "https://backroom.example")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    """A vendor in Amsterdam, acting, at noon on 20 November 2026."""
    vendor_id = make.new_vendor(city="Amsterdam", time_zone="Europe/Amsterdam")
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def somebody(session: Session, name: str, *, agreed: bool | None = True, **fields: Any) -> int:
    """A tagged customer with an address, and what they said about offers."""
    values = {"full_name": name, "email": f"{name.lower()}@example.com"} | fields
    customer = make.customer(session, **values)
    tags.add(session, customer_id=customer.id, name="vip")
    if agreed is not None:
        make.consent(session, customer=customer, granted=agreed)
    return customer.id


def written(session: Session, **fields: Any) -> int:
    segment = segments.save(session, name="VIP", definition=HERE)
    template = make.message_template(session, event=None, purpose="marketing")
    saved = campaigns.save(
        session, name="Winter", segment_id=segment.id, template_id=template.id, **fields
    )
    return saved.id


def looked(campaign_id: int, inline: int = ALL_INLINE) -> CampaignRun:
    with begin() as session:
        return campaigns.look(session, campaign_id=campaign_id, inline_limit=inline)


def told() -> dict[int, str]:
    """Whom messages were composed for, and how they stand."""
    with begin() as session:
        return {m.customer_id or 0: m.status for m in session.scalars(select(Message))}


def test_it_is_looked_at_first_and_then_goes_to_those_who_may_be_told(shop: int) -> None:
    with begin() as session:
        ana, ben = somebody(session, "Ana"), somebody(session, "Ben", agreed=False)
        cleo, dan = somebody(session, "Cleo", agreed=None), somebody(session, "Dan", email=None)
        number = written(session)
    run = looked(number)
    assert (run.status, run.meant, run.ready, run.left_out) == ("checked", 4, 1, 3)
    assert told() == {}
    with begin() as session:
        why = {sentence: many for _, sentence, many in campaigns.reasons(session, run_id=run.id)}
        assert sum(why.values()) == 3
        assert why["The customer does not want messages of this kind."] == 2
        make.consent(session, customer=session.get_one(Customer, ben), granted=True)
        somebody(session, "Late")  # who comes after the look is not meant
    with begin() as session:
        campaigns.send(session, campaign_id=number, run_id=run.id, inline_limit=ALL_INLINE)
    assert told() == {ana: "queued"}
    with begin() as session:
        run = session.get_one(CampaignRun, run.id)
        assert (run.status, run.sent, run.suppressed) == ("done", 1, 0)
        assert session.get_one(Campaign, number).status == "done"
        with pytest.raises(campaigns.TooLate):
            campaigns.send(session, campaign_id=number, run_id=run.id, inline_limit=ALL_INLINE)
    assert {cleo, dan} & told().keys() == set()


def test_what_changes_between_the_look_and_the_sending_is_held_back_with_the_reason(
    shop: int,
) -> None:
    with begin() as session:
        ana, ben = somebody(session, "Ana"), somebody(session, "Ben")
        number = written(session)
    run = looked(number)
    with begin() as session:
        make.consent(session, customer=session.get_one(Customer, ana), granted=False)
        customers.archive(session, customer_id=ben)
    with begin() as session:
        campaigns.send(session, campaign_id=number, run_id=run.id, inline_limit=ALL_INLINE)
    assert told() == {ana: "suppressed"}
    with begin() as session:
        run = session.get_one(CampaignRun, run.id)
        assert (run.sent, run.suppressed, run.ready) == (0, 2, 2)
        assert len(campaigns.reasons(session, run_id=run.id)) == 2


def test_a_long_one_goes_on_in_the_background_where_it_was_left(
    shop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaigns, "CHUNK", 2)
    with begin() as session:
        everybody = {somebody(session, f"C{n}") for n in range(5)}
        number = written(session)
    run = looked(number, NONE_INLINE)
    assert (run.status, run.ready) == ("checking", 0)
    with begin() as session:
        with pytest.raises(campaigns.UnderWay):
            campaigns.look(session, campaign_id=number, inline_limit=ALL_INLINE)
        promised = select(OutboxMessage.payload).where(OutboxMessage.task == campaigns.GO_ON)
        assert session.scalars(promised).one()["run_id"] == run.id
        assert campaigns.go_on(session, run_id=run.id)
    tasks.go_on.run(run_id=run.id)
    with begin() as session:
        campaigns.send(session, campaign_id=number, run_id=run.id, inline_limit=NONE_INLINE)
        assert campaigns.go_on(session, run_id=run.id)
    assert len(told()) == 2  # a worker dies here; another goes on
    tasks.go_on.run(run_id=run.id)
    tasks.go_on.run(run_id=run.id)
    assert told().keys() == everybody


def test_nothing_goes_out_without_a_fresh_look(shop: int) -> None:
    with begin() as session:
        somebody(session, "Ana")
        number = written(session)
        other = campaigns.save(
            session, name="Other", segment_id=session.get_one(Campaign, number).segment_id,
            template_id=session.get_one(Campaign, number).template_id,
        ).id  # fmt: skip
    first = looked(number).id
    second = looked(number).id

    def send(run: int, campaign: int = number) -> None:
        with begin() as session:
            campaigns.send(session, campaign_id=campaign, run_id=run, inline_limit=ALL_INLINE)

    with pytest.raises(campaigns.LookFirst):
        send(first)
    with pytest.raises(NotFound):
        send(second, other)
    with pytest.raises(NotFound):
        send(2**62)
    with clock.stopped_at(make.NOON + timedelta(days=2)), pytest.raises(campaigns.LookFirst):
        send(second)
    with begin() as session:  # what is changed has to be looked at again
        found = session.get_one(Campaign, number)
        campaigns.save(session, campaign_id=number, name="Spring", segment_id=found.segment_id,
                       template_id=found.template_id)  # fmt: skip
    with pytest.raises(campaigns.LookFirst):
        send(second)
    assert told() == {}


def test_nobody_is_no_campaign(shop: int) -> None:
    with begin() as session:
        number = written(session)
    with pytest.raises(campaigns.NobodyIsMeant):
        looked(number)
    with begin() as session:
        somebody(session, "Ben", agreed=False)
    run = looked(number)
    with begin() as session, pytest.raises(campaigns.NobodyGetsIt):
        campaigns.send(session, campaign_id=number, run_id=run.id, inline_limit=ALL_INLINE)


def test_one_that_goes_out_again_tells_each_once_and_keeps_its_hour(shop: int) -> None:
    """Over the change of the clocks on 25 October too; merged files are one person."""
    start = datetime(2026, 10, 20, 8, tzinfo=UTC)  # ten in Amsterdam
    with clock.stopped_at(start):
        with begin() as session:
            ana = somebody(session, "Ana")
            number = written(session, rhythm="weekly")
        run = looked(number)
        with begin() as session:
            campaigns.send(session, campaign_id=number, run_id=run.id, inline_limit=ALL_INLINE)
            next_at = session.get_one(Campaign, number).next_at
    assert next_at == datetime(2026, 10, 27, 9, tzinfo=UTC)  # ten in Amsterdam still
    with clock.stopped_at(next_at - timedelta(minutes=1)):
        assert tasks.repeat_due.run() == 0
    with begin() as session:
        ben, anna = somebody(session, "Ben"), somebody(session, "Anna")
        merging.merge(session, survivor_id=anna, merged_id=ana, choices={})
    late = next_at + timedelta(days=15)
    with clock.stopped_at(late):
        assert tasks.repeat_due.run() == 1
        assert tasks.repeat_due.run() == 0
        with begin() as session:
            runs = session.scalars(select(CampaignRun).order_by(CampaignRun.id)).all()
            again = session.get_one(Campaign, number)
            assert again.next_at == next_at + timedelta(days=21)
        tasks.go_on.run(run_id=runs[-1].id)
    assert len(runs) == 2
    assert {anna, ben} == told().keys()  # the message moved with the merged file
    with begin() as session:
        rows = session.scalars(select(CampaignRow).where(CampaignRow.run_id == runs[-1].id)).all()
        assert [(row.customer_id, row.outcome) for row in rows] == [(ben, "sent")]
        campaigns.stop(session, campaign_id=number)
        assert session.get_one(Campaign, number).next_at is None


def test_an_hour_that_the_clocks_skip_is_kept_on_the_other_days(shop: int) -> None:
    """Half past two is not on 28 March in Amsterdam; another wall is another moment."""
    start = datetime(2027, 3, 26, 1, 30, tzinfo=UTC)
    with clock.stopped_at(start):
        with begin() as session:
            somebody(session, "Ana")
            number = written(session, rhythm="daily", again=True)
        run = looked(number)
        with begin() as session:
            campaigns.send(session, campaign_id=number, run_id=run.id, inline_limit=ALL_INLINE)

    def goes_next() -> datetime:
        with begin() as session:
            at = session.get_one(Campaign, number).next_at
            assert at is not None
            session.execute(update(CampaignRun).values(status="done"))
        with clock.stopped_at(at):
            assert tasks.repeat_due.run() == 1
        return at.astimezone(UTC)

    assert [goes_next() for _ in range(4)] == [
        datetime(2027, 3, 27, 1, 30, tzinfo=UTC),
        datetime(2027, 3, 28, 1, 30, tzinfo=UTC),  # half past three
        datetime(2027, 3, 29, 0, 30, tzinfo=UTC),
        datetime(2027, 3, 30, 0, 30, tzinfo=UTC),
    ]
    with acting(SYSTEM), begin() as session:
        session.get_one(Vendor, shop).time_zone = "Europe/Lisbon"
    assert [goes_next() for _ in range(2)] == [
        datetime(2027, 3, 31, 0, 30, tzinfo=UTC),  # as it was set
        datetime(2027, 4, 1, 1, 30, tzinfo=UTC),
    ]


def test_what_holds_one_back_is_told_when_it_begins_or_changes_and_then_once_a_day(
    shop: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It is tried every ten minutes, and goes out once its segment can be read again."""
    with begin() as session:
        somebody(session, "Ana")
        number = written(session, rhythm="weekly")
    run = looked(number)
    with begin() as session:
        campaigns.send(session, campaign_id=number, run_id=run.id, inline_limit=ALL_INLINE)
    due = make.NOON + timedelta(days=7)

    def changed(**values: Any) -> None:
        with begin() as session:
            session.execute(update(Segment).values(**values))

    def tried(at: timedelta, goes: int = 0) -> list[str]:
        """What is told of a round."""
        caplog.clear()
        with clock.stopped_at(due + at):
            assert tasks.repeat_due.run() == goes
        return [record.getMessage() for record in caplog.records]

    def why() -> str | None:
        with begin() as session:
            return session.get_one(Campaign, number).held_back

    ten, day = timedelta(minutes=10), timedelta(days=1)
    changed(definition_json={"match": "none", "of": [{"field": "pets_owned"}]})
    [first] = tried(0 * ten)
    assert "Whom “VIP” means cannot be read any more" in first
    assert why() == first.rpartition(f"{number}: ")[2]
    assert [tried(n * ten) for n in (1, 2, 70, 143)] == [[]] * 4
    assert tried(day) == [first]
    assert tried(day + ten) == []
    changed(name="Guests")
    [other] = tried(day + 2 * ten)
    assert "“Guests”" in other
    changed(definition_json=HERE)
    assert tried(day + 3 * ten, goes=1) == []
    assert why() is None
    with begin() as session:
        session.execute(update(CampaignRun).values(status="done"))
    changed(definition_json={"match": "none", "of": [{"field": "pets_owned"}]})
    assert tried(7 * day) == [other], "it has begun anew"
    with begin() as session:
        campaigns.stop(session, campaign_id=number)
    assert (tried(7 * day + ten), why()) == ([], None)


def test_nothing_goes_out_again_from_a_vendor_that_is_suspended(shop: int) -> None:
    """It goes out once, not for every time it missed, when the vendor is open again."""
    with begin() as session:
        somebody(session, "Ana")
        number = written(session, rhythm="weekly")
    run = looked(number)
    with begin() as session:
        campaigns.send(session, campaign_id=number, run_id=run.id, inline_limit=ALL_INLINE)

    def stands(status: str) -> None:
        with acting(SYSTEM), begin() as session:
            session.execute(update(Vendor).where(Vendor.id == shop).values(status=status))

    with clock.stopped_at(make.NOON + timedelta(days=30)), acting(SYSTEM):
        stands("suspended")
        assert tasks.repeat_due.run() == 0
        stands("active")
        assert tasks.repeat_due.run() == 1
        assert tasks.repeat_due.run() == 0


def test_another_vendors_segment_and_template_are_not_here(shop: int) -> None:
    with acting(vendor_actor(make.new_vendor())), begin() as session:
        foreign = segments.save(session, name="Theirs", definition=HERE).id
        template = make.message_template(session, event=None).id
    with begin() as session:
        own = segments.save(session, name="VIP", definition=HERE).id
        words = make.message_template(session, event=None).id
        tied = make.message_template(session, event="birthday").id
        wrong: list[dict[str, Any]] = [
            {"segment_id": foreign}, {"template_id": template}, {"segment_id": 2**62},
            {"template_id": 2**62}, {"template_id": tied}, {"name": " \0 "}, {"name": "x" * 5_000},
            {"rhythm": "hourly"},
        ]  # fmt: skip
        for one in wrong:
            given = {"name": "Winter", "segment_id": own, "template_id": words} | one
            with pytest.raises(DomainError) as refused:
                campaigns.save(session, **given)
            assert refused.value.field is not None, one


# --- a coupon for a segment ----------------------------------------------------------------------


def test_a_coupon_for_a_segment_asks_at_the_moment_it_is_used(shop: int) -> None:
    with begin() as session:
        ana, ben = somebody(session, "Ana"), somebody(session, "Ben")
        segment = segments.save(session, name="VIP", definition=HERE)
        coupon = coupon_keeping.save(
            session, name="VIPs", kind="percent", value=10, needs_code=True, code="VIP10",
            segment_id=segment.id,
        )  # fmt: skip
        service = make.service(session)

        def refusal(customer_id: int | None) -> Any:
            customer = None if customer_id is None else session.get_one(Customer, customer_id)
            order = make.order(session, customer=customer, lines=0, status="draft", number=None)
            line = make.order_line(session, order=order, kind="service", service_id=service.id)
            case = Case(session, order, [line], Asked())
            return coupon_terms.refusal(case, coupon, "VIP10")

        assert refusal(ana) is None
        assert isinstance(refusal(None), coupon_terms.NobodyKnown)
        segments.build(session, segment_id=segment.id)
        tags.remove(session, customer_id=ben, name="vip")  # the list still has Ben
        assert str(refusal(ben)) == "VIP10 is for “VIP”, and Ben is not among them: remove it."
        assert segment.size == 2
        segment.definition_json = {"match": "none", "of": [{"field": "pets_owned"}]}
        assert str(refusal(ana)) == (
            "VIP10 is for “VIP”, and whom that means cannot be read any more: mend that segment,"
            " or remove the code."
        )
        number, kept = segment.id, coupon.id
    with pytest.raises(segments.CouponAsksForIt), begin() as session:
        segments.remove(session, segment_id=number)
    with begin() as session:
        assert session.get_one(Coupon, kept).segment_id == number
