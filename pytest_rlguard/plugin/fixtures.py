"""The fixtures `rl_*`: the session's settings, env, policy and pool. A conftest may override the first three.

This module is imported at pytest's start; so it imports pytest alone, and everything else where a fixture is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_rlguard.errors import UsageError
from pytest_rlguard.plugin.refusals import shown_short

if TYPE_CHECKING:
    from pytest_rlguard.config import Config
    from pytest_rlguard.plugin.gate import Gate, GateReports
    from pytest_rlguard.pool import WorkerPool

__all__ = ["rl_config", "rl_env_factory", "rl_gate", "rl_gate_reports", "rl_policy", "rl_pool", "rl_workers"]


@pytest.fixture(scope="session")
def rl_config(pytestconfig: pytest.Config) -> Config:
    """The configuration: flags, then the file that --rlguard-config or the ini names, then the built-in values."""
    from pytest_rlguard.plugin.options import load_settings

    with shown_short():
        return load_settings(pytestconfig).config


@pytest.fixture
def rl_env_factory(request: pytest.FixtureRequest, rl_config: Config) -> Any:
    """Builds a fresh env at each call: the one that the test's `rl_env` names, else the configured one."""
    from pytest_rlguard.targets import resolve_env

    mark = request.node.get_closest_marker("rl_env")
    target = mark.args[0] if mark is not None and mark.args else rl_config.env.target
    with shown_short():
        if target is None:
            raise UsageError("no env is named", advice="Give --rlguard-env, env.target, or override rl_env_factory.")
        return resolve_env(target, kwargs={} if mark is not None else rl_config.env.kwargs)


@pytest.fixture
def rl_policy(rl_config: Config) -> Any:
    """The configured policy; called with an env, it builds a callable from an observation to an action."""
    from pytest_rlguard.targets import resolve_policy

    with shown_short():
        return resolve_policy(rl_config.policy.target)


@pytest.fixture(scope="session")
def rl_workers(rl_config: Config) -> int:
    """How many workers a pool has: as configured, else the cores that are ours beside the other xdist workers."""
    from pytest_rlguard.rollouts import resolve_workers

    configured = rl_config.worker_pool.workers
    cores = resolve_workers(configured)
    beside = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    return cores if configured != "auto" else max(2, cores // beside)


@pytest.fixture
def rl_pool(rl_env_factory: Any, rl_policy: Any, rl_workers: int) -> Iterator[WorkerPool]:
    """Workers that play the env with the policy; they end with the test."""
    from pytest_rlguard.rollouts import open_pool

    with shown_short(), open_pool(rl_env_factory, policy=rl_policy, workers=rl_workers) as pool:
        yield pool


@pytest.fixture(scope="session")
def rl_gate_reports() -> GateReports:
    """The stages that this process has run, each once."""
    from pytest_rlguard.plugin.gate import GateReports

    return GateReports()


@pytest.fixture
def rl_gate(  # noqa: PLR0917 (fixtures are asked for by name)
    request: pytest.FixtureRequest,
    rl_config: Config,
    rl_env_factory: Any,
    rl_policy: Any,
    rl_workers: int,
    rl_gate_reports: GateReports,
) -> Gate:
    """Judges one rule of a stage for the shipped gates."""
    from pytest_rlguard.plugin.gate import Gate, GateSubject

    subject = GateSubject(env=rl_env_factory, policy=rl_policy, config=rl_config, workers=rl_workers)
    return Gate(subject, rl_gate_reports, request.node.user_properties)
