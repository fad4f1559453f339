"""What holds for every test: nothing is asserted about how long something takes."""

from hypothesis import HealthCheck, settings

# A busy machine is slow, and that is no failure; benchmarks/ measures speed.
settings.register_profile(
    "bisik", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("bisik")
