"""The section `sim_to_real`: the canonical suite and the gap it may show."""

from __future__ import annotations

from pytest_rlguard.config.section import Count, Name, PositiveShare, Section

__all__ = ["SimToReal"]


class SimToReal(Section):
    """How often the suite that was calibrated on hardware is run, and the gap that raises the alert."""

    canonical_eval_interval_epochs: Count = 10
    gap_alert_threshold: PositiveShare = 0.15
    hardware_calibration_suite: Name = "canonical_manipulation_v2"
