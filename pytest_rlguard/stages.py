"""The stages that have gates, in one table, and the one way to run them: `run_stage` serves CLI and plugin alike."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_rlguard import __version__
from pytest_rlguard.checks.catalog import CATALOG, find_rule, rules_of
from pytest_rlguard.config import Config, LoadedConfig, load_config
from pytest_rlguard.errors import UsageError
from pytest_rlguard.evidence import Case
from pytest_rlguard.gates import STAGES, find_block, find_missing, parse_stage
from pytest_rlguard.pool import Deadlines
from pytest_rlguard.probes.context import ProbeContext
from pytest_rlguard.probes.contract import collect_contract
from pytest_rlguard.probes.determinism import collect_determinism
from pytest_rlguard.probes.preflight import collect_env_facts
from pytest_rlguard.probes.seeding import draw_seed_rows
from pytest_rlguard.randomness import draw_seeds
from pytest_rlguard.reproduce import reproduce
from pytest_rlguard.rollouts import open_pool, resolve_workers
from pytest_rlguard.targets import resolve_env, resolve_policy
from pytest_rlguard.verdict import Outcome, Report, Severity, StageReport, Subject, Verdict, worst

__all__ = ["SEED_COUNTS", "STAGE_TABLE", "RunContext", "Stage", "check", "open_context", "run_stage"]

SEED_COUNTS: Mapping[str, int] = {"quick": 30, "standard": 90, "thorough": 299}

OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage that has gates: how its evidence is collected, by which rules it is judged, whether it runs alone."""

    name: str
    collect: Callable[[ProbeContext], Any]
    rules: tuple[str, ...]
    runs_alone: bool = False


STAGE_TABLE: Mapping[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage(name="contract", collect=collect_contract, rules=rules_of("contract")),
        Stage(name="determinism", collect=collect_determinism, rules=rules_of("determinism")),
    )
}


@dataclass(frozen=True, kw_only=True)
class RunContext:
    """An opened run: what `run_stage` needs, and the subject for the report."""

    probe: ProbeContext
    subject: Subject
    config: Config


@contextlib.contextmanager
def open_context(
    env: object,
    *,
    policy: object | None = None,
    seeds: str | None = None,
    config: Config | LoadedConfig | Path | None = None,
    workers: int | None = None,
) -> Iterator[RunContext]:
    """Open the workers and look at the env and the policy once, before any gate.

    Each argument beats the configuration, which beats the built-in value. Raises TargetError, EnvError, PolicyError,
    ConfigError or UsageError; nothing is left running then or afterwards.
    """
    settings = _read_config(config)
    _check_waivers(settings)
    env_target = resolve_env(env, kwargs=settings.env.kwargs)
    policy_target = resolve_policy(settings.policy.target if policy is None else policy)
    deadlines = Deadlines(
        step_sec=settings.worker_pool.step_deadline_sec, start_sec=settings.worker_pool.start_deadline_sec
    )

    def open_more(workers: int, hash_seed: int | None = None) -> Any:
        return open_pool(env_target, policy=policy_target, workers=workers, deadlines=deadlines, hash_seed=hash_seed)

    with open_more(resolve_workers(settings.worker_pool.workers if workers is None else workers)) as pool:
        draw_seed_rows(pool, settings.worker_pool.seeding, [(0, 0)], workers=1, episodes=1)
        probe = ProbeContext(
            env=env_target,
            policy=policy_target,
            config=settings,
            seeds=draw_seeds(settings.gates.root_seed, SEED_COUNTS[_parse_seeds(seeds or settings.gates.seeds)]),
            facts=collect_env_facts(pool, env_target, policy_target),
            pool=pool,
            open_pool=open_more,
        )
        subject = Subject(env=env_target.name, policy=policy_target.name, pool="local")
        yield RunContext(probe=probe, subject=subject, config=settings)


def run_stage(name: str, context: RunContext, *, on_progress: OnProgress | None = None) -> StageReport:
    """Collect the stage's evidence, judge it by every rule, and give each failure its reproducer.

    Raises UsageError for a stage that has no gates in this version.
    """
    stage = _find_stage(name)
    context.probe.progress = (lambda done, total: on_progress(name, done, total)) if on_progress else _ignore
    started = time.perf_counter()
    evidence = stage.collect(context.probe)
    verdicts = tuple(_finish(*CATALOG[code].rule_on(evidence), context) for code in stage.rules)
    outcome = _stage_outcome(verdicts, strict=context.config.gates.strict)
    return StageReport(name=name, outcome=outcome, seconds=time.perf_counter() - started, verdicts=verdicts)


def check(
    env: object,
    *,
    policy: object | None = None,
    pool: str = "local",
    stages: Sequence[str] | None = None,
    seeds: str | None = None,
    config: Config | LoadedConfig | Path | None = None,
    workers: int | None = None,
    on_progress: OnProgress | None = None,
) -> Report:
    """Run the gates in order, each blocking the next, and report. The function behind `rlguard check`.

    `env` is an id, `module:callable`, a file, a class or a function that returns an env; `stages` None means all that
    have gates. Raises TargetError, EnvError, PolicyError, ConfigError or UsageError before anything is judged.
    """
    if pool != "local":
        raise UsageError(f"there is no pool {pool!r}", advice="The one pool of this version is 'local'.")
    settings = _read_config(config)
    chosen = _choose_stages(stages if stages is not None else settings.gates.stages)
    reports: list[StageReport] = []
    causes: dict[str, list[str]] = {}
    with open_context(env, policy=policy, seeds=seeds, config=settings, workers=workers) as context:
        for name in chosen:
            block = find_block(name, causes)
            if block:
                reports.append(StageReport(name=name, outcome=Outcome.BLOCKED, reason=block.reason))
                continue
            report = run_stage(name, context, on_progress=on_progress)
            reports.append(report)
            causes[name] = blocking_rules(report, strict=settings.gates.strict)
        subject = context.subject
    reports = _enforce_required(settings.gates.require, reports)
    outcome = worst(report.outcome for report in reports)
    return Report(subject=subject, outcome=outcome, stages=tuple(reports), rlguard_version=__version__)


def _enforce_required(required: Sequence[str], reports: Sequence[StageReport]) -> list[StageReport]:
    """The reports, with each required stage that showed nothing failed: gates fail closed."""
    missing = find_missing(required, reports)
    enforced = []
    for report in reports:
        if report.name in missing and report.outcome is Outcome.SKIPPED:
            reason = f"required by gates.require, and skipped: {report.reason or 'no rule had anything to show'}"
            enforced.append(dataclasses.replace(report, outcome=Outcome.FAIL, reason=reason))
        else:
            enforced.append(report)
    ran = {report.name for report in reports}
    reason = "required by gates.require, and did not run"
    return enforced + [StageReport(name=n, outcome=Outcome.FAIL, reason=reason) for n in missing if n not in ran]


def blocking_rules(report: StageReport, *, strict: bool) -> list[str]:
    """The codes of a stage's verdicts that keep the later stages from starting."""
    return [verdict.rule for verdict in report.verdicts if verdict.is_blocking(strict=strict)]


def _read_config(config: Config | LoadedConfig | Path | None) -> Config:
    if isinstance(config, Config):
        return config
    if isinstance(config, LoadedConfig):
        return config.config
    return load_config(config).config


def _check_waivers(config: Config) -> None:
    for waiver in config.gates.waivers:
        find_rule(waiver.rule)


def _parse_seeds(name: str) -> str:
    if name not in SEED_COUNTS:
        raise UsageError(f"there is no seed count {name!r}", advice=f"Choose one of {', '.join(SEED_COUNTS)}.")
    return name


def _find_stage(name: str) -> Stage:
    found = STAGE_TABLE.get(parse_stage(name))
    if found is None:
        raise UsageError(
            f"stage {name!r} has no gates in this version", advice=f"These have: {', '.join(STAGE_TABLE)}."
        )
    return found


def _choose_stages(stages: Sequence[str] | None) -> list[str]:
    if stages is None:
        return list(STAGE_TABLE)
    return sorted({_find_stage(name).name for name in stages}, key=STAGES.index)


def _finish(verdict: Verdict, case: Case | None, context: RunContext) -> Verdict:
    """The verdict with its waiver and, where it failed, its reproducer."""
    if verdict.outcome is not Outcome.FAIL:
        return verdict
    waivers = {waiver.rule: waiver.reason for waiver in context.config.gates.waivers}
    script = reproduce(verdict, case, context.probe) if case else ""
    return dataclasses.replace(verdict, waiver=waivers.get(verdict.rule, ""), reproducer=script)


def _stage_outcome(verdicts: Sequence[Verdict], *, strict: bool) -> Outcome:
    """Fail or inconclusive where something blocks; skipped where nothing was shown; else pass."""
    blocking = [verdict.outcome for verdict in verdicts if verdict.is_blocking(strict=strict)]
    if blocking:
        return worst(blocking)
    shown = any(verdict.outcome is Outcome.PASS or verdict.severity is Severity.WARNING for verdict in verdicts)
    return Outcome.PASS if shown else Outcome.SKIPPED


def _ignore(_done: int, _total: int) -> None:
    """Nobody watches."""
