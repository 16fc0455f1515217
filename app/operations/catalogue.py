"""What the database refuses of plainly kept nouns, as sentences at their fields."""

from app.errors import REFUSALS, DomainError


def _refusal(name: str, sentence: str, field: str | None) -> type[DomainError]:
    return type(name, (DomainError,), {"sentence": sentence, "field": field, "__doc__": sentence})


REFUSALS |= {
    constraint: _refusal(name, sentence, field)
    for constraint, name, sentence, field in (
        ("uq_vendors_slug", "AddressTaken", "This address is taken: choose another.", "slug"),
        (
            "ck_vendors_slug_is_an_address", "NoAddress",
            "This cannot stand in an address: use small letters, digits and dashes.", "slug",
        ),
        (
            "uq_variants_vendor_id_sku", "SkuTaken",
            "Two variants cannot share a SKU: give each its own.", "variants",
        ),
        (
            "fk_order_lines_vendor_id_variant_id_variants", "VariantSold",
            "A variant that was sold stays: switch it off instead of removing it.", "variants",
        ),
        (
            "uq_categories_kind_parent_id_name", "CategoryThere",
            "There is a category of this name here: choose another name.", "name",
        ),
        (
            "fk_categories_parent_id_kind_categories", "OtherKind",
            "A category stands below one of its own kind: choose another.", "parent",
        ),
        (
            "ck_coupons_ends_after_start", "EndsTooEarly",
            "It ends before it begins: choose a later end.", "ends_at",
        ),
        (
            "uq_staff_services_vendor_id_service_id_staff_id", "DoesItAlready",
            "This member of staff is named for this service already: change that line.", "staff",
        ),
        (
            "uq_service_resources_vendor_id_service_id_resource_id", "NeededAlready",
            "The service needs this already: change how many there.", "resource",
        ),
        (
            "uq_cancellation_policies_vendor_id_service_id", "TermsThere",
            "This service has terms of its own already: change those.", "service",
        ),
        (
            "uq_cancellation_policies_vendor_id_default", "CommonTermsThere",
            "There are terms for all services already: change those, or choose a service.",
            "service",
        ),
        (
            "ck_cancellation_policies_late_is_not_before_free", "LateBeforeFree",
            "Late begins before it stops being free: write fewer hours, at most those above.",
            "late_hours",
        ),
    )
}  # fmt: skip
