"""What every task does around its body: who acts, and that it is done once."""

import logging
from typing import Any

from celery import Task

from app.database import begin
from app.operations import outbox
from app.tenancy import SYSTEM, SYSTEM_USER_ID, Actor, acting, admin_actor, vendor_actor

log = logging.getLogger(__name__)

ID_PREFIX = "outbox-"


class HouseTask(Task):
    """A task whose payload says for whom it acts; brought by the outbox it runs once.

    `vendor_id` and `user_id` are taken out of the payload: inside a vendor the body acts as
    that vendor, else as the marketplace. A second delivery of a done message does nothing.
    """

    abstract = True
    typing = False  # the payload carries who acts, which `run` never sees

    def __call__(
        self, *args: Any, vendor_id: int | None = None, user_id: int | None = None, **kwargs: Any
    ) -> Any:
        user = SYSTEM_USER_ID if user_id is None else user_id
        actor = admin_actor(user_id=user) if vendor_id is None else vendor_actor(vendor_id, user)
        message_id = outbox_id(self.request.id)
        if message_id is None:
            with acting(actor):
                return self.run(*args, **kwargs)
        return self._once(message_id, actor, args, kwargs)

    def _once(self, message_id: int, actor: Actor, args: Any, kwargs: Any) -> Any:
        with acting(SYSTEM), outbox.running(message_id) as alone:
            if not alone or not _recorded(outbox.take_up, message_id=message_id):
                return None
            try:
                with acting(actor):
                    result = self.run(*args, **kwargs)
            except Exception as error:
                log.exception("Task %s of outbox message %s failed.", self.name, message_id)
                _recorded(outbox.mark_failed, message_id=message_id, error=error)
                raise
            _recorded(outbox.mark_done, message_id=message_id)
            return result


def _recorded(verb: Any, **arguments: Any) -> Any:
    with begin() as session:
        return verb(session, **arguments)


def outbox_id(task_id: str | None) -> int | None:
    """The outbox message a Celery task id stands for, if it stands for one."""
    number = (task_id or "").removeprefix(ID_PREFIX)
    return int(number) if number != (task_id or "") and number.isdecimal() else None
