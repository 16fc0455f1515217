"""Templates on screen: the house's words until one's own, checked as they are saved, looked at."""

from typing import Any

import pytest
from sqlalchemy import Connection, select

from app.database import begin
from app.settings import settings
from app.tenancy import acting, vendor_actor
from models.messages import MessageTemplate, TemplateVersion
from models.outbox import OutboxMessage
from tests import make
from tests.admin_views.panel_client import PanelClient, admin, analyst, manager, staff
from tests.admin_views.reading import leaks, text_of

HOME = "/admin/message-template"
WORDS = {
    "event": "booking_confirmed", "channel": "email", "purpose": "transactional", "name": "",
    "subject": "See you {{day}}", "body": "Hello {{first_name}},\nuntil {{when}}!",
}  # fmt: skip
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def vendor(panel: PanelClient, db: Connection) -> int:
    vendor = make.new_vendor(name="Aurora", time_zone="Europe/Lisbon")
    panel.as_(manager(vendor))
    return vendor


def customer(vendor: int, name: str = "Ana Alves") -> int:
    with acting(vendor_actor(vendor)), begin() as session:
        return int(make.customer(session, full_name=name).id)


def every(vendor: int, model: Any) -> list[Any]:
    with acting(vendor_actor(vendor)), begin() as session:
        return list(session.scalars(select(model).order_by(model.id)))


def refused(panel: PanelClient, path: str, **changed: str) -> str:
    answer = panel.post(path, data=WORDS | changed)
    assert answer.status_code == 400, text_of(answer.text)[-600:]
    assert leaks(answer.text) is None
    return answer.text


def test_the_houses_words_are_shown_until_there_are_own(panel: PanelClient, vendor: int) -> None:
    said = text_of(panel.get(f"{HOME}/words").text)
    assert "Your booking is confirmed: {{service}}, {{day}}" in said
    fresh = panel.get(f"{HOME}/create?event=booking_confirmed&channel=email").text
    assert "We look forward to seeing you." in fresh
    assert 'data-insert="staff"' in fresh
    assert 'data-insert="order_number"' not in fresh
    assert panel.post(f"{HOME}/create", data=WORDS).status_code == 303
    (own,) = every(vendor, MessageTemplate)
    assert (own.name, own.purpose, own.version) == ("Booking confirmed", "transactional", 1)
    used = panel.get(f"{HOME}/words").text
    assert "Yours, version 1" in used
    assert f"{HOME}/details/{own.id}" in used


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"body": "Hello {{ frist_name }}"}, "no field {{frist_name}}: write {{first_name}"),
        ({"subject": "{{order_number}}"}, "There is no field {{order_number}}"),
        ({"body": "Hello {{first_name"}, "write it like {{first_name}}"),
        ({"body": "x" * 100_000}, "This is too long: use at most 20,000 characters."),
        ({"body": " \x00 "}, "Text is missing: fill it in."),
        ({"subject": ""}, "This message has no subject: write one."),
        ({"channel": "pigeon"}, "choose one"),
        ({"channel": "sms", "body": "y" * 1001}, "shorten it to 1000 letters"),
    ],
)  # fmt: skip
def test_a_refusal_lands_at_its_field_and_nothing_typed_is_lost(
    panel: PanelClient, vendor: int, changed: dict[str, str], sentence: str
) -> None:
    html = refused(panel, f"{HOME}/create", **changed)
    assert sentence in text_of(html)
    kept = {**WORDS, "name": "My name", **changed}
    html = refused(panel, f"{HOME}/create", name="My name", **changed)
    assert kept["body"].replace("\x00", "").strip() in html
    assert 'value="My name"' in html
    assert every(vendor, MessageTemplate) == []


def test_versions_stay_and_one_goes_back_by_a_new_one(panel: PanelClient, vendor: int) -> None:
    panel.post(f"{HOME}/create", data=WORDS)
    (own,) = every(vendor, MessageTemplate)
    edit = f"{HOME}/edit/{own.id}"
    form = panel.form_values(edit)
    assert form["body"] == WORDS["body"]
    assert panel.post(edit, data=form | {"body": HOSTILE}).status_code == 303
    assert panel.post(edit, data=form | {"body": "Too late"}).status_code == 400
    assert panel.post(edit, data=form | {"body": "{{nothing}}"}).status_code == 400
    html = panel.get(f"{HOME}/details/{own.id}").text
    assert HOSTILE not in html
    assert "Version 1" in text_of(html)
    assert panel.post(f"{HOME}/{own.id}/back/1").status_code == 303
    assert panel.post(f"{HOME}/{own.id}/back/77").status_code == 404
    said = [version.body for version in every(vendor, TemplateVersion)]
    assert said == [WORDS["body"], HOSTILE, WORDS["body"]]


def test_one_looks_at_it_with_a_customer_before_it_is_kept(panel: PanelClient, vendor: int) -> None:
    ana = customer(vendor, HOSTILE)
    seen = panel.post(f"{HOME}/preview", data=WORDS | {"customer": str(ana)}).json()
    assert seen["body"].startswith(f"Hello {HOSTILE}")
    long = panel.post(
        f"{HOME}/preview", data=WORDS | {"customer": str(ana), "channel": "sms", "body": "ł" * 80}
    ).json()
    assert long["size"].startswith("2 parts, 80 of 134 characters: “ł”")
    wrong = panel.post(
        f"{HOME}/preview", data=WORDS | {"customer": str(ana), "body": "{{x}}"}
    ).json()
    assert wrong["field"] == "body"
    other = customer(make.new_vendor())
    for nobody in ("", "abc", "999999999999999999999", str(other)):
        answer = panel.post(f"{HOME}/preview", data=WORDS | {"customer": nobody}).json()
        assert "Choose whose message" in answer["error"], nobody
    assert every(vendor, MessageTemplate) == []


def test_it_is_tried_out_on_oneself(
    panel: PanelClient, vendor: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    ana = customer(vendor)
    panel.post(f"{HOME}/create", data=WORDS)
    (own,) = every(vendor, MessageTemplate)
    assert panel.post(f"{HOME}/{own.id}/test", data={"customer": str(ana)}).status_code == 303
    assert every(vendor, OutboxMessage) == []
    monkeypatch.setenv("SMTP_URL", f"file://{tmp_path}")
    monkeypatch.setenv("MAIL_FROM", "no-reply@backroom.example")
    settings.cache_clear()
    try:
        other = customer(make.new_vendor())
        for whose in (str(ana), str(other), ""):
            panel.post(f"{HOME}/{own.id}/test", data={"customer": whose})
    finally:
        settings.cache_clear()
    (promise,) = every(vendor, OutboxMessage)
    assert (promise.payload["template_id"], promise.payload["customer_id"]) == (own.id, ana)


def test_it_is_put_away_and_taken_out_again(panel: PanelClient, vendor: int) -> None:
    panel.post(f"{HOME}/create", data=WORDS)
    (own,) = every(vendor, MessageTemplate)
    assert "There are words of yours for this already" in refused(panel, f"{HOME}/create")
    panel.post(f"{HOME}/do/{own.id}/put-away")
    assert "Yours, version" not in panel.get(f"{HOME}/words").text
    assert panel.get(f"{HOME}/edit/{own.id}").status_code == 403
    panel.post(f"{HOME}/do/{own.id}/take-out")
    assert "Yours, version 1" in panel.get(f"{HOME}/words").text


def test_staff_reads_and_others_see_nothing(panel: PanelClient, vendor: int) -> None:
    panel.post(f"{HOME}/create", data=WORDS)
    (own,) = every(vendor, MessageTemplate)
    panel.as_(staff(vendor))
    assert panel.get(f"{HOME}/details/{own.id}").status_code == 200
    for path in ("create", f"edit/{own.id}", f"{own.id}/test", f"{own.id}/back/1",
                 f"do/{own.id}/put-away"):  # fmt: skip
        assert panel.post(f"{HOME}/{path}", data=WORDS).status_code == 403, path
    panel.as_(manager(make.new_vendor()))
    assert panel.get(f"{HOME}/details/{own.id}").status_code == 404
    assert panel.post(f"{HOME}/{own.id}/back/1").status_code == 404
    panel.as_(analyst())
    for path in ("list", "words", f"details/{own.id}"):
        assert panel.get(f"{HOME}/{path}").status_code == 403, path
    panel.as_(admin())
    assert panel.get(f"{HOME}/details/{own.id}").status_code == 200
    assert "Choose a vendor" in panel.get(f"{HOME}/words").text
    made = panel.post(f"{HOME}/create", data=WORDS | {"vendor": str(vendor), "channel": "sms"})
    assert made.status_code == 303
    assert every(vendor, MessageTemplate)[-1].channel == "sms"
