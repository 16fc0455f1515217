"""The house's own words for each event, used until a vendor writes its own."""

from typing import NamedTuple

from models.messages import MessageChannel, MessageEvent


class Wording(NamedTuple):
    """What a message says, with its merge fields; `short` is for a phone's screen."""

    subject: str
    body: str
    short: str


SHORT = (MessageChannel.SMS, MessageChannel.PUSH)
"""Channels that carry a few words and no subject."""

_BOOKING = """\
What: {{service}}
With: {{staff}}
When: {{when}} ({{time_zone}})
Where: {{where}}
Room: {{room}}
"""
_GOODBYE = "\n{{vendor_name}}\n{{vendor_phone}}\n{{vendor_email}}\n"


def _letter(subject: str, body: str, short: str) -> Wording:
    return Wording(subject, f"Hello {{{{first_name}}}},\n\n{body}{_GOODBYE}", short)


WORDINGS: dict[MessageEvent, Wording] = {
    MessageEvent.BOOKING_CONFIRMED: _letter(
        "Your booking is confirmed: {{service}}, {{day}}",
        "your booking is confirmed.\n\n" + _BOOKING
        + "Price: {{price}}\nDeposit: {{deposit}}\n\nWe look forward to seeing you.\n",
        "{{vendor_name}}: {{service}} is booked for {{when}}.",
    ),
    MessageEvent.BOOKING_MOVED: _letter(
        "Your booking was moved: {{service}}, {{day}}",
        "your booking was moved.\n\n" + _BOOKING
        + "Before: {{before}}\nPrice: {{price}}\nDeposit: {{deposit}}\n\n"
        "If the new time does not suit you, please tell us.\n",
        "{{vendor_name}}: {{service}} was moved to {{when}}.",
    ),
    MessageEvent.BOOKING_CANCELLED: _letter(
        "Your booking was cancelled: {{service}}, {{day}}",
        "your booking was cancelled.\n\n" + _BOOKING
        + "Why: {{reason}}\nFee: {{fee}}\n\nWe would be glad to find you another time.\n",
        "{{vendor_name}}: {{service}} on {{when}} was cancelled.",
    ),
    MessageEvent.BOOKING_OFFERED: _letter(
        "A place has become free for you: {{service}}, {{day}}",
        "a place has become free for you.\n\n" + _BOOKING
        + "Price: {{price}}\nDeposit: {{deposit}}\n\n"
        "It is held for you until {{answer_until}}; then the next one is asked.\n",
        "{{vendor_name}}: {{service}} is free for you, {{when}}. Held until {{answer_until}}.",
    ),
    MessageEvent.BOOKING_REMINDER: _letter(
        "See you soon: {{service}}, {{day}}",
        "this is to remind you of your booking.\n\n" + _BOOKING
        + "\nIf you cannot come, please tell us in time.\n",
        "{{vendor_name}}: see you for {{service}}, {{when}}.",
    ),
    MessageEvent.BOOKING_COMPLETED: _letter(
        "Thank you for coming",
        "thank you for coming.\n\nWhat: {{service}}\nWith: {{staff}}\nWhen: {{day}}\n"
        "Price: {{price}}\n\nIf anything was not as it should be, please tell us.\n",
        "{{vendor_name}}: thank you for coming.",
    ),
    MessageEvent.BOOKING_NO_SHOW: _letter(
        "We missed you: {{service}}, {{day}}",
        "you had a booking with us and did not come.\n\nWhat: {{service}}\nWhen: {{when}}\n"
        "Fee: {{fee}}\n\nPlease tell us if you would like another time.\n",
        "{{vendor_name}}: we missed you on {{when}}. Call us for another time.",
    ),
    MessageEvent.ORDER_PLACED: _letter(
        "Thank you for your order {{order_number}}",
        "thank you for your order {{order_number}}.\n\n{{order_items}}\n\nTotal: {{order_total}}\n",
        "{{vendor_name}}: we have your order {{order_number}}, {{order_total}}. Thank you!",
    ),
    MessageEvent.ORDER_SHIPPED: _letter(
        "Your order {{order_number}} is on its way",
        "your order {{order_number}} is on its way.\n\nBy: {{carrier}}\n"
        "Tracking: {{tracking}}\n",
        "{{vendor_name}}: your order {{order_number}} is on its way.",
    ),
    MessageEvent.ORDER_DELIVERED: _letter(
        "Your order {{order_number}} was delivered",
        "your order {{order_number}} was delivered.\n\n"
        "If anything is missing or broken, please tell us.\n",
        "{{vendor_name}}: your order {{order_number}} was delivered.",
    ),
    MessageEvent.ORDER_REFUNDED: _letter(
        "Your refund for order {{order_number}}",
        "we have paid back {{refund}} for your order {{order_number}}.\n\n"
        "It can take some days until you see it.\n",
        "{{vendor_name}}: {{refund}} paid back for order {{order_number}}.",
    ),
    MessageEvent.MEMBERSHIP_RENEWING: _letter(
        "Your {{plan}} is renewed on {{period_end}}",
        "your membership is renewed soon.\n\nPlan: {{plan}}\nOn: {{period_end}}\n"
        "Price: {{plan_price}}\n\nIf you do not want that, please tell us before.\n",
        "{{vendor_name}}: your {{plan}} is renewed on {{period_end}} for {{plan_price}}.",
    ),
    MessageEvent.MEMBERSHIP_RENEWED: _letter(
        "Your {{plan}} was renewed",
        "your membership was renewed.\n\nPlan: {{plan}}\nPrice: {{plan_price}}\n"
        "Until: {{period_end}}\n",
        "{{vendor_name}}: your {{plan}} was renewed until {{period_end}}.",
    ),
    MessageEvent.MEMBERSHIP_FAILED: _letter(
        "Your {{plan}} could not be paid",
        "the payment for your {{plan}} did not go through.\n\nPrice: {{plan_price}}\n\n"
        "Please pay at the counter, or call us: until then its benefits rest.\n",
        "{{vendor_name}}: the payment for your {{plan}} did not go through. Please call us.",
    ),
    MessageEvent.MEMBERSHIP_EXPIRING: _letter(
        "Your {{plan}} ends on {{period_end}}",
        "your {{plan}} ends on {{period_end}}.\n\nTell us if you would like to go on.\n",
        "{{vendor_name}}: your {{plan}} ends on {{period_end}}.",
    ),
    MessageEvent.MEMBERSHIP_ENDED: _letter(
        "Your {{plan}} has ended",
        "your {{plan}} has ended. Thank you for having been with us.\n\n"
        "You can begin again whenever you like.\n",
        "{{vendor_name}}: your {{plan}} has ended. Begin again whenever you like.",
    ),
    MessageEvent.PACKAGE_LOW: _letter(
        "Your {{package}}: {{uses_left}} left",
        "of your {{package}} {{uses_left}} of {{uses}} are left.\n\n"
        "It is good until {{expires_on}}.\n",
        "{{vendor_name}}: {{uses_left}} of {{uses}} are left of your {{package}}.",
    ),
    MessageEvent.PACKAGE_EXPIRING: _letter(
        "Your {{package}} is good until {{expires_on}}",
        "your {{package}} is good until {{expires_on}}, and {{uses_left}} of {{uses}} are left.\n\n"
        "Book now, so that none is lost.\n",
        "{{vendor_name}}: {{uses_left}} uses of your {{package}} end on {{expires_on}}.",
    ),
    MessageEvent.POINTS_EXPIRING: _letter(
        "{{points}} of your points end on {{expires_on}}",
        "{{points}} of your points end on {{expires_on}}.\n\nUse them before.\n",
        "{{vendor_name}}: {{points}} of your points end on {{expires_on}}.",
    ),
    MessageEvent.REPLENISHMENT_DUE: _letter(
        "Is it time for more? {{item}}",
        "your {{item}} may be running out.\n\nBought last: {{last_on}}\n\n"
        "Shall we put it aside for you?\n",
        "{{vendor_name}}: is your {{item}} running out? We put it aside for you.",
    ),
    MessageEvent.VISIT_DUE: _letter(
        "Is it time again? {{item}}",
        "it may be time again for {{item}}.\n\nLast time: {{last_on}}\n\n"
        "Shall we find you a time?\n",
        "{{vendor_name}}: is it time again for {{item}}? Call us.",
    ),
    MessageEvent.BIRTHDAY: _letter(
        "Happy birthday, {{first_name}}!",
        "all the best for your birthday from all of us.\n\n"
        "Your present: {{coupon_value}} with the code {{coupon_code}}\n"
        "Good until: {{coupon_until}}\n",
        "{{vendor_name}}: happy birthday, {{first_name}}!",
    ),
    MessageEvent.WIN_BACK: _letter(
        "We have not seen you for a while",
        "we have not seen you since {{last_visit}}, and would like to.\n\n"
        "For you: {{coupon_value}} with the code {{coupon_code}}\nUntil: {{coupon_until}}\n",
        "{{vendor_name}}: we have not seen you for a while. Come and see us!",
    ),
    MessageEvent.TASK_DONE: _letter(
        "How is it going?",
        "we would like to hear whether everything is as it should be.\n\n"
        "Answer this message, or call us whenever you like.\n",
        "{{vendor_name}}: is everything as it should be? Call us whenever you like.",
    ),
}  # fmt: skip


def built_in(event: MessageEvent, channel: MessageChannel) -> tuple[str | None, str]:
    """Subject and body of the house's own words; a short channel has no subject."""
    words = WORDINGS[event]
    return (None, words.short) if channel in SHORT else (words.subject, words.body)
