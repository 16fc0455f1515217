"""How the demo's six vendors work: hours, who does what, rooms, terms, classes, days off.

Days are weekdays from 1, Monday; times are the vendor's wall time. Every vendor has somebody at
work on every day, so that today's calendar shows something whenever the demo is opened.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Shift:
    """The same hours on some weekdays, with one break at most."""

    days: str
    hours: str
    pause: str | None = None
    until_days: int | None = None
    """Holds for so many days from today; what follows begins where it ends."""
    from_days: int | None = None


@dataclass(frozen=True)
class Skill:
    """Who does a service, and what differs when they do it."""

    staff: str
    service: str
    price: str | None = None
    minutes: int | None = None


@dataclass(frozen=True)
class Room:
    name: str
    services: tuple[str, ...]
    capacity: int = 1
    kind: str = "room"


@dataclass(frozen=True)
class Terms:
    """Percents of the price; `service` None: all that have none of their own."""

    service: str | None = None
    free_hours: int = 24
    late_hours: int = 4
    late: int = 50
    last: int = 100
    no_show: int = 100
    max_moves: int | None = 3


@dataclass(frozen=True)
class Away:
    """Time off (or on) `day` days from today, for so many days; without hours all day."""

    staff: str | None
    day: int
    reason: str
    days: int = 1
    hours: str | None = None
    kind: str = "off"
    weekday: int | None = None
    """The first such weekday from that day on."""


@dataclass(frozen=True)
class Timetable:
    """A class that is held on these weekdays."""

    service: str
    staff: str
    days: str
    at: str


@dataclass(frozen=True)
class Habit:
    """Somebody who comes `times` times at the same local hour, half of them behind us.

    Forty weeks hold a change of the clocks wherever they begin, if the place has any.
    """

    service: str
    staff: str
    at: str
    times: int = 40
    weeks: int = 1


@dataclass(frozen=True)
class Week:
    """All of it for one vendor; `busy` is the share of this week's working time that is booked."""

    hours: tuple[Shift, ...]
    staff: dict[str, tuple[Shift, ...]]
    skills: tuple[Skill, ...]
    busy: float
    rooms: tuple[Room, ...] = ()
    terms: tuple[Terms, ...] = ()
    away: tuple[Away, ...] = ()
    classes: tuple[Timetable, ...] = ()
    habits: tuple[Habit, ...] = ()
    service_hours: dict[str, tuple[Shift, ...]] = field(default_factory=dict)


def _all(staff: str, *services: str) -> tuple[Skill, ...]:
    return tuple(Skill(staff, service) for service in services)


AURORA = Week(
    hours=(Shift("123456", "09:00-18:00"), Shift("7", "10:00-16:00")),
    staff={
        "Inês Carvalho": (Shift("23456", "09:00-18:00", "13:00-14:00"),),
        "Rui Tavares": (Shift("12345", "10:00-18:00", "14:00-14:45"),),
        "Beatriz Fontes": (
            Shift("13456", "09:00-17:00", "12:30-13:15"), Shift("7", "10:00-16:00"),
        ),
        "Sofia Prates": (
            Shift("1256", "09:30-18:00", "13:30-14:15"), Shift("7", "10:00-16:00"),
        ),
    },
    skills=(
        Skill("Inês Carvalho", "Ladies' cut", "46.00", 60), Skill("Inês Carvalho", "Men's cut"),
        Skill("Inês Carvalho", "Bridal styling", "210.00"),
        Skill("Inês Carvalho", "Full balayage", "165.00"),
        Skill("Rui Tavares", "Root colour", None, 75), Skill("Rui Tavares", "Full balayage"),
        Skill("Rui Tavares", "Men's cut"),
        *_all("Beatriz Fontes", "Ladies' cut", "Men's cut", "Root colour", "Bridal styling"),
        *_all("Sofia Prates", "Gel manicure", "Deep facial"),
    ),
    busy=0.72,
    rooms=(
        Room("Styling chair", ("Ladies' cut", "Men's cut", "Root colour", "Full balayage",
                               "Bridal styling"), 4, "equipment"),
        Room("Colour bar", ("Root colour", "Full balayage"), 2, "equipment"),
        Room("Treatment room", ("Deep facial",)),
    ),
    terms=(Terms(), Terms("Bridal styling", 168, 48, 50, 100, 100, 1)),
    away=(
        Away("Rui Tavares", 8, "Holiday", days=5),
        Away("Sofia Prates", 2, "Dentist", hours="14:00-18:00"),
        Away("Inês Carvalho", 1, "Trade fair orders", hours="11:00-16:00", kind="extra",
             weekday=7),
        Away(None, 15, "Staff training"), Away(None, -40, "Stocktaking"),
        Away("Beatriz Fontes", -75, "Holiday", days=10),
    ),
    habits=(Habit("Men's cut", "Inês Carvalho", "10:00", 20, 2),
            Habit("Gel manicure", "Sofia Prates", "16:00", 20, 2)),
)  # fmt: skip

CITYVET = Week(
    hours=(
        Shift("12345", "08:00-18:00"), Shift("6", "09:00-16:00"), Shift("7", "10:00-14:00"),
    ),
    staff={
        "dr. Aylin Korkmaz": (
            Shift("1234", "08:00-17:00", "12:30-13:15"), Shift("6", "09:00-16:00", "12:00-12:30"),
        ),
        "dr. Pieter Visser": (
            Shift("2345", "09:00-18:00", "13:00-13:45"), Shift("7", "10:00-14:00"),
        ),
        "Femke Jansen": (
            Shift("1235", "08:00-16:30", "12:00-12:30"), Shift("7", "10:00-14:00"),
            Shift("6", "09:00-14:00", until_days=60),
            Shift("6", "09:00-16:00", "12:30-13:00", from_days=60),
        ),
    },
    skills=(
        Skill("dr. Aylin Korkmaz", "Consultation", "52.00"),
        *_all("dr. Aylin Korkmaz", "Annual vaccination", "Dental cleaning", "Neutering"),
        *_all("dr. Pieter Visser", "Consultation", "Annual vaccination", "Neutering"),
        Skill("dr. Pieter Visser", "Dental cleaning", None, 75),
        *_all("Femke Jansen", "Blood panel", "Annual vaccination"),
    ),
    busy=0.7,
    rooms=(
        Room("Consulting room", ("Consultation", "Annual vaccination", "Blood panel"), 3),
        Room("Operating theatre", ("Neutering", "Dental cleaning")),
    ),
    terms=(Terms(None, 12, 2, 25, 50, 50, None), Terms("Neutering", 48, 24, 30, 60, 80, 2)),
    away=(
        Away("dr. Pieter Visser", 9, "Congress in Utrecht", days=2),
        Away("Femke Jansen", 3, "School run", hours="14:00-16:30"),
        Away(None, 17, "Disinfection of all rooms"),
        Away("dr. Aylin Korkmaz", -50, "Holiday", days=12),
    ),
    habits=(Habit("Blood panel", "Femke Jansen", "09:00", 20, 2),),
    service_hours={"Neutering": (Shift("1234567", "08:00-13:00"),)},
)  # fmt: skip

PAWHOUSE = Week(
    hours=(Shift("123456", "08:00-19:00"), Shift("7", "10:00-17:00")),
    staff={
        "Wanjiru Kamau": (Shift("12345", "08:00-17:00", "12:30-13:30"),),
        "Brian Otieno": (
            Shift("3456", "10:00-19:00", "14:00-15:00"), Shift("7", "10:00-17:00", "13:00-13:30"),
        ),
        "Amina Hassan": (Shift("123456", "09:00-18:00", "13:00-14:00"),),
        "Kevin Mutua": (Shift("14567", "10:00-17:00", "13:00-13:45"),),
    },
    skills=(
        Skill("Wanjiru Kamau", "Full groom", "40.00", 75),
        *_all("Wanjiru Kamau", "Bath and brush", "Nail trim"),
        *_all("Brian Otieno", "Full groom", "Bath and brush", "Nail trim"),
        *_all("Amina Hassan", "Puppy class", "Nail trim"),
        *_all("Kevin Mutua", "Nail trim"),
    ),
    busy=0.55,
    rooms=(
        Room("Grooming table", ("Full groom", "Bath and brush"), 2, "equipment"),
        Room("Kennel", ("Overnight boarding",), 8), Room("Training yard", ("Puppy class",)),
    ),
    terms=(Terms(None, 24, 3, 30, 60, 100), Terms("Overnight boarding", 72, 24, 30, 50, 100, 2)),
    away=(
        Away("Brian Otieno", 7, "Family wedding", days=3),
        Away("Wanjiru Kamau", 2, "Clinic visit", hours="08:00-11:00"),
        Away(None, 18, "Public holiday"), Away("Amina Hassan", -30, "Holiday", days=8),
    ),
    classes=(
        Timetable("Puppy class", "Amina Hassan", "35", "16:00"),
        Timetable("Puppy class", "Amina Hassan", "6", "10:00"),
    ),
    habits=(Habit("Full groom", "Wanjiru Kamau", "14:00", 20, 2),),
)  # fmt: skip

IRONWORKS = Week(
    hours=(Shift("12345", "06:00-21:00"), Shift("67", "08:00-18:00")),
    staff={
        "Marcus Reed": (
            Shift("12345", "06:00-14:00", "10:30-11:15"), Shift("6", "08:00-13:00"),
        ),
        "Dana Kowalski": (
            Shift("1234", "12:00-21:00", "16:00-16:45"), Shift("7", "08:00-15:00", "11:30-12:00"),
        ),
        "Luis Ortega": (
            Shift("235", "08:00-17:00", "12:30-13:15"), Shift("67", "09:00-17:00", "13:00-13:30"),
        ),
    },
    skills=(
        Skill("Marcus Reed", "Personal training", "85.00"),
        *_all("Marcus Reed", "Spin class", "Body composition"),
        *_all("Dana Kowalski", "Personal training", "Yoga flow", "Spin class"),
        Skill("Luis Ortega", "Personal training", "60.00", 45),
        *_all("Luis Ortega", "Yoga flow", "Body composition"),
    ),
    busy=0.5,
    rooms=(
        Room("Studio", ("Spin class", "Yoga flow")), Room("Weights floor",
                                                          ("Personal training",), 4),
        Room("Body scanner", ("Body composition",), 1, "equipment"),
    ),
    terms=(Terms(None, 12, 2, 50, 100, 100), Terms("Personal training", 24, 6, 50, 100, 100, 4)),
    away=(
        Away("Luis Ortega", 8, "Coaching course", days=3),
        Away("Dana Kowalski", 2, "Physiotherapy", hours="12:00-14:00"),
        Away(None, 16, "New floor in the studio"), Away("Marcus Reed", -60, "Holiday", days=9),
    ),
    classes=(
        Timetable("Spin class", "Marcus Reed", "135", "06:30"),
        Timetable("Spin class", "Dana Kowalski", "24", "18:30"),
        Timetable("Yoga flow", "Dana Kowalski", "13", "19:00"),
        Timetable("Yoga flow", "Luis Ortega", "256", "09:30"),
        Timetable("Spin class", "Dana Kowalski", "7", "09:00"),
    ),
    habits=(Habit("Personal training", "Dana Kowalski", "17:00"),
            Habit("Personal training", "Marcus Reed", "07:30", 20, 2)),
)  # fmt: skip

GREENCART = Week(
    hours=(Shift("123456", "08:00-20:00"), Shift("7", "11:00-17:00")),
    staff={
        "Jonas Brandt": (Shift("12345", "09:00-18:00", "13:00-14:00"),),
        "Leyla Demir": (
            Shift("3456", "11:00-19:30", "15:00-15:45"), Shift("7", "11:00-17:00"),
        ),
    },
    skills=(
        *_all("Jonas Brandt", "Nutrition advice", "Fermenting workshop"),
        Skill("Leyla Demir", "Nutrition advice", "30.00"),
        Skill("Leyla Demir", "Fermenting workshop"),
    ),
    busy=0.35,
    rooms=(Room("Advice corner", ("Nutrition advice",)),
           Room("Kitchen", ("Fermenting workshop",))),
    terms=(Terms(None, 24, 2, 0, 50, 50), Terms("Fermenting workshop", 72, 24, 50, 100, 100, 1)),
    away=(
        Away("Jonas Brandt", 10, "Harvest at the farms", days=2),
        Away("Leyla Demir", 3, "Van inspection", hours="11:00-13:00"),
        Away(None, 19, "Inventory"), Away("Leyla Demir", -45, "Holiday", days=7),
    ),
    classes=(
        Timetable("Fermenting workshop", "Jonas Brandt", "4", "15:30"),
        Timetable("Fermenting workshop", "Leyla Demir", "6", "12:00"),
    ),
    habits=(Habit("Nutrition advice", "Jonas Brandt", "11:00", 20, 2),),
)  # fmt: skip

LUMEN = Week(
    hours=(Shift("12345", "07:00-16:00"), Shift("67", "08:00-13:00")),
    staff={
        "Priya Nair": (
            Shift("12345", "07:00-15:00", "11:00-11:45"), Shift("7", "08:00-13:00"),
        ),
        "Tom Gallagher": (
            Shift("2345", "08:00-16:00", "12:00-12:45"), Shift("6", "08:00-13:00"),
        ),
        "Mei Chen": (Shift("12345", "08:00-16:00", "12:45-13:30"), Shift("6", "08:00-13:00")),
    },
    skills=(
        *_all("Priya Nair", "Full blood count", "Allergy panel", "Executive health check"),
        *_all("Tom Gallagher", "Full blood count", "Allergy panel", "Results consultation"),
        Skill("Tom Gallagher", "Executive health check", "360.00", 105),
        *_all("Mei Chen", "Results consultation"),
    ),
    busy=0.65,
    rooms=(
        Room("Collection room", ("Full blood count", "Allergy panel"), 2),
        Room("Examination suite", ("Executive health check",)),
    ),
    terms=(
        Terms(None, 6, 1, 0, 30, 50, None), Terms("Executive health check", 72, 24, 25, 50, 75, 2),
    ),
    away=(
        Away("Priya Nair", 9, "Accreditation visit", days=1),
        Away("Mei Chen", 2, "Parents' evening", hours="14:00-16:00"),
        Away(None, 20, "Calibration of all instruments"),
        Away("Tom Gallagher", -55, "Holiday", days=14),
    ),
    habits=(Habit("Full blood count", "Priya Nair", "08:00", 20, 2),),
    service_hours={"Full blood count": (Shift("1234567", "07:00-11:00"),)},
)  # fmt: skip

WEEKS: dict[str, Week] = {
    "aurora": AURORA, "cityvet": CITYVET, "pawhouse": PAWHOUSE, "ironworks": IRONWORKS,
    "greencart": GREENCART, "lumen": LUMEN,
}  # fmt: skip
