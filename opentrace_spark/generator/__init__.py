"""A synthetic landing directory of any size: deterministic, and calibrated to the real Hub."""

from opentrace_spark.generator.calibration import Calibration
from opentrace_spark.generator.landing import GeneratedLanding, generate_landing

__all__ = ["Calibration", "GeneratedLanding", "generate_landing"]
