"""What a status looks like: a tone, a glyph and a word; never colour alone."""

from typing import NamedTuple


class Look(NamedTuple):
    """How a status is shown; `quiet` is the normal state, shown without a tint in lists."""

    tone: str
    icon: str
    word: str
    quiet: bool = False


_GOOD = ("good", "circle-check")
_COMMON: dict[str, Look] = {
    "active": Look(*_GOOD, "Active", quiet=True),
    "completed": Look(*_GOOD, "Completed", quiet=True),
    "delivered": Look(*_GOOD, "Delivered", quiet=True),
    "paid": Look(*_GOOD, "Paid", quiet=True),
    "done": Look(*_GOOD, "Done", quiet=True),
    "confirmed": Look("info", "calendar-check", "Confirmed", quiet=True),
    "pending": Look("warn", "circle-dashed", "Pending"),
    "scheduled": Look("info", "calendar-check", "Scheduled", quiet=True),
    "waiting": Look("info", "clock", "Waiting", quiet=True),
    "offered": Look("warn", "hourglass", "Offered"),
    "booked": Look(*_GOOD, "Booked", quiet=True),
    "follow_up": Look("warn", "flag", "Follow-up"),
    "pending_follow_up": Look("warn", "flag", "Follow-up"),
    "unpaid": Look("warn", "circle-dashed", "Unpaid"),
    "part_paid": Look("warn", "circle-half-2", "Part paid"),
    "partly_paid": Look("warn", "circle-half-2", "Part paid"),
    "due_today": Look("warn", "clock", "Due today"),
    "low": Look("warn", "alert-triangle", "Low"),
    "paused": Look("warn", "player-pause", "Paused"),
    "skipped_duplicate": Look("warn", "users", "Duplicate"),
    "same_person": Look("warn", "users", "Same person?"),
    "undoing": Look("busy", "progress", "Undoing"),
    "no_show": Look("bad", "user-x", "No-show"),
    "failed": Look("bad", "alert-circle", "Failed"),
    "overdue": Look("bad", "alert-circle", "Overdue"),
    "refused": Look("bad", "ban", "Refused"),
    "invalid": Look("bad", "alert-circle", "Problem"),
    "problem": Look("bad", "alert-circle", "Problem"),
    "out": Look("bad", "circle-x", "None left"),
    "checked_in": Look("busy", "door-enter", "Checked in"),
    "fulfilled": Look("busy", "package", "Fulfilled"),
    "in_transit": Look("busy", "truck-delivery", "In transit"),
    "in_progress": Look("busy", "progress", "In progress"),
    "running": Look("busy", "progress", "Running"),
    "committing": Look("busy", "progress", "Importing"),
    "trying_out": Look("busy", "progress", "Trying out"),
    "reading": Look("busy", "progress", "Reading"),
    "sending": Look("busy", "progress", "Sending"),
    "placed": Look("info", "receipt", "Placed"),
    "sent": Look("info", "send", "Sent"),
    "approved": Look("info", "circle-check", "Approved"),
    "open": Look("info", "circle", "Open"),
    "created": Look("good", "user-plus", "New"),
    "new": Look("good", "user-plus", "New"),
    "updated": Look("info", "refresh", "Update"),
    "update": Look("info", "refresh", "Update"),
    "unchanged": Look("idle", "minus", "Unchanged"),
    "inactive": Look("idle", "circle-minus", "Inactive"),
    "ended": Look("idle", "circle-minus", "Ended"),
    "expired": Look("idle", "circle-minus", "Expired"),
    "revoked": Look("idle", "ban", "Revoked"),
    "used": Look("idle", "circle-check", "Used up"),
    "archived": Look("idle", "archive", "Archived"),
    "suspended": Look("bad", "ban", "Suspended"),
    "draft": Look("idle", "pencil", "Draft"),
    "cancelled": Look("idle", "circle-x", "Cancelled"),
    "undone": Look("idle", "arrow-back-up", "Undone"),
    "refunded": Look("idle", "arrow-back-up", "Refunded"),
    "reversed": Look("idle", "arrow-back-up", "Reversed"),
    "queued": Look("idle", "clock", "Queued"),
    "uploaded": Look("idle", "file-import", "Uploaded"),
    "mapped": Look("idle", "columns-3", "Columns chosen"),
    "tried_out": Look("info", "list-check", "Tried out"),
    "ready": Look("info", "list-check", "Ready"),
    "suppressed": Look("idle", "bell-off", "Suppressed"),
}
_OWN: dict[tuple[str, str], Look] = {
    ("task", "pending"): Look("info", "circle", "Open"),
    ("shipment", "packed"): Look("info", "package", "Packed"),
    ("shipment", "handed_over"): Look("busy", "truck-delivery", "Under way"),
    ("shipment", "failed"): Look("bad", "arrow-back-up", "Came back"),
    ("goods", "unfulfilled"): Look("warn", "package", "To hand over"),
    ("goods", "part_fulfilled"): Look("warn", "package", "Part handed over"),
    ("goods", "fulfilled"): Look("busy", "truck-delivery", "Handed over"),
    ("goods", "delivered"): Look(*_GOOD, "Delivered", quiet=True),
    ("goods", "returned"): Look("idle", "arrow-back-up", "Returned"),
    ("payment", "pending"): Look("warn", "hourglass", "Waiting"),
    ("payment", "authorised"): Look("busy", "lock", "Promised"),
    ("payment", "captured"): Look(*_GOOD, "Taken", quiet=True),
    ("money", "overpaid"): Look("warn", "alert-triangle", "Overpaid"),
    ("money", "part_refunded"): Look("idle", "arrow-back-up", "Part given back"),
    ("money", "refunded"): Look("idle", "arrow-back-up", "Given back"),
    ("refund", "pending"): Look("warn", "hourglass", "On its way"),
    ("refund", "succeeded"): Look(*_GOOD, "Given back", quiet=True),
    ("return", "requested"): Look("info", "package", "To come"),
    ("return", "received"): Look("warn", "hourglass", "To settle"),
    ("return", "settled"): Look(*_GOOD, "Settled", quiet=True),
    ("order", "open"): Look("idle", "pencil", "Draft"),
    ("class", "scheduled"): Look("info", "calendar-check", "To come", quiet=True),
    ("waitlist", "waiting"): Look("warn", "hourglass", "Waiting"),
    ("waitlist", "offered"): Look("busy", "send", "Offered"),
    ("waitlist", "booked"): Look(*_GOOD, "Booked", quiet=True),
    ("waitlist", "cancelled"): Look("idle", "circle-x", "Left"),
    ("consent", "agreed"): Look(*_GOOD, "Agreed", quiet=True),
    ("consent", "declined"): Look("idle", "circle-x", "Said no"),
    ("class", "now"): Look("busy", "clock", "Now"),
    ("class", "over"): Look("idle", "circle-check", "Over", quiet=True),
    ("class", "cancelled"): Look("idle", "calendar-x", "Called off"),
    ("stock", "low"): Look("warn", "alert-triangle", "Running low"),
    ("stock", "out"): Look("bad", "circle-x", "None to be had"),
    ("stock", "owed"): Look("bad", "alert-circle", "More promised"),
    ("cover", "suspended"): Look("busy", "player-pause", "Rests"),
    ("cover", "void"): Look("idle", "circle-x", "Ended early"),
    ("cover", "replaced"): Look("idle", "replace", "Replaced"),
    ("claim", "open"): Look("warn", "circle-dashed", "Open"),
    ("claim", "in_assessment"): Look("busy", "search", "Looked into"),
    ("claim", "in_repair"): Look("busy", "tool", "In repair"),
    ("claim", "resolved"): Look(*_GOOD, "Put right", quiet=True),
    ("claim", "rejected"): Look("idle", "ban", "Rejected"),
    ("outbox", "sent"): Look(*_GOOD, "Sent", quiet=True),
    ("outbox", "waiting"): Look("idle", "clock", "Waiting"),
    ("outbox", "given_up"): Look("bad", "alert-circle", "Given up"),
}


def look_of(status: str, kind: str = "") -> Look:
    """The look of a status of a kind of noun; an unknown word is shown as it is, in grey."""
    key = status.strip().lower().replace("-", "_").replace(" ", "_")
    shown = status.replace("_", " ").strip()
    unknown = Look("idle", "circle", shown[:1].upper() + shown[1:])
    return _OWN.get((kind, key)) or _COMMON.get(key) or unknown
