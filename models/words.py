"""Words that several nouns share."""

from enum import StrEnum


class Channel(StrEnum):
    """The way a customer came, or a thing was bought."""

    ONLINE = "online"
    WALK_IN = "walk_in"
    PHONE = "phone"
    PARTNER = "partner"
    IMPORT = "import"


class InterestKind(StrEnum):
    """What a customer can have bought."""

    APPOINTMENT = "appointment"
    CLASS = "class"
    LAB_TEST = "lab_test"
    STAY = "stay"
    PRODUCT = "product"
    PACKAGE = "package"
    MEMBERSHIP = "membership"
