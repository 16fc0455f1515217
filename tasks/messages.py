"""Messages that were promised are sent: a bundle at a time, each one settled by itself."""

import logging
import time
from collections.abc import Sequence

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded

from app.database import begin
from app.gateways import mail, push, sms
from app.gateways.verdicts import Permanent, Temporary
from app.operations import messages, outbox, templates
from app.operations.messages import Parcel
from models.messages import MessageChannel
from tasks.celery import celery_app

log = logging.getLogger(__name__)

BEGINS_WITHIN = 30.0
"""Seconds in which a bundle begins to send; what is left then is somebody else's."""
SECONDS, AT_MOST = 120, 180
"""A server that answers ever so slowly keeps a worker no longer: a warning, and the end of it."""


class TimeIsUp(Temporary):
    sentence = "It took too long: the server answers too slowly."


class NobodyBringsIt(Temporary):
    sentence = "Nobody brings messages this way yet: set it up, or send it another way."


@celery_app.task(name=messages.TASK, soft_time_limit=SECONDS, time_limit=AT_MOST)
def deliver(deliveries: list[tuple[int, int]]) -> None:
    """Send what these promises (outbox id, message id) are about.

    The promises are held by locks that die with this process; each message is settled in a
    transaction of its own before the next one begins, so that only one can have gone out unknown.
    """
    promised = dict(deliveries)
    with outbox.running_these(list(promised)) as mine:
        held = {delivery: message for delivery, message in promised.items() if delivery in mine}
        if not held:
            return
        with begin() as session:
            parcels = messages.claim(session, deliveries=held)
        _bring(parcels)


def _bring(parcels: Sequence[Parcel]) -> None:
    until = time.monotonic() + BEGINS_WITHIN
    for number, parcel in enumerate(parcels):
        if time.monotonic() > until:
            _put_back(parcels[number:])
            return
        if not _begun(parcel):
            continue
        refusal = _sent(parcel)
        if refusal is not None and _is_away(refusal):
            _put_off(parcels[number + 1 :], refusal)
            return


def _begun(parcel: Parcel) -> bool:
    with begin() as session:
        return messages.start(session, parcel)


def _sent(parcel: Parcel) -> Exception | None:
    """Send one and write down what came of it; the refusal, if it was none."""
    try:
        provider, provider_id = _hand_over(parcel)
    except SoftTimeLimitExceeded:
        return _failed(parcel, TimeIsUp())
    except Exception as error:
        return _failed(parcel, error)
    with begin() as session:
        messages.mark_sent(
            session, message_id=parcel.message_id, delivery_id=parcel.delivery_id,
            provider=provider, provider_id=provider_id,
        )  # fmt: skip
    return None


def _hand_over(parcel: Parcel) -> tuple[str, str | None]:
    """Who has taken it, and what they call it."""
    if parcel.channel is MessageChannel.EMAIL:
        mail.gateway(kept_open=True).send(
            to=parcel.to, subject=parcel.subject or "", text=parcel.body, key=parcel.key,
            reply_to=parcel.reply_to, sender_name=parcel.sender, headers=parcel.headers,
        )  # fmt: skip
        return "smtp", None
    if parcel.channel is MessageChannel.SMS:
        sms.gateway().send(to=parcel.to, text=parcel.body, key=parcel.key)
        return "sms", None
    if parcel.channel is MessageChannel.PUSH:
        title = parcel.subject or parcel.sender
        push.gateway().send(to=parcel.to, title=title, text=parcel.body, key=parcel.key)
        return "push", None
    raise NobodyBringsIt


def _failed(parcel: Parcel, error: Exception) -> Exception:
    if not isinstance(error, Temporary | Permanent):
        log.error("Message %s failed.", parcel.message_id, exc_info=error)
    with begin() as session:
        messages.mark_failed(
            session, message_id=parcel.message_id, delivery_id=parcel.delivery_id, error=error,
            for_good=isinstance(error, Permanent),
            bad_address=isinstance(error, Permanent) and error.bad_address,
        )  # fmt: skip
    return error


def _is_away(refusal: Exception) -> bool:
    """Whether the next message would fare the same: nobody answers at all."""
    return isinstance(refusal, mail.ServerAway | mail.NotSetUp | TimeIsUp)


def _put_off(parcels: Sequence[Parcel], refusal: Exception) -> None:
    for parcel in parcels:
        _failed(parcel, refusal)


def _put_back(parcels: Sequence[Parcel]) -> None:
    with begin() as session:
        messages.give_back(session, deliveries=[parcel.delivery_id for parcel in parcels])


@celery_app.task(bind=True, name=templates.TRY_OUT, soft_time_limit=SECONDS)
def try_out(self: Task, template_id: int, customer_id: int) -> None:
    """Mail whoever asked what a customer would read."""
    with begin() as session:
        letter = templates.trial(session, template_id=template_id, customer_id=customer_id)
    if letter is not None:
        mail.gateway().send(**letter._asdict(), key=self.request.id)
