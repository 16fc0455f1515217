"""Messages that were promised are sent: a bundle at a time, each one settled by itself."""

import logging
import time
from typing import NamedTuple

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy.orm import Session

from app.database import begin, begin_planned
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


class Taken(NamedTuple):
    """Who has taken a message, and what they call it."""

    provider: str
    provider_id: str | None = None


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
        if held:
            _deliver(held)


def _deliver(held: dict[int, int]) -> None:
    """Claim and send; what cannot be claimed with the others is claimed, or fails, by itself."""
    try:
        with begin_planned() as session:
            parcels = messages.claim(session, deliveries=held)
            first = _begin_next(session, parcels)
    except Exception as error:
        if len(held) > 1:
            for one in held.items():
                _deliver(dict([one]))
            return
        [(delivery_id, message_id)] = held.items()
        _record(message_id, delivery_id, error)
        return
    _bring(parcels, first)


def _bring(parcels: list[Parcel], parcel: Parcel | None) -> None:
    """Send one after the other; `parcel` is begun, `parcels` come after it."""
    until = time.monotonic() + BEGINS_WITHIN
    while parcel is not None:
        came = _tried(parcel)
        next_ones = parcels if time.monotonic() < until else []
        if not isinstance(came, Exception):
            parcel = _sent(parcel, came, next_ones)
            continue
        _failed(parcel, came)
        if _is_away(came):
            for other in parcels:
                _failed(other, came)
            return
        with begin_planned() as session:
            parcel = _begin_next(session, next_ones)
    if parcels:
        with begin() as session:
            messages.give_back(session, deliveries=[one.delivery_id for one in parcels])


def _tried(parcel: Parcel) -> Taken | Exception:
    try:
        return _hand_over(parcel)
    except SoftTimeLimitExceeded:
        return TimeIsUp()
    except Exception as error:
        return error


def _sent(parcel: Parcel, taken: Taken, parcels: list[Parcel]) -> Parcel | None:
    """Write down that one is sent, and begin the next in the same transaction."""
    with begin_planned() as session:
        messages.mark_sent(
            session, message_id=parcel.message_id, delivery_id=parcel.delivery_id,
            provider=taken.provider, provider_id=taken.provider_id,
        )  # fmt: skip
        return _begin_next(session, parcels)


def _begin_next(session: Session, parcels: list[Parcel]) -> Parcel | None:
    """Take the next one that is still to be sent off the list."""
    while parcels:
        parcel = parcels.pop(0)
        if messages.start(session, parcel):
            return parcel
    return None


def _hand_over(parcel: Parcel) -> Taken:
    if parcel.channel is MessageChannel.EMAIL:
        mail.gateway(kept_open=True).send(
            to=parcel.to, subject=parcel.subject or "", text=parcel.body, key=parcel.key,
            reply_to=parcel.reply_to, sender_name=parcel.sender, headers=parcel.headers,
        )  # fmt: skip
        return Taken("smtp")
    if parcel.channel is MessageChannel.SMS:
        sms.gateway().send(to=parcel.to, text=parcel.body, key=parcel.key)
        return Taken("sms")
    if parcel.channel is MessageChannel.PUSH:
        title = parcel.subject or parcel.sender
        push.gateway().send(to=parcel.to, title=title, text=parcel.body, key=parcel.key)
        return Taken("push")
    raise NobodyBringsIt


def _failed(parcel: Parcel, error: Exception) -> None:
    _record(parcel.message_id, parcel.delivery_id, error)


def _record(message_id: int, delivery_id: int, error: Exception) -> None:
    if not isinstance(error, Temporary | Permanent):
        log.error("Message %s failed.", message_id, exc_info=error)
    with begin() as session:
        messages.mark_failed(
            session, message_id=message_id, delivery_id=delivery_id, error=error,
            for_good=isinstance(error, Permanent),
            bad_address=isinstance(error, Permanent) and error.bad_address,
        )  # fmt: skip


def _is_away(refusal: Exception) -> bool:
    """Whether the next message would fare the same: nobody answers at all."""
    return isinstance(refusal, mail.ServerAway | mail.NotSetUp | TimeIsUp)


@celery_app.task(bind=True, name=templates.TRY_OUT, soft_time_limit=SECONDS)
def try_out(self: Task, template_id: int, customer_id: int) -> None:
    """Mail whoever asked what a customer would read."""
    with begin() as session:
        letter = templates.trial(session, template_id=template_id, customer_id=customer_id)
    if letter is not None:
        mail.gateway().send(**letter._asdict(), key=self.request.id)
