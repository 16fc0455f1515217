"""The fields people fill in: every refusal is a sentence at its field, nothing typed is lost.

A field is declared as `Text("Name", wanted=True)` in a view's `fields`; without a form around it
WTForms keeps such a declaration unbound, so one declaration serves every request.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

import phonenumbers
from markupsafe import Markup
from sqlalchemy.orm import Session
from wtforms import BooleanField, Field, Form, HiddenField, StringField, TextAreaField, widgets
from wtforms.validators import StopValidation, ValidationError

from admin_views.loaders import Lookup, without_control
from admin_views.rendering import environment, word
from app.contact import normal_email, normal_phone
from app.errors import DomainError
from app.money import decimals_of
from app.settings import settings

LONGEST = 200
LONGEST_NOTE = 10_000


class Wanted:
    """A field that cannot stay empty; the label is written without "optional"."""

    field_flags = {"wanted": True}  # noqa: RUF012 - WTForms reads the class

    def __call__(self, form: Form, field: Field) -> None:
        """Refuse an empty field, and say which."""
        if field.data is None or field.data in ("", []):
            raise StopValidation("" if field.errors else self.sentence(field))

    def sentence(self, field: Field) -> str:
        """What is missing, and what to do."""
        return f"{field.label.text} is missing: fill it in."


class HouseForm(Form):
    """A form of the house: `seen` tells which values it showed, against changes meanwhile."""

    seen = HiddenField()


class _House(Field):
    """What the fields share: `wanted`, a hint, and how a saved value comes and goes."""

    def __init__(
        self, label: str, *, wanted: bool = False, hint: str = "", wide: bool = False, **kw: Any
    ):
        kw.setdefault("validators", [Wanted()] if wanted else [])
        super().__init__(label, description=hint, **kw)
        self.wanted = wanted
        if wide:
            self.flags.wide = True

    def shown(self, value: Any, zone: tzinfo) -> Any:
        """The stored value as the form shows it."""
        return value

    def kept(self, value: Any, context: "Saving") -> Any:
        """The typed value as it is stored; refuses with a sentence at this field."""
        return value


@dataclass(frozen=True)
class Saving:
    """Where a value is being saved: the vendor's country and zone, and what stood there before."""

    session: Session
    zone: tzinfo
    country: str
    before: Any = None
    notes: list[str] | None = None

    def say(self, sentence: str) -> None:
        """Tell something that was decided for the person while saving."""
        if self.notes is not None:
            self.notes.append(sentence)


class _Typed(_House, StringField):
    """A field that keeps what was typed until it is read."""

    longest = LONGEST

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Take what was posted, and read it."""
        if not valuelist:
            return
        raw = valuelist[0] if isinstance(valuelist[0], str) else ""
        text = without_control(raw).strip()
        if len(text) > self.longest:
            self.data = None
            raise ValueError(f"This is too long: use at most {self.longest:,} characters.")
        self.data = self.read(text) if text else None

    def read(self, text: str) -> Any:
        """The value that was typed; raises ValueError with a sentence."""
        return text

    def written(self, value: Any) -> str:
        """The value as one would type it."""
        return str(value)

    def _value(self) -> str:
        if self.raw_data and isinstance(self.raw_data[0], str):
            return without_control(self.raw_data[0])
        return "" if self.data is None else self.written(self.data)


class Text(_Typed):
    """One line of text."""

    def __init__(self, label: str, *, longest: int = LONGEST, lower: bool = False, **kw: Any):
        super().__init__(label, **kw)
        self.longest = longest
        self.lower = lower

    def read(self, text: str) -> str:
        """One line, its blanks in order."""
        line = " ".join(text.split())
        return line.lower() if self.lower else line


class Note(_Typed, TextAreaField):
    """Lines of text."""

    longest = LONGEST_NOTE
    widget = widgets.TextArea()

    def __init__(self, label: str, **kw: Any):
        super().__init__(label, wide=True, render_kw={"rows": 3, "dir": "auto"}, **kw)


class Code(Text):
    """A code in capitals without blanks, such as that of a coupon."""

    def read(self, text: str) -> str:
        """The code in capitals."""
        return "".join(text.split()).upper()


class Address(_Typed):
    """The part of an address that names a vendor: small letters, digits and dashes."""

    longest = 63

    def read(self, text: str) -> str:
        """The word, refused if it could not stand in an address."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", text):
            raise ValueError(
                "This cannot stand in an address: use small letters, digits and dashes."
            )
        return text


class Email(_Typed):
    """An e-mail address, kept in the form in which addresses are compared."""

    widget = widgets.EmailInput()

    def read(self, text: str) -> str:
        """The normal form of the address."""
        address = normal_email(text)
        if address is None:
            raise ValueError("This is no e-mail address: write it like name@example.com.")
        return address


class Phone(_Typed):
    """A phone number: shown international, read in the vendor's country, kept as E.164."""

    widget = widgets.TelInput()
    longest = 60

    def written(self, value: Any) -> str:
        """+31 6 12348890."""
        try:
            known = phonenumbers.parse(str(value), None)
        except phonenumbers.NumberParseException:
            return str(value)
        return phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.INTERNATIONAL)

    def kept(self, value: Any, context: Saving) -> Any:
        """The number as E.164."""
        if value is None or value == context.before:
            return value
        number = normal_phone(value, context.country)
        if number is None:
            raise DomainError(
                "This is no phone number: write it with its country code, like +49 151 2345678.",
                field=self.name,
            )
        return number


def _grouped(text: str) -> str:
    """A number as people write it, with a point before the decimals and nothing else."""
    text = re.sub(r"[\s\u00a0\u202f'’]", "", text).replace("−", "-")
    if "," in text and "." in text:
        last = max(text.rfind(","), text.rfind("."))
        whole, cents = text[:last], text[last + 1 :]
        mark = "," if text[last] == "." else "."
        if not re.fullmatch(rf"-?\d{{1,3}}(?:\{mark}\d{{3}})+", whole):
            return "?"
        return f"{whole.replace(mark, '')}.{cents}"
    if text.count(",") == 1:
        return text.replace(",", ".")
    return text


class Amount(_Typed):
    """Money: 12,50 or 12.50 or 1,240.00; never more decimals than the currency has."""

    longest = 40
    low = Decimal(0)
    high = Decimal("9999999999.99")

    def __init__(self, label: str, *, decimals: int | None = None, **kw: Any):
        super().__init__(label, render_kw={"inputmode": "decimal", "class": "num"}, **kw)
        self.decimals = decimals_of(settings().currency) if decimals is None else decimals

    def read(self, text: str) -> Decimal:
        """The amount, exact: nothing is rounded silently."""
        return read_amount(text, self.decimals, low=self.low, high=self.high)

    def written(self, value: Any) -> str:
        """12.50, as one would type it again."""
        return f"{Decimal(value):.{self.decimals}f}"


def read_amount(
    text: str,
    decimals: int = 2,
    *,
    low: Decimal = Amount.low,
    high: Decimal = Amount.high,
) -> Decimal:
    """The amount somebody typed; raises ValueError with a sentence that says what to do."""
    plain = _grouped(text)
    if re.fullmatch(r"-?\d{1,3},\d{3}", text.strip()) and decimals < 3:
        raise ValueError(
            f"{text.strip()} can be read in two ways: write it without the comma, or with cents."
        )
    if not re.fullmatch(r"-?[0-9]{1,20}(\.[0-9]{0,20})?|-?\.[0-9]{1,20}", plain):
        raise ValueError("This is no amount: write it like 12.50.")
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise ValueError("This is no amount: write it like 12.50.") from None
    unit = Decimal(1).scaleb(-decimals)
    if value != value.quantize(unit):
        many = f"at most {decimals} decimals" if decimals else "no decimals"
        raise ValueError(f"This has too many decimals: use {many}.")
    if value < low:
        raise ValueError("This is below zero: write an amount of 0 or more.")
    if value > high:
        raise ValueError(f"This is too much: write at most {high:,}.")
    return value.quantize(unit)


class Whole(_Typed):
    """A whole number within its limits."""

    longest = 30

    def __init__(self, label: str, *, low: int = 0, high: int = 1_000_000, **kw: Any):
        super().__init__(label, render_kw={"inputmode": "numeric", "class": "num"}, **kw)
        self.low, self.high = low, high

    def read(self, text: str) -> int:
        """The number."""
        return read_whole(text, self.low, self.high)


def read_whole(text: str, low: int, high: int) -> int:
    """The whole number somebody typed; raises ValueError with a sentence."""
    plain = re.sub(r"[\s\u00a0\u202f'’]", "", text).replace("−", "-")
    if not re.fullmatch(r"-?[0-9]{1,18}", plain):
        raise ValueError(f"This is no whole number: write one from {low:,} to {high:,}.")
    number = int(plain)
    if not low <= number <= high:
        raise ValueError(f"This does not fit: write a number from {low:,} to {high:,}.")
    return number


class Day(_Typed):
    """A date without a time."""

    widget = widgets.DateInput()

    def read(self, text: str) -> date:
        """The day, as the browser writes it."""
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise ValueError("This is no date: write it like 2026-11-20.") from None
        return _sane(day)

    def written(self, value: Any) -> str:
        """2026-11-20."""
        return value.isoformat() if isinstance(value, date) else str(value)


def _sane(day: date) -> date:
    if not 1900 <= day.year <= 2200:
        raise ValueError("This year cannot be right: use one between 1900 and 2200.")
    return day


class WallTime(_Typed):
    """A day and a time as the vendor's clocks show it."""

    widget = widgets.DateTimeLocalInput()

    def read(self, text: str) -> datetime:
        """The wall time, not yet in a zone."""
        return read_wall(text)

    def written(self, value: Any) -> str:
        """2026-11-20T15:30."""
        return value.strftime("%Y-%m-%dT%H:%M") if isinstance(value, datetime) else str(value)

    def shown(self, value: Any, zone: tzinfo) -> Any:
        """The moment on the vendor's clock."""
        return None if value is None else wall(value, zone)

    def kept(self, value: Any, context: Saving) -> Any:
        """The moment; a time that does not exist is refused, of a time that comes twice the first
        is taken and said."""
        if value is None:
            return None
        if context.before is not None and wall(context.before, context.zone) == value:
            return context.before
        return moment_of(value, context, self.name)


def read_wall(text: str) -> datetime:
    """A day and a time as somebody typed it; raises ValueError with a sentence."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("This is no date and time: write it like 2026-11-20 15:30.") from None
    _sane(moment.date())
    return moment.replace(tzinfo=None, second=0, microsecond=0, fold=0)


def wall(moment: datetime, zone: tzinfo) -> datetime:
    """The minute that the clocks of `zone` show at a moment."""
    local = moment.astimezone(zone)
    return local.replace(tzinfo=None, second=0, microsecond=0, fold=0)


def moment_of(value: datetime, context: Saving, field: str | None = None) -> datetime:
    """The moment at which the clocks of the zone show a wall time."""
    first = value.replace(tzinfo=context.zone, fold=0)
    if first.astimezone(UTC).astimezone(context.zone).replace(tzinfo=None) != value:
        raise DomainError(
            f"The clocks skip {value:%H:%M} on that day: choose a time before or after the change.",
            field=field,
        )
    if first.utcoffset() != first.replace(fold=1).utcoffset():
        context.say(f"{value:%H:%M} comes twice on that day: the first one was taken.")
    return first.astimezone(UTC)


class Clock(_Typed):
    """A time of the day, as a wall clock shows it."""

    widget = widgets.TimeInput()

    def read(self, text: str) -> time:
        """The time to the minute."""
        try:
            return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
        except ValueError:
            raise ValueError("This is no time: write it like 15:30.") from None

    def written(self, value: Any) -> str:
        """15:30."""
        return value.strftime("%H:%M") if isinstance(value, time) else str(value)


class Choice(_House):
    """One of a few words, by their labels."""

    widget = widgets.Select()
    _formfield = True
    validation_attrs = ("required",)

    def __init__(
        self,
        label: str,
        words: type[StrEnum] | Iterable[tuple[str, str]],
        *,
        default: str | None = None,
        **kw: Any,
    ):
        super().__init__(label, default=default, **kw)
        self.pairs = list(words_of(words))
        self.type = "SelectField"

    def iter_choices(self) -> Iterable[tuple[str, str, bool, dict[str, Any]]]:
        """What the select offers; an empty first line where nothing is chosen yet."""
        if not self.wanted or self.data is None:
            yield "", "", self.data is None, {}
        for value, label in self.pairs:
            yield value, label, value == self.data, {}

    def has_groups(self) -> bool:
        """No groups: the lists are short."""
        return False

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Take the word that was chosen; refuse any other."""
        if not valuelist:
            return
        value = str(valuelist[0])
        if value == "":
            self.data = None
        elif any(value == known for known, _ in self.pairs):
            self.data = value
        else:
            self.data = None
            raise ValueError("This is not one of the choices: choose one from the list.")


def words_of(words: type[StrEnum] | Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """`(value, label)` of an enum's words, or the pairs as they are."""
    if isinstance(words, type):
        return [(w.value, word(w)) for w in words]
    return words


class Check(_House, BooleanField):
    """Yes or no; what is not posted is no."""

    def __init__(self, label: str, *, default: bool = True, **kw: Any):
        super().__init__(label, default=default, false_values=(False, "false", "", "0"), **kw)
        self.type = "BooleanField"


class Pick(_House):
    """A related record (or a word of a long list), searched as one types.

    `data` is the posted id; `kept` finds the record where row security lets it be found.
    """

    def __init__(self, label: str, lookup: Lookup, **kw: Any):
        super().__init__(label, **kw)
        self.lookup = lookup
        self.typed_text = ""

    def process(self, formdata: Any, *args: Any, **kw: Any) -> None:
        """Take the id and, so that nothing typed is lost, the words beside it."""
        if formdata is not None and f"{self.name}_text" in formdata:
            self.typed_text = without_control(str(formdata.getlist(f"{self.name}_text")[0]))[:200]
        super().process(formdata, *args, **kw)

    def process_data(self, value: Any) -> None:
        """`(id, text)` of the record that stands there."""
        self.data, shown = value if isinstance(value, tuple) else (value, "")
        self.typed_text = self.typed_text or shown

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """The posted id, or nothing."""
        if valuelist:
            self.data = without_control(str(valuelist[0]))[:100].strip() or None

    def post_validate(self, form: Form, validation_stopped: bool) -> None:
        """What was typed but never chosen is not silently dropped."""
        if self.data is None and self.typed_text.strip() and not self.errors:
            raise ValidationError(
                f"“{self.typed_text.strip()[:60]}” was not chosen: choose one from the list."
            )

    def kept(self, value: Any, context: Saving) -> Any:
        """The record, or a refusal that does not tell whether it exists elsewhere."""
        if value is None:
            return None
        found = self.lookup.find(context.session, value)
        if found is None:
            raise DomainError("This one is not here: choose one from the list.", field=self.name)
        return found

    def widget(self, field: "Pick", **attrs: Any) -> Markup:
        """The combobox; the label and the errors are drawn around it."""
        return _pick_box(field, str(attrs.get("data-url") or ""), attrs)


def _pick_box(field: Pick, url: str, attrs: dict[str, Any]) -> Markup:
    drawn = environment().get_template("panel/pick.html")
    joined = f"{url}?name={field.name}"
    return Markup(  # noqa: S704 - an autoescaping template made it
        drawn.render(f=field, url=joined, attrs=attrs, text=field.typed_text)
    )


def form_class(fields: dict[str, Any], base: type[Form] = HouseForm) -> type[Form]:
    """A form of these declared fields, in their order."""
    return type("NounForm", (base,), dict(fields))


Declared = dict[str, Any]
Reader = Callable[[Any], Any]
