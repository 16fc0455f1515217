"""Templates: checked when they are saved, kept in versions, seen with a real customer before."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from app import clock
from app.database import SessionFactory, begin
from app.errors import DomainError, NotFound
from app.operations import merge_fields, templates, wording
from app.operations.templates import AlreadyWritten, CannotWrite, NoSuchField, NotClosed
from app.tenancy import acting, vendor_actor
from models.messages import MessageChannel, MessageEvent, TemplateVersion
from tests import make

TEN = datetime(2026, 11, 23, 10, tzinfo=UTC)


@pytest.fixture
def shop(db: Connection) -> Iterator[int]:
    vendor_id = make.new_vendor(name="Aurora", phone="+351213456789", time_zone="Europe/Lisbon")
    with acting(vendor_actor(vendor_id)), clock.stopped_at(make.NOON):
        yield vendor_id


def write(**more: Any) -> int:
    values = {"channel": "email", "name": "News", "subject": "Hello", "body": "Hello"} | more
    with begin() as session:
        return templates.write(session, **values).id


def refused(**more: Any) -> DomainError:
    with pytest.raises(DomainError) as caught:
        write(**more)
    return caught.value


@pytest.mark.parametrize("event", [None, *MessageEvent])
@pytest.mark.parametrize("channel", MessageChannel)
def test_the_houses_own_words_pass_the_check_that_yours_pass(
    event: MessageEvent | None, channel: MessageChannel
) -> None:
    if event is None:
        return
    subject, body = wording.built_in(event, channel)
    for text_ in (subject, body):
        if text_ is not None:
            merge_fields.lint(text_, event, field="body")
    assert (subject is None) == (channel in wording.SHORT)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("Dear {{costumer_name}}", NoSuchField,
         "There is no field {{costumer_name}}: write {{customer_name}}, or choose from the list."),
        ("{{First Name}}", NoSuchField,
         "There is no field {{First Name}}: write {{first_name}}, or choose from the list."),
        ("{{tracking}}", NoSuchField, "There is no field {{tracking}}:"),
        ("{{}}", NoSuchField, "There is no field {{}}:"),
        ("Dear {{first_name", NotClosed,
         "Only half a field is written near “Dear {{first_name”: write it like {{first_name}}."),
        ("Dear first_name}}!", NotClosed, "Only half a field is written near “first_name}}!”:"),
        (" \n\x00 ", CannotWrite, "This template cannot be kept: write what it says."),
    ],
)  # fmt: skip
def test_what_nobody_can_fill_in_is_refused_when_it_is_saved(
    shop: int, body: str, kind: type[DomainError], said: str
) -> None:
    refusal = refused(event="booking_confirmed", body=body)
    assert isinstance(refusal, kind)
    assert (refusal.field, str(refusal)[: len(said)]) == ("body", said)


def test_a_subject_is_checked_too_and_needed_where_there_is_one(shop: int) -> None:
    assert refused(subject="{{nobody}}").field == "subject"
    assert refused(subject=" ").field == "subject"
    assert refused(channel="pigeon").field == "channel"
    assert refused(event="full_moon").field == "event"
    assert refused(purpose="spam").field == "purpose"
    assert refused(name=" ").field == "name"
    with begin() as session:
        sms = templates.write(session, channel="sms", name="S", subject="gone", body="Short")
        assert templates.newest_of(session, sms).subject is None


def test_a_new_wording_is_a_new_version_and_the_old_one_stays(shop: int) -> None:
    number = write(body="First")
    with begin() as session:
        for body in ("Second", "Second", "Third"):
            templates.rewrite(session, template_id=number, subject="Hello", body=body)
    with begin() as session:
        kept = session.query(TemplateVersion).order_by(TemplateVersion.number).all()
        assert [(one.number, one.body) for one in kept] == [
            (1, "First"), (2, "Second"), (3, "Third"),
        ]  # fmt: skip
        assert kept[0].template.version == 3


@pytest.mark.parametrize("verb", ["UPDATE template_versions SET body = 'x'",
                                  "DELETE FROM template_versions",
                                  "DELETE FROM message_templates"])  # fmt: skip
def test_what_was_said_once_cannot_be_changed(shop: int, verb: str) -> None:
    write()
    with pytest.raises(ProgrammingError, match="permission denied"), SessionFactory.begin() as own:
        own.execute(text(verb))


def test_an_event_has_one_text_a_channel_and_the_purpose_of_the_event(shop: int) -> None:
    number = write(event="birthday", purpose="transactional")
    with begin() as session:
        found = templates.words_for(
            session, vendor_id=shop, event="birthday", channel="email", template_id=None
        )
        assert (found.template_id, found.body) == (number, "Hello")
        assert session.get_one(templates.MessageTemplate, number).purpose == "marketing"
    with pytest.raises(AlreadyWritten):
        write(event="birthday")
    with begin() as session:
        templates.put_away(session, template_id=number)
    second = write(event="birthday")
    with pytest.raises(AlreadyWritten), begin() as session:
        templates.take_out(session, template_id=number)
    with begin() as session:
        templates.put_away(session, template_id=second)
        found = templates.words_for(
            session, vendor_id=shop, event="birthday", channel="sms", template_id=None
        )
        assert found.body == wording.WORDINGS[MessageEvent.BIRTHDAY].short
        with pytest.raises(NotFound):
            templates.words_for(
                session, vendor_id=shop, event=None, channel="sms", template_id=None
            )


def test_a_preview_is_about_the_customers_newest_and_checked_like_what_is_kept(shop: int) -> None:
    with begin() as session:
        customer = make.customer(session, full_name="Dr. Ana {{vendor_name}}\nAlves")
        service = make.service(session, name="Haircut")
        for day in (0, 1):
            make.booking(
                session, customer=customer, service=service, starts_at=TEN + timedelta(days=day)
            )
        seen = templates.preview(
            session, customer_id=customer.id, channel="email", event="booking_reminder",
            subject="{{service}} on {{day}}",
            body="Dear {{customer_name}},\n\nRoom: {{room}}\nAt {{ time }}, {{vendor_phone}}",
        )  # fmt: skip
        assert seen.subject == "Haircut on Tuesday 24 November 2026"
        assert seen.body == "Dear Dr. Ana {{vendor_name}} Alves,\n\nAt 10:00, +351 21 345 6789"
        with pytest.raises(NoSuchField):
            templates.preview(
                session, customer_id=customer.id, channel="sms", event="birthday", body="{{day}}"
            )
        short = templates.preview(
            session, customer_id=customer.id, channel="sms", event="booking_reminder"
        )
        assert short.body == (
            "Aurora: see you for Haircut, Tuesday 24 November 2026, 10:00 to 11:00."
        )


@pytest.mark.parametrize(
    ("full", "first"),
    [("Ana Alves", "Ana"), ("Dr. Ana Alves", "Ana"), ("J. Smith", "Smith"), ("李", "李"),
     ("", None), (None, None), ("X", "X")],
)  # fmt: skip
def test_people_are_greeted_by_a_name(full: str | None, first: str | None) -> None:
    assert merge_fields.first_name(full) == first


@given(st.text(max_size=80), st.dictionaries(st.sampled_from(["a", "b"]), st.text(max_size=20)))
def test_filling_in_reads_nothing_twice_and_never_fails(told: str, values: dict[str, str]) -> None:
    merge_fields.filled(told, values)
    for name in ("a", "b"):
        value = merge_fields.one_line(values.get(name, ""))
        assert merge_fields.filled(f"x {{{{{name}}}}} y", {name: value}) == (
            f"x {value} y" if value else ""
        )


def test_a_line_of_fields_that_say_nothing_is_left_out() -> None:
    told = "Dear {{a}},\n\nRoom: {{b}}\nBy: {{a}} {{b}}\n\n\n\nBye"
    assert merge_fields.filled(told, {"a": "Ana"}) == "Dear Ana,\n\nBy: Ana\n\nBye"
