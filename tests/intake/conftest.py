"""Properties here read files: the time that takes says nothing about what is promised."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "files", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("files")
