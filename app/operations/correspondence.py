"""What staff say to customers by hand: written, called off, and logged when it was said aloud."""

from sqlalchemy.orm import Session

from app.errors import DomainError
from app.operations import messages
from app.operations.moves import locked
from app.operations.refusing import HeldBack
from models.messages import Message, MessageStatus


class CalledOff(HeldBack):
    sentence = "It was called off before it was sent."


class OnItsWay(DomainError):
    sentence = "This message cannot be called off any more: it is on its way, or has ended."


def call_off(session: Session, *, message_id: int) -> Message:
    """Do not send what is queued. Refuses `OnItsWay` once a worker has it."""
    message = locked(session, Message, message_id)
    if message.status != MessageStatus.QUEUED:
        raise OnItsWay
    return messages.suppress(session, message_id=message_id, why=CalledOff())
