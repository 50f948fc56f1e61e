"""Before any gate: can the env be built at all, is it one, and can the policy drive it. The only probe that raises."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import Any

from pytest_rlguard.errors import EnvError, PolicyError, TargetError
from pytest_rlguard.evidence import EnvFacts
from pytest_rlguard.pool import JobResult, WorkerContext, WorkerPool
from pytest_rlguard.records import EnvCrash
from pytest_rlguard.spaces import find_violation
from pytest_rlguard.targets import EnvTarget, PolicyTarget

__all__ = ["collect_env_facts"]

_DISPLAY_WORDS = ("display", "glfw", "x11", "egl", "opengl", "no available video device", "wayland")
_REPORTED_PACKAGES = ("gymnasium", "numpy", "mujoco", "torch")


def collect_env_facts(pool: WorkerPool, env: EnvTarget, policy: PolicyTarget) -> EnvFacts:
    """Build one env in a worker and ask the policy for one action; what the env says of itself.

    Raises TargetError (no such env), EnvError (its constructor raises, hangs or ends the process; it is no env) or
    PolicyError (the policy raises, or acts outside the action space).
    """
    (result,) = pool.map(_inspect, [(policy.name,)])
    if result.value is not None:
        facts: EnvFacts = result.value
        return facts
    raise _explain(result, env)


def _inspect(context: WorkerContext, policy_name: str) -> EnvFacts:
    env = context.make_env()
    _require_env(env)
    facts = EnvFacts(limit=_time_limit(env), reward_by_contract=_vector_reward(env), versions=_versions())
    if policy_name != "random":
        context.beat("policy", 0)
        _try_policy(context, env, policy_name)
    context.beat("close", 0)
    return facts


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


def _try_policy(context: WorkerContext, env: Any, name: str) -> None:
    policy = context.make_policy(env)
    observation, _ = env.reset(seed=0)
    context.beat("policy", 0)
    action = policy(observation)
    if violation := find_violation(env.action_space, action):
        key, reason = violation
        raise PolicyError(
            f"policy {name} does not fit the env: its action{key} is wrong: {reason}",
            advice=f"Return an action of {env.action_space}.",
        )


def _explain(result: JobResult[EnvFacts], env: EnvTarget) -> Exception:
    if result.exit is not None:
        how = "hangs" if result.exit.hung else f"ends the process ({result.exit.describe()})"
        tail = result.exit.stderr_tail.strip()
        return EnvError(
            f"env {env.name} {how} in its constructor: {result.exit.describe()}",
            advice="Try it alone; if it is only slow, raise worker_pool.start_deadline_sec.",
            user_traceback=tail,
        )
    crash = result.crash
    assert crash is not None  # noqa: S101 - a JobResult has one of the three
    return _explain_crash(crash, env)


def _explain_crash(crash: EnvCrash, env: EnvTarget) -> Exception:
    if crash.error in ("TargetError", "PolicyError"):
        message, _, advice = crash.message.partition("\n")
        return (TargetError if crash.error == "TargetError" else PolicyError)(message, advice=advice)
    first_line = (crash.message.strip().splitlines() or [""])[0]
    if crash.phase == "policy":
        return PolicyError(
            f"the policy raised {crash.error}: {first_line}",
            advice="It is called with one observation and returns one action.",
            user_traceback=crash.traceback,
        )
    if any(word in crash.message.lower() for word in _DISPLAY_WORDS):
        advice = "It seems to need a display: run under xvfb-run, or set MUJOCO_GL=egl or SDL_VIDEODRIVER=dummy."
    else:
        advice = "Mend it, or give the arguments it needs under env.kwargs."
    message = f"env {env.name} raised {crash.error} in {_place(crash)}: {first_line}"
    return EnvError(message, advice=advice, user_traceback=crash.traceback)


def _place(crash: EnvCrash) -> str:
    return "its constructor" if crash.phase == "make" else crash.phase
