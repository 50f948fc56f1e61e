"""The configuration: pydantic models of the YAML, its loading, and where each value came from.

Importing this room imports pydantic; the plugin does it only once an rlguard option or fixture is used.
"""

from __future__ import annotations

from pytest_rlguard.config.loading import LoadedConfig, load_config
from pytest_rlguard.config.root import Config

__all__ = ["Config", "LoadedConfig", "load_config"]
