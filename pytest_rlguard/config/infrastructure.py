"""The section `infrastructure`: faults on purpose, and memory."""

from __future__ import annotations

from pytest_rlguard.config.section import Count, PositiveShare, Seconds, Section, Share

__all__ = ["ChaosTesting", "Infrastructure", "MemoryManagement"]


class ChaosTesting(Section):
    """How often a worker is struck (share of workers a second) and for how long."""

    enabled: bool = True
    worker_crash_rate: Share = 0.05
    validation_duration_sec: Seconds = 300.0


class MemoryManagement(Section):
    """When the learner is recycled: past this fragmentation, and every so many epochs."""

    fragmentation_threshold: PositiveShare = 0.85
    learner_recycle_interval_epochs: Count = 50


class Infrastructure(Section):
    """What the machines under the pipeline are put through."""

    chaos_testing: ChaosTesting = ChaosTesting()
    memory_management: MemoryManagement = MemoryManagement()
