"""Before any gate: can the env be built at all, is it one, and can the policy drive it. The only probe that raises."""

from __future__ import annotations

import contextlib
import importlib.metadata
import platform
from typing import Any

from pytest_rlguard.errors import EnvError, PolicyError, RLGuardError, TargetError
from pytest_rlguard.evidence import EnvFacts
from pytest_rlguard.pool import JobResult, WorkerContext, WorkerPool
from pytest_rlguard.probes.asking import ask
from pytest_rlguard.records import DISPLAY_ADVICE, EnvCrash, WorkerExit
from pytest_rlguard.spaces import find_violation
from pytest_rlguard.targets import EnvTarget, PolicyTarget
from pytest_rlguard.tracebacks import strip_stack

__all__ = ["collect_env_facts"]

_REPORTED_PACKAGES = ("gymnasium", "numpy", "mujoco", "torch")


def collect_env_facts(pool: WorkerPool, env: EnvTarget, policy: PolicyTarget) -> EnvFacts:
    """Build one env in a worker and ask the policy for one action; what the env says of itself.

    Raises TargetError (no such env or policy), EnvError (the constructor raises, hangs or ends the process; what it
    builds is no env) or PolicyError (the policy raises, hangs, or acts outside the action space).
    """
    result = ask(pool, _inspect_and_close)
    if result.exit is not None and result.exit.phase == "close":
        result = ask(pool, _inspect)  # a gate judges close(); here it would only hide what was found
    if result.value is None:
        raise _explain(result, env, policy)
    if policy.name != "random":
        tried = ask(pool, _try_policy, policy.name)
        if not tried.ok:
            raise _explain(tried, env, policy)
    facts: EnvFacts = result.value
    return facts


def _inspect_and_close(context: WorkerContext) -> EnvFacts:
    env = context.make_env()
    facts = _read_facts(env)
    _close(context, env)
    return facts


def _inspect(context: WorkerContext) -> EnvFacts:
    return _read_facts(context.make_env())


def _read_facts(env: Any) -> EnvFacts:
    _require_env(env)
    return EnvFacts(limit=_time_limit(env), reward_by_contract=_vector_reward(env), versions=_versions())


def _close(context: WorkerContext, env: Any) -> None:
    """An env that a process can hold only once must not stand in the way of the next; what it raises is a gate's."""
    context.beat("close", 0)
    with contextlib.suppress(Exception):
        env.close()


def _require_env(env: Any) -> None:
    kind = type(env).__name__
    if hasattr(env, "num_envs") and hasattr(env, "single_action_space"):
        raise TargetError(
            f"expected one env, got a vector of {env.num_envs} ({kind})",
            advice="Name the env that the vector is made of; rlguard makes its own pools.",
        )
    missing = [name for name in ("reset", "step", "observation_space", "action_space") if not hasattr(env, name)]
    if missing:
        raise TargetError(
            f"the target returned {kind}, which is no gymnasium env: it has no {', '.join(missing)}",
            advice="Return a gymnasium.Env from the function, or name an env class.",
        )


def _time_limit(env: Any) -> int | None:
    spec = getattr(env, "spec", None)
    return getattr(spec, "max_episode_steps", None)


def _vector_reward(env: Any) -> str:
    """The reward space of an env whose contract is a vector reward (the convention of multi-objective envs)."""
    space = getattr(getattr(env, "unwrapped", env), "reward_space", None)
    shape = getattr(space, "shape", ())
    return repr(space) if shape not in ((), None) else ""


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in _REPORTED_PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _try_policy(context: WorkerContext, name: str) -> None:
    env = context.make_env()
    policy = context.make_policy(env)
    context.beat("reset", 0)
    observation, _ = env.reset(seed=0)
    context.beat("policy", 0)
    action = policy(observation)
    if violation := find_violation(env.action_space, action):
        key, reason = violation
        raise PolicyError(
            f"policy {name} does not fit the env: its action{key} is wrong: {reason}",
            advice=f"Return an action of {env.action_space}.",
        )
    _close(context, env)


def _explain(result: JobResult[Any], env: EnvTarget, policy: PolicyTarget) -> RLGuardError:
    if result.exit is not None:
        return _explain_exit(result.exit, env, policy)
    assert result.crash is not None  # noqa: S101 - a JobResult that is not ok has one of the two
    return _explain_crash(result.crash, env, policy)


def _explain_exit(death: WorkerExit, env: EnvTarget, policy: PolicyTarget) -> RLGuardError:
    """A hang keeps the user's part of the stack that the interpreter wrote; a death its last words."""
    is_policy = death.phase == "policy"
    who = f"policy {policy.name}" if is_policy else f"env {env.name}"
    if death.hung:
        how = f"hangs in {_place(death.phase)} (no sign of life for {death.seconds:.1f} s)"
        advice = "Try it alone; if it is only slow, raise worker_pool.start_deadline_sec."
    else:
        end = f"killed by {death.signal_name}" if death.signal_name else f"exit code {death.exit_code}"
        how = f"ended its process in {_place(death.phase)} ({end})"
        advice = "Try it alone; what cannot go on must raise an exception, so that the rest can."
    kind = PolicyError if is_policy else EnvError
    return kind(f"{who} {how}", advice=advice, user_traceback=strip_stack(death.stderr_tail))


def _explain_crash(crash: EnvCrash, env: EnvTarget, policy: PolicyTarget) -> RLGuardError:
    first_line = (crash.message.strip().splitlines() or [""])[0]
    told = f"raised {crash.error} in {_place(crash.phase)}: {first_line}"
    if crash.phase == "policy":
        advice = "It is called with one observation and returns one action."
        return PolicyError(f"policy {policy.name} {told}", advice=advice, user_traceback=crash.traceback)
    mend = "Mend it, or give the arguments it needs under env.kwargs."
    advice = DISPLAY_ADVICE if crash.needs_display else mend
    return EnvError(f"env {env.name} {told}", advice=advice, user_traceback=crash.traceback)


def _place(phase: str) -> str:
    return {"make": "its constructor", "policy": "its first action", "close": "close()"}.get(phase, phase)
