"""What the demo's six vendors are and sell. Prices are in the installation's currency."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["appointment", "class", "lab_test", "stay"]


@dataclass(frozen=True)
class ServiceOnSale:
    name: str
    kind: Kind
    category: str
    minutes: int
    price: str
    buffer_after: int = 0
    capacity: int = 1
    buffer_before: int = 0
    deposit: str = "0.00"
    every: int = 15
    """minutes from one slot to the next"""
    notice: int = 60
    """minutes before which it is booked online at the latest"""
    advance: int = 90
    """days ahead to which it is booked online"""


@dataclass(frozen=True)
class ProductOnSale:
    name: str
    category: str
    variants: tuple[tuple[str, str | None, str], ...]
    """sku, option, price"""
    replenishment_days: int | None = None
    warranty_months: int | None = None


@dataclass(frozen=True)
class PackageOnSale:
    name: str
    category: str
    service: str
    uses: int
    price: str
    valid_days: int | None = 365


@dataclass(frozen=True)
class VendorOnShow:
    slug: str
    name: str
    kind: str
    country: str
    city: str
    time_zone: str
    staff: tuple[tuple[str, str], ...]
    services: tuple[ServiceOnSale, ...]
    products: tuple[ProductOnSale, ...]
    packages: tuple[PackageOnSale, ...]
    plans: tuple[tuple[str, str], ...]
    tags: tuple[str, ...]
    customers: int
    opens: int = 9
    closes: int = 18
    legal_name: str = ""
    street: str = ""
    postal_code: str = ""
    tax_number: str = ""


SERVICE_TREE = {
    "Hair": ("Cut and style", "Hair colour", "Balayage", "Bridal"),
    "Beauty": ("Nails", "Facials", "Massage"),
    "Veterinary": ("Consultation", "Vaccination", "Dental care", "Surgery"),
    "Pet care": ("Grooming", "Boarding", "Training"),
    "Fitness": ("Group class", "Personal training", "Assessment"),
    "Laboratory": ("Blood tests", "Allergy tests", "Health checks"),
    "Advice": ("Nutrition", "Workshop"),
}
PRODUCT_TREE = {
    "Hair care": ("Shampoo", "Treatment", "Styling"),
    "Pet food": ("Dog food", "Cat food"),
    "Pet supplies": ("Litter", "Toys", "Health"),
    "Sports nutrition": ("Protein", "Supplements"),
    "Groceries": ("Vegetables", "Pantry", "Drinks"),
    "Home testing": ("Test kits",),
}
PACKAGE_TREE = {"Session packs": (), "Check-up programmes": ()}

S, P, K = ServiceOnSale, ProductOnSale, PackageOnSale

VENDORS: tuple[VendorOnShow, ...] = (
    VendorOnShow(
        "aurora", "Aurora Hair and Beauty", "salon", "PT", "Lisboa", "Europe/Lisbon",
        (("Inês Carvalho", "Senior stylist"), ("Rui Tavares", "Colourist"),
         ("Beatriz Fontes", "Stylist"), ("Sofia Prates", "Beautician")),
        (S("Ladies' cut", "appointment", "Cut and style", 45, "38.00", 5),
         S("Men's cut", "appointment", "Cut and style", 30, "22.00", 5),
         S("Root colour", "appointment", "Hair colour", 90, "64.00", 10),
         S("Full balayage", "appointment", "Balayage", 150, "145.00", 15,
           deposit="40.00", every=30, notice=240),
         S("Bridal styling", "appointment", "Bridal", 120, "180.00", 15,
           deposit="60.00", every=30, notice=2880, advance=365),
         S("Gel manicure", "appointment", "Nails", 45, "29.00"),
         S("Deep facial", "appointment", "Facials", 60, "55.00", 10)),
        (P("Repair shampoo", "Shampoo", (("AU-SH-250", "250 ml", "14.50"),
           ("AU-SH-1000", "1 l", "39.00")), 60),
         P("Colour mask", "Treatment", (("AU-MK-200", "200 ml", "22.00"),), 75),
         P("Sea salt spray", "Styling", (("AU-SS-150", "150 ml", "17.90"),))),
        (K("6 cuts", "Session packs", "Ladies' cut", 6, "199.00"),
         K("5 manicures", "Session packs", "Gel manicure", 5, "125.00", 180)),
        (("Aurora Circle", "12.00"),),
        ("colour", "balayage", "bridal", "allergy: ppd", "prefers inês", "student"), 260, 9, 18,
        "Aurora Cabeleireiros, Lda.", "Rua Augusta 112", "1100-053", "PT509999990",
    ),
    VendorOnShow(
        "cityvet", "CityVet Amsterdam", "clinic", "NL", "Amsterdam", "Europe/Amsterdam",
        (("dr. Aylin Korkmaz", "Veterinarian"), ("dr. Pieter Visser", "Veterinarian"),
         ("Femke Jansen", "Nurse")),
        (S("Consultation", "appointment", "Consultation", 20, "48.00", 5),
         S("Annual vaccination", "appointment", "Vaccination", 20, "62.50", 5),
         S("Dental cleaning", "appointment", "Dental care", 60, "190.00", 15),
         S("Neutering", "appointment", "Surgery", 90, "240.00", 30, buffer_before=10,
           deposit="50.00", every=30, notice=1440),
         S("Blood panel", "lab_test", "Blood tests", 15, "75.00")),
        (P("Flea and tick drops", "Health", (("CV-FT-S", "up to 10 kg", "24.00"),
           ("CV-FT-L", "over 10 kg", "29.00")), 30),
         P("Kidney diet", "Cat food", (("CV-KD-2", "2 kg", "31.90"),), 35),
         P("Dental chews", "Health", (("CV-DC-M", "M", "9.80"),), 28)),
        (K("Puppy programme", "Check-up programmes", "Annual vaccination", 3, "165.00"),),
        (("Healthy Pet Plan", "17.50"),),
        ("nervous cat", "two pets", "insurance", "senior pet", "chip missing"), 230, 8, 18,
        "CityVet B.V.", "Prinsengracht 300", "1016 HW", "NL800000000B01",
    ),
    VendorOnShow(
        "pawhouse", "Paw House", "pet_shop", "KE", "Nairobi", "Africa/Nairobi",
        (("Wanjiru Kamau", "Groomer"), ("Brian Otieno", "Groomer"),
         ("Amina Hassan", "Boarding"), ("Kevin Mutua", "Shop")),
        (S("Full groom", "appointment", "Grooming", 90, "35.00", 10),
         S("Bath and brush", "appointment", "Grooming", 45, "18.00", 10),
         S("Nail trim", "appointment", "Grooming", 15, "6.00"),
         S("Overnight boarding", "stay", "Boarding", 1440, "22.00", deposit="22.00",
           notice=180, advance=180),
         S("Puppy class", "class", "Training", 60, "12.00", 0, 8)),
        (P("Adult dog kibble", "Dog food", (("PH-DK-3", "3 kg", "14.00"),
           ("PH-DK-12", "12 kg", "48.00")), 30),
         P("Cat litter, clumping", "Litter", (("PH-CL-10", "10 l", "13.40"),), 21),
         P("Microchip feeder", "Toys", (("PH-MF-01", None, "129.00"),),
           warranty_months=24),
         P("Rope toy", "Toys", (("PH-RT-S", "S", "4.50"), ("PH-RT-L", "L", "7.50")))),
        (K("10 grooms", "Session packs", "Full groom", 10, "297.50"),
         K("5 nail trims", "Session packs", "Nail trim", 5, "25.00", 180)),
        (("Paw Plus", "19.00"),),
        ("vip", "two pets", "muzzle", "long coat", "boards often"), 240, 8, 19,
        "Paw House Ltd", "Ngong Road 45", "00100", "P000000000A",
    ),
    VendorOnShow(
        "ironworks", "Ironworks Gym", "gym", "US", "Brooklyn", "America/New_York",
        (("Marcus Reed", "Trainer"), ("Dana Kowalski", "Trainer"), ("Luis Ortega", "Coach")),
        (S("Spin class", "class", "Group class", 45, "15.00", 0, 20, notice=30, advance=21),
         S("Yoga flow", "class", "Group class", 60, "16.00", 0, 16, notice=30, advance=21),
         S("Personal training", "appointment", "Personal training", 60, "70.00"),
         S("Body composition", "appointment", "Assessment", 30, "25.00")),
        (P("Whey protein", "Protein", (("IW-WP-CH", "chocolate, 1 kg", "32.00"),
           ("IW-WP-VA", "vanilla, 1 kg", "32.00")), 30),
         P("Electrolytes", "Supplements", (("IW-EL-30", "30 sachets", "19.00"),), 30),
         P("Lifting straps", "Supplements", (("IW-LS-01", None, "14.00"),),
           warranty_months=12)),
        (K("10 personal trainings", "Session packs", "Personal training", 10, "620.00"),
         K("20 classes", "Session packs", "Spin class", 20, "240.00", 120)),
        (("Iron Monthly", "59.00"), ("Iron Off-peak", "35.00")),
        ("morning", "off-peak", "knee injury", "referred", "trial"), 270, 6, 21,
        "Ironworks Gym LLC", "Bedford Avenue 210", "11211", "00-0000000",
    ),
    VendorOnShow(
        "greencart", "GreenCart", "store", "DE", "Berlin", "Europe/Berlin",
        (("Jonas Brandt", "Store"), ("Leyla Demir", "Deliveries")),
        (S("Nutrition advice", "appointment", "Nutrition", 30, "35.00"),
         S("Fermenting workshop", "class", "Workshop", 120, "45.00", 0, 12, deposit="15.00",
           notice=720)),
        (P("Vegetable box", "Vegetables", (("GC-VB-S", "small", "19.90"),
           ("GC-VB-L", "large", "32.90")), 7),
         P("Oat drink, case of 6", "Drinks", (("GC-OD-6", None, "11.40"),), 14),
         P("Olive oil", "Pantry", (("GC-OO-05", "0.5 l", "12.90"),
           ("GC-OO-1", "1 l", "21.90")), 45),
         P("Sourdough flour", "Pantry", (("GC-FL-25", "2.5 kg", "6.80"),), 30),
         P("Kombucha", "Drinks", (("GC-KO-GI", "ginger", "3.20"), ("GC-KO-BE", "berry", "3.20")),
           10)),
        (), (("Green Delivery", "4.90"),),
        ("vegan", "box subscriber", "allergy: nuts", "leave at door", "office"), 310, 8, 20,
        "GreenCart GmbH", "Torstraße 90", "10119", "DE000000000",
    ),
    VendorOnShow(
        "lumen", "Lumen Diagnostics", "lab", "AU", "Sydney", "Australia/Sydney",
        (("Priya Nair", "Phlebotomist"), ("Tom Gallagher", "Lab technician"),
         ("Mei Chen", "Reception")),
        (S("Full blood count", "lab_test", "Blood tests", 15, "42.00", 5),
         S("Allergy panel", "lab_test", "Allergy tests", 20, "120.00", 5),
         S("Executive health check", "appointment", "Health checks", 90, "390.00", 15,
           buffer_before=10, deposit="100.00", every=30, notice=1440),
         S("Results consultation", "appointment", "Health checks", 20, "60.00")),
        (P("Home iron test", "Test kits", (("LU-HI-01", None, "39.00"),)),
         P("Gut health kit", "Test kits", (("LU-GH-01", None, "149.00"),))),
        (K("4 quarterly panels", "Check-up programmes", "Full blood count", 4, "150.00"),),
        (("Lumen Care", "25.00"),),
        ("fasting", "corporate", "needle fear", "home visit"), 210, 7, 16,
        "Lumen Diagnostics Pty Ltd", "George Street 12", "2000", "00 000 000 000",
    ),
)  # fmt: skip
