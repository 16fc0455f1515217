"""Who may be written to, when, and how often: asked when a message is composed and when it goes."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from app import clock
from app.database import begin
from app.errors import NotAllowed
from app.operations import contacting, customers, forgetting, messages, reaching, suppressions
from app.tenancy import SYSTEM, acting, admin_actor, vendor_actor
from models.bookings import Booking
from models.customers import Customer
from models.messages import Message
from models.outbox import OutboxMessage
from models.suppressions import SuppressionReason
from tests import make
from tests.webclient import settled

ANA = "ana@example.com"
PHONE = "+31612345678"
NIGHT = datetime(2026, 11, 20, 23, tzinfo=UTC)  # midnight in Amsterdam
SENDS = {"SMTP_URL": "file:///tmp", "MAIL_FROM": "a@b.example", "SMS_URL": "file:///tmp"}


@pytest.fixture(autouse=True)
def installation() -> Iterator[None]:
    with settled(**SENDS):
        yield


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor(time_zone="Europe/Amsterdam")
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def ana(session: Session, **fields: Any) -> Customer:
    values = {"full_name": "Ana Alves", "email": ANA, "phone": PHONE}
    return make.customer(session, **values | fields)


def says(session: Session, customer: Customer, purpose: str, granted: bool, **more: Any) -> None:
    values = {"channel": "email", "source": "counter"} | more
    reaching.consent(session, customer_id=customer.id, purpose=purpose, granted=granted, **values)


def write(
    session: Session, customer: Customer, purpose: str = "marketing", channel: str = "email",
    **more: Any,
) -> Message:  # fmt: skip
    told = messages.compose(
        session, customer_id=customer.id, purpose=purpose, channel=channel,
        words={"subject": "Hello", "body": "Come back"}, **more,
    )  # fmt: skip
    assert told is not None
    return told


def outcome(session: Session, customer: Customer, *asked: str, **more: Any) -> str:
    told = write(session, customer, *asked, **more)
    return told.reason or told.status


def due() -> list[messages.Parcel]:
    """What a worker is handed now, begun."""
    with begin() as session:
        query = select(OutboxMessage).where(OutboxMessage.task == messages.TASK)
        query = query.where(
            OutboxMessage.done_at.is_(None), OutboxMessage.available_at <= clock.now()
        )
        deliveries = {row.id: row.payload["message_id"] for row in session.scalars(query)}
        parcels = messages.claim(session, deliveries=deliveries)
    begun = []
    for parcel in parcels:
        with begin() as session:
            if messages.start(session, parcel):
                begun.append(parcel)
    return begun


def send_all() -> list[messages.Parcel]:
    parcels = due()
    for parcel in parcels:
        with begin() as session:
            messages.mark_sent(
                session, message_id=parcel.message_id, delivery_id=parcel.delivery_id,
                provider="smtp",
            )  # fmt: skip
    return parcels


# --- whether ------------------------------------------------------------------------------------


def test_without_a_word_of_the_customer_only_marketing_waits_for_one(shop: int) -> None:
    with begin() as session:
        customer = ana(session)
        for channel in ("email", "sms"):
            assert outcome(session, customer, "transactional", channel) == "queued"
            assert outcome(session, customer, "reminder", channel) == "queued"
            assert outcome(session, customer, "marketing", channel) == "NoConsent"
        says(session, customer, "marketing", True)
        assert outcome(session, customer, "marketing") == "queued"
        assert outcome(session, customer, "marketing", "sms") == "NoConsent"


def test_the_latest_word_counts_and_what_has_to_be_known_is_told(shop: int) -> None:
    with begin() as session:
        customer = ana(session)
        for granted, expected in ((True, "queued"), (False, "NoConsent"), (True, "queued")):
            says(session, customer, "marketing", granted)
            assert outcome(session, customer, "marketing") == expected
        says(session, customer, "reminder", False)
        says(session, customer, "marketing", False)
        assert outcome(session, customer, "reminder") == "NoConsent"
        assert outcome(session, customer, "transactional") == "queued"
        says(session, customer, "transactional", False)  # said by itself, it is heard
        assert outcome(session, customer, "transactional") == "NoConsent"


def test_without_an_address_nothing_goes_out(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session, full_name="Ana", email=None, phone=None)
        for channel in ("email", "sms", "push"):
            assert outcome(session, customer, "transactional", channel) == "NoAddress"
        assert outcome(session, customer, "marketing", "in_app") == "NoAddress"
        reaching.prefer(session, customer_id=customer.id, push_address="device-1")
        assert outcome(session, customer, "transactional", "push") == "queued"


def test_who_is_not_here_is_not_written_to(shop: int) -> None:
    with begin() as session:
        customer = ana(session)
        told = write(session, customer, "transactional")
        customers.archive(session, customer_id=customer.id)
        assert outcome(session, customer, "transactional") == "NotHere"
    assert due() == []
    with begin() as session:
        assert session.get_one(Message, told.id).reason == "NotHere"


def test_nothing_arrives_stops_everything_and_a_new_address_starts_it_again(shop: int) -> None:
    with begin() as session:
        customer = ana(session)
        suppressions.suppress(
            session, vendor_id=shop, channel="email", address=ANA.upper(),
            reason=SuppressionReason.BOUNCED, source="provider",
        )  # fmt: skip
        assert outcome(session, customer, "transactional") == "NothingArrives"
        assert outcome(session, customer, "transactional", "sms") == "queued"
        customers.change(session, customer_id=customer.id, email="ana@example.org")
        assert outcome(session, customer, "transactional") == "queued"


def test_an_address_is_tried_again_by_hand_but_never_against_its_owner(shop: int) -> None:
    with begin() as session:
        customer = ana(session)
        own = {"vendor_id": shop, "channel": "email", "address": ANA, "source": "x"}
        bounced = suppressions.suppress(session, reason=SuppressionReason.BLOCKED, **own)
        said = suppressions.suppress(
            session, reason=SuppressionReason.COMPLAINED, purpose="reminder", **own
        )
        assert suppressions.suppress(session, reason=SuppressionReason.BLOCKED, **own) is None
        assert bounced is not None
        assert said is not None
        suppressions.try_again(session, suppression_id=bounced)
        assert outcome(session, customer, "transactional") == "queued"
        assert outcome(session, customer, "reminder") == "LeftAlone"
        with pytest.raises(suppressions.ThePersonSaidSo):
            suppressions.try_again(session, suppression_id=said)


def test_another_file_with_the_same_address_is_left_alone_too(shop: int) -> None:
    with begin() as session:
        other = ana(session, full_name="Ana A.", phone=None)
        says(session, other, "marketing", True)
        with clock.stopped_at(make.NOON + timedelta(minutes=1)):
            suppressions.suppress(
                session, vendor_id=shop, channel="email", address=ANA, purpose="marketing",
                reason=SuppressionReason.UNSUBSCRIBED, source="unsubscribe link",
            )  # fmt: skip
        assert outcome(session, other, "marketing") == "LeftAlone"
        assert outcome(session, other, "transactional") == "queued"
        with clock.stopped_at(make.NOON + timedelta(minutes=2)):
            says(session, other, "marketing", True, source="import", proof="list.csv, line 7")
            assert outcome(session, other, "marketing") == "LeftAlone"  # a list is no person
            says(session, other, "marketing", True, source="form")
            assert outcome(session, other, "marketing") == "queued"


def test_being_left_alone_survives_being_forgotten(shop: int) -> None:
    with begin() as session:
        customer = ana(session)
        says(session, customer, "marketing", False)
        says(session, customer, "reminder", False, channel="sms")
        says(session, customer, "transactional", False)
        forgetting.forget(session, customer_id=customer.id)
    with clock.stopped_at(make.NOON + timedelta(days=900)), begin() as session:
        again = ana(session)
        says(session, again, "marketing", True, source="import", proof="old list, line 1")
        assert outcome(session, again, "marketing") == "LeftAlone"
        assert outcome(session, again, "reminder") == "queued"
        assert outcome(session, again, "reminder", "sms") == "LeftAlone"
        assert outcome(session, again, "transactional") == "queued"
        kept = " ".join(str(row) for row in session.execute(text("SELECT * FROM suppressions")))
        assert ANA not in kept
        assert PHONE not in kept


def test_a_list_grants_nothing_without_proof(shop: int) -> None:
    with begin() as session:
        customer = ana(session)
        with pytest.raises(reaching.NoProof):
            says(session, customer, "marketing", True, source="import")
        says(session, customer, "marketing", False, source="import")  # a no needs none
        assert outcome(session, customer, "marketing") == "NoConsent"


def test_marketing_needs_a_link_to_stop_it(shop: int) -> None:
    with begin() as session:
        customer = ana(session)
        says(session, customer, "marketing", True)
        told = write(session, customer)
        assert told.status == "queued"
    (parcel,) = due()
    link = parcel.headers["List-Unsubscribe"].strip("<>")
    assert parcel.body.splitlines()[-1] == f"No more offers: {link}"
    assert parcel.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    with settled(**SENDS, SECRET_KEY=""), begin() as session:
        assert outcome(session, customer) == "NobodyCouldStopIt"
        assert outcome(session, customer, "reminder") == "queued"


# --- how often ----------------------------------------------------------------------------------


def willing(session: Session, **fields: Any) -> Customer:
    customer = ana(session, **fields)
    says(session, customer, "marketing", True)
    says(session, customer, "marketing", True, channel="sms")
    return customer


def test_a_person_has_so_many_offers_and_no_more(shop: int) -> None:
    with begin() as session:
        customer = willing(session)
        told = [write(session, customer) for _ in range(3)]
        assert [one.status for one in told] == ["queued"] * 3
    assert len(send_all()) == 2  # of those that were promised the third is held back
    with begin() as session:
        assert session.get_one(Message, told[2].id).reason == "OftenEnough"
        assert outcome(session, customer, "marketing", "sms") == "OftenEnough"
        assert outcome(session, customer, "reminder") == "queued"
    with clock.stopped_at(make.NOON + timedelta(days=7, seconds=1)), begin() as session:
        assert outcome(session, customer, "marketing") == "queued"


def test_what_is_tried_again_counts_once_and_what_fails_for_good_not(shop: int) -> None:
    with begin() as session:
        customer = willing(session)
        write(session, customer)
        write(session, customer)
    for parcel in due():
        with begin() as session:
            messages.mark_failed(
                session, message_id=parcel.message_id, delivery_id=parcel.delivery_id,
                error=ValueError(), for_good=False,
            )  # fmt: skip
    with clock.stopped_at(make.NOON + timedelta(minutes=5)):
        parcels = due()
        assert len(parcels) == 2  # their own places are theirs
        with begin() as session:
            messages.mark_failed(
                session, message_id=parcels[0].message_id, delivery_id=parcels[0].delivery_id,
                error=ValueError(), for_good=True,
            )  # fmt: skip
            assert outcome(session, customer) == "queued"


@pytest.mark.parametrize(
    "theirs",
    [{"email": ANA, "phone": None}, {"email": None, "phone": PHONE},
     {"email": None, "phone": "+31201234567", "phone_2": PHONE}],
)  # fmt: skip
def test_all_vendors_count_together_and_see_nothing_of_each_other(
    shop: int, theirs: dict[str, Any]
) -> None:
    with begin() as session:
        customer = willing(session)
        for _ in range(2):
            write(session, customer)
    assert len(send_all()) == 2
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        same = willing(session, **theirs)
        stranger = willing(session, email="eve@example.com", phone=None)
        channel = "sms" if same.email is None else "email"
        assert outcome(session, same, "marketing", channel) == "OftenEnough"
        assert outcome(session, stranger) == "queued"
        asked = "SELECT contacts_made(:c, :since, NULL)"
        lately = {"since": clock.now() - timedelta(days=9)}
        assert session.scalar(text(asked), {"c": same.id} | lately) == 2
        assert session.scalar(text(asked), {"c": customer.id} | lately) == 0  # another's
        taken = "SELECT make_contact(1, :c, 99, now(), now())"
        assert session.scalar(text(taken), {"c": customer.id}) is False
    for actor in (vendor_actor(other), admin_actor(), SYSTEM):
        with pytest.raises(NotAllowed), acting(actor), begin() as session:
            session.execute(text("SELECT * FROM marketing_contacts"))


def test_one_person_with_two_addresses_is_one_person(shop: int) -> None:
    with acting(SYSTEM), begin() as session:
        person = make.person(session)
    with begin() as session:
        customer = willing(session, person_id=person.id)
        for _ in range(2):
            write(session, customer)
    send_all()
    other = make.new_vendor()
    with acting(vendor_actor(other)), begin() as session:
        same = willing(session, email="work@example.com", phone=None, person_id=person.id)
        assert outcome(session, same) == "OftenEnough"


def test_old_contacts_are_let_go(shop: int) -> None:
    with begin() as session:
        write(session, willing(session))
    send_all()
    with acting(SYSTEM):
        with begin() as session:
            assert contacting.clear_contacts(session) == 0
        with clock.stopped_at(make.NOON + timedelta(days=61)), begin() as session:
            assert contacting.clear_contacts(session) == 3


# --- when ---------------------------------------------------------------------------------------


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of November 2026 in UTC; Amsterdam is an hour ahead."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_at_night_reminders_wait_for_the_morning_and_receipts_do_not(shop: int) -> None:
    with clock.stopped_at(NIGHT):
        with begin() as session:
            customer = ana(session)
            reminder = write(session, customer, "reminder")
            assert (reminder.status, reminder.send_at) == ("queued", at(21, 7))
            assert write(session, customer, "transactional").send_at == NIGHT
        assert len(send_all()) == 1
    with clock.stopped_at(at(21, 7)):
        assert [parcel.message_id for parcel in due()] == [reminder.id]


def test_what_is_claimed_at_night_waits(shop: int) -> None:
    with begin() as session:
        reminder = write(session, ana(session), "reminder")
    with clock.stopped_at(NIGHT):
        assert due() == []
        with begin() as session:
            waiting = session.get_one(Message, reminder.id)
            assert (waiting.status, waiting.send_at) == ("queued", at(21, 7))
    with clock.stopped_at(at(21, 7)):
        assert len(due()) == 1


@pytest.mark.parametrize(
    ("zone", "quiet", "send_at"),
    [
        (None, None, at(21, 7)),
        ("America/New_York", None, NIGHT),
        ("Asia/Tokyo", None, NIGHT),
        ("Australia/Sydney", (time(9), time(11)), at(21, 0)),
        (None, (time(13), time(15)), NIGHT),
        ("Asia/Kolkata", (time(22), time(4, 45)), at(20, 23, 15)),
    ],
)
def test_quiet_hours_are_the_recipients(
    shop: int, zone: str | None, quiet: tuple[time, time] | None, send_at: datetime
) -> None:
    with clock.stopped_at(NIGHT), begin() as session:
        customer = ana(session, time_zone=zone)
        if quiet:
            reaching.prefer(
                session, customer_id=customer.id, quiet_from=quiet[0], quiet_until=quiet[1]
            )
        assert write(session, customer, "reminder").send_at == send_at


def test_without_quiet_hours_anything_goes_at_any_time(shop: int) -> None:
    with settled(**SENDS, QUIET_HOURS="none"), clock.stopped_at(NIGHT), begin() as session:
        assert write(session, ana(session), "reminder").send_at == NIGHT


def early_bird(session: Session, starts_at: datetime, **more: Any) -> Message:
    customer = ana(session)
    booking: Booking = make.booking(
        session, customer=customer, starts_at=starts_at, status="confirmed"
    )
    told = messages.compose(
        session, customer_id=customer.id, purpose="reminder", event="booking_reminder",
        booking_id=booking.id, **more,
    )  # fmt: skip
    assert told is not None
    return told


def test_a_reminder_comes_before_the_night_when_the_morning_is_too_late(shop: int) -> None:
    """The booking is at half past seven, the reminder was meant for half past five."""
    with begin() as session:
        told = early_bird(session, at(21, 6, 30), send_at=at(21, 4, 30))
        assert (told.status, told.send_at) == ("queued", at(20, 19, 49))
        assert told.useless_at == at(21, 6, 30)


def test_a_reminder_that_only_the_night_is_left_for_is_held_back(shop: int) -> None:
    with clock.stopped_at(NIGHT), begin() as session:
        told = early_bird(session, at(21, 6, 30))
        assert (told.status, told.reason) == ("suppressed", "OnlyQuietHours")


def test_what_is_wished_for_after_it_is_of_use_is_too_late(shop: int) -> None:
    with begin() as session:
        told = early_bird(session, at(21, 12), send_at=at(21, 13))
        assert (told.status, told.reason) == ("suppressed", "TooLate")
