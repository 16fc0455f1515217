"""The smallest parts of a page, drawn without a template: a page has a hundred of them."""

from collections.abc import Iterable
from functools import lru_cache

from markupsafe import Markup, escape


@lru_cache(maxsize=512)
def icon(name: str, label: str = "") -> Markup:
    """A Tabler glyph; silent without a label."""
    if not label:
        return Markup('<i class="ti ti-{}" aria-hidden="true"></i>').format(name)
    spoken = '<i class="ti ti-{}" role="img" title="{}" aria-label="{}"></i>'
    return Markup(spoken).format(name, label, label)  # noqa: S704 - format escapes


def hidden(pairs: Iterable[tuple[str, object]] | None) -> Markup:
    """The rest of an address or a form, as inputs that nobody sees."""
    drawn = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in pairs or ()
    )
    return Markup(drawn)  # noqa: S704 - escaped above
