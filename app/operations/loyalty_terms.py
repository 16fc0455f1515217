"""What a programme, a rule and a reward cannot be: the database says no, and here is why."""

from app.errors import DomainError


class EndsBeforeItBegins(DomainError):
    sentence = "It ends before it begins: choose a later day, or none."
    field = "ends_on"


class ExpiryNeedsDays(DomainError):
    sentence = "Write after how many days points expire, or choose another end and no days."
    field = "expiry_days"


class GivesOneThing(DomainError):
    sentence = (
        "A purchase has a multiplier and no bonus, all else has a bonus and no multiplier: "
        "fill in the one, and leave the other empty."
    )
    field = "multiplier"


class AboutOneThing(DomainError):
    sentence = "A rule is about one thing: choose a category, a service or a product."
    field = "category"


class ProductsArePurchased(DomainError):
    sentence = "A product can only be bought: choose a purchase, or leave the product empty."
    field = "product"


class BirthdaysAreAboutNothing(DomainError):
    sentence = "A birthday is about nothing that is sold: leave what it is about empty."
    field = "earned_by"


class WithinDaysOfAVisit(DomainError):
    sentence = (
        "Write within how many days of a visit the next one is booked; all else has no such days."
    )
    field = "within_days"


class MultiplierOutOfReach(DomainError):
    sentence = "Write a multiplier up to 100; that of a tier is 1 or more."
    field = "multiplier"


class RateOutOfReach(DomainError):
    sentence = "This is too much: write at most 10,000."
    field = "points_per"


class RewardGivesOneThing(DomainError):
    sentence = (
        "Fill in what this kind of reward gives, an amount, a part, a product or a service, "
        "and leave the others empty."
    )
    field = "kind"


class NotAPart(DomainError):
    sentence = "This is no part of a price: write a percentage from 0.01 to 100."
    field = "percent"


class DaysOfALimit(DomainError):
    sentence = "Write how often it can be had within these days, or leave the days empty."
    field = "limit_days"


SAID: dict[str, type[DomainError]] = {
    "ck_loyalty_rules_ends_after_start": EndsBeforeItBegins,
    "ck_rewards_ends_after_start": EndsBeforeItBegins,
    "ck_loyalty_programs_expiry_days_fit_the_expiry": ExpiryNeedsDays,
    "ck_loyalty_rules_gives_what_fits": GivesOneThing,
    "ck_loyalty_rules_is_about_one_thing": AboutOneThing,
    "ck_loyalty_rules_products_are_purchased": ProductsArePurchased,
    "ck_loyalty_rules_birthdays_are_about_nothing": BirthdaysAreAboutNothing,
    "ck_loyalty_rules_within_days_of_a_visit": WithinDaysOfAVisit,
    "ck_loyalty_rules_multiplier_fits": MultiplierOutOfReach,
    "ck_loyalty_tiers_multiplier_fits": MultiplierOutOfReach,
    "ck_loyalty_programs_points_per_fit": RateOutOfReach,
    "ck_rewards_gives_what_fits": RewardGivesOneThing,
    "ck_rewards_percent_is_a_percentage": NotAPart,
    "ck_rewards_amount_fits": RewardGivesOneThing,
    "ck_rewards_limit_days_limit_something": DaysOfALimit,
}
