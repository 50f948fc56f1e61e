"""What the contract stage runs: whole episodes under every driver and seed, watched step by step, in worker processes.

gymnasium's own `check_env` comes first. A first pair of episodes (seed 0) goes ahead of the rest, so that an env that
hangs costs one deadline and not sixty.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from pytest_rlguard.errors import PolicyError
from pytest_rlguard.evidence import ContractEvidence, EpisodeFacts, InstanceFacts, Sighting, SpaceSighting
from pytest_rlguard.fingerprint import decode, encode, encode_action
from pytest_rlguard.pool import JobResult, WorkerContext
from pytest_rlguard.probes.context import ProbeContext, lend_env, make_policy, worker_episode_limit
from pytest_rlguard.probes.inspector import ChangeWatcher, Inspector
from pytest_rlguard.probes.instances import collect_instances
from pytest_rlguard.randomness import pin_globals
from pytest_rlguard.records import EnvCrash, EpisodeSpec
from pytest_rlguard.spaces import fork_space, identify_space
from pytest_rlguard.stepper import EnvRaisedError, Replay, play_episode

__all__ = ["collect_contract"]

_ENDLESS_EPISODES = 4
_RESETS_AGAIN = "random"  # the other drivers' envs are closed as the episode left them
_REFUSAL_TRIALS = 8


def collect_contract(context: ProbeContext) -> ContractEvidence:
    """Run the contract stage's episodes; raises PolicyError where the user's policy does.

    gymnasium's `check_env` is asked first. Then a first pair of episodes goes ahead: where it hangs or takes its
    process with it, nothing else is asked, since each question would cost another deadline.
    """
    instances = collect_instances(context)
    objections = _run_once(context, instances, _check_env, instances.coexist)
    items = _list_episodes(context, instances)
    episodes = _play(context, items[: len(context.drivers)])
    if any(facts.exit for facts in episodes):
        said = None if objections.value is None else tuple(objections.value)
        return ContractEvidence(
            facts=context.facts, episodes=tuple(episodes), instances=instances, objections=said, seeds=1
        )
    unseeded = _run_once(context, instances, _seed_action_space)
    episodes += _play(context, items[len(episodes) :])
    _raise_policy_errors(episodes)
    return ContractEvidence(
        facts=context.facts,
        episodes=tuple(_examine_refusals(context, instances, episodes)),
        spaces=tuple(_collect_spaces(context, instances)),
        instances=instances,
        objections=tuple(_value(objections, ())),
        unseeded=_value(unseeded, ""),
        endless_steps=_let_run(context, instances, episodes),
        seeds=len({facts.seed for facts in episodes}),
    )


def _value(result: JobResult[Any], default: Any) -> Any:
    return default if result.value is None else result.value


def _run_once(context: ProbeContext, instances: InstanceFacts, job: Callable[..., Any], *item: Any) -> JobResult[Any]:
    """A job that makes and closes one env: in a process of its own where a process can hold only one, ever."""
    if instances.remake:
        (result,) = context.pool.map(job, [item])
        return result
    with context.open_pool(workers=1) as own:
        (result,) = own.map(job, [item])
    return result


def _check_env(context: WorkerContext, coexist: bool) -> list[str]:  # noqa: FBT001
    """What gymnasium's own checker objects to. A crash or hang of the env itself is left to the episodes.

    The checker resets unseeded and samples actions: seeded before, it says the same in every run.
    """
    from gymnasium.utils.env_checker import check_env

    options = {"skip_render_check": True, "skip_close_check": not coexist}  # the latter makes a second instance
    known = inspect.signature(check_env).parameters
    env = context.make_env()
    context.beat("other", 0)
    pin_globals(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(Exception):  # what it raises, the checker or an episode will tell
            env.action_space.seed(0)
            env.reset(seed=0)
        try:
            check_env(env, **{name: value for name, value in options.items() if name in known})
        except Exception as error:
            return [f"{type(error).__name__}: {error}"]
        finally:
            with contextlib.suppress(Exception):  # the checker has closed it before, or an episode will tell
                env.close()
    return []


def _seed_action_space(context: WorkerContext) -> str:
    """How the action space fails to follow `seed()`, asked through the env as a user does; empty if it follows."""
    draws = []
    with lend_env(context) as env:
        for _ in range(2):
            env.action_space.seed(0)
            draws.append([encode_action(env.action_space.sample()) for _ in range(8)])
    for index, (first, second) in enumerate(zip(*draws, strict=True)):
        if first != second:
            return f"sample {index} after action_space.seed(0) was {decode(first)!r}, then {decode(second)!r}"
    return ""


def _list_episodes(context: ProbeContext, instances: InstanceFacts) -> list[tuple[int, str, int, bool]]:
    limit = worker_episode_limit(context.facts.limit) if context.facts.limit else context.limit
    return [(seed, driver, limit, not instances.remake) for seed in context.seeds for driver in context.drivers]


def _play(context: ProbeContext, items: list[tuple[int, str, int, bool]]) -> list[EpisodeFacts]:
    results = context.map(_examine, items)
    return [_read(result, seed, driver) for result, (seed, driver, *_) in zip(results, items, strict=True)]


def _read(result: JobResult[EpisodeFacts], seed: int, driver: str) -> EpisodeFacts:
    return result.value or EpisodeFacts(seed=seed, driver=driver, crash=result.crash, exit=result.exit)


def _examine(context: WorkerContext, seed: int, driver: str, limit: int, single: bool) -> EpisodeFacts:  # noqa: FBT001
    """One episode, watched; under one driver an unseeded reset after it, which must leave its observations alone."""
    facts = EpisodeFacts(seed=seed, driver=driver)
    actions: list[bytes] = []
    try:
        with lend_env(context, single=single) as env:
            facts = _examine_on(context, env, facts, limit, actions)
    except EnvRaisedError as error:
        return dataclasses.replace(facts, crash=facts.crash or error.crash, actions=tuple(actions))
    return facts


def _examine_on(
    context: WorkerContext, env: Any, facts: EpisodeFacts, limit: int, actions: list[bytes]
) -> EpisodeFacts:
    inspector = Inspector(env.observation_space)
    policy = make_policy(context, env, facts.driver, facts.seed)
    spec = EpisodeSpec(episode_id=0, seed=facts.seed, max_steps=limit)
    episode = play_episode(env, spec, policy, beat=context.beat, watch=inspector, actions=actions)
    crash = episode.crash or (_reset_again(context, env) if facts.driver == _RESETS_AGAIN else None)
    inspector.check_held(episode.length)
    if aliased := inspector.sightings.get("aliased"):
        inspector.sightings["aliased"] = _pinpoint(context, env, facts.seed, actions, aliased)
    return dataclasses.replace(
        facts,
        steps=episode.length,
        ended=episode.terminated or episode.truncated,
        form=inspector.form,
        sightings=inspector.sightings,
        actions=tuple(actions) if inspector.sightings or crash else (),
        crash=crash,
    )


def _pinpoint(context: WorkerContext, env: Any, seed: int, actions: list[bytes], seen: Sighting) -> Sighting:
    """The step at which the observation is changed, and how, from a replay; as seen before where it shows nothing."""
    watcher = ChangeWatcher(int(seen.key))
    play_episode(env, EpisodeSpec(episode_id=0, seed=seed), Replay(actions), beat=context.beat, watch=watcher)
    _reset_again(context, env)
    watcher.look(len(actions), f"by the reset after step {len(actions)}")
    return watcher.sighting or seen


def _reset_again(context: WorkerContext, env: Any) -> EnvCrash | None:
    """Unseeded, as every vector env resets from its second episode on."""
    crash = play_episode(env, EpisodeSpec(episode_id=0, seed=None, max_steps=0), Replay(()), beat=context.beat).crash
    return crash and dataclasses.replace(crash, phase="an unseeded reset")


def _raise_policy_errors(episodes: list[EpisodeFacts]) -> None:
    for facts in episodes:
        if facts.crash and facts.crash.phase == "policy":
            raise PolicyError(
                f"the policy raised {facts.crash.error} at step {facts.crash.step}, seed {facts.seed}: "
                f"{facts.crash.message}",
                user_traceback=facts.crash.traceback,
            )


def _examine_refusals(
    context: ProbeContext, instances: InstanceFacts, episodes: list[EpisodeFacts]
) -> list[EpisodeFacts]:
    """Where a step crashed: would another action have been accepted there? Asked once for each driver."""
    first: dict[str, int] = {}
    for index, facts in enumerate(episodes):
        if facts.crash and facts.crash.phase == "step":
            first.setdefault(facts.driver, index)
    items = [(episodes[i].seed, episodes[i].actions, not instances.remake) for i in first.values()]
    examined = list(episodes)
    for index, result in zip(first.values(), context.pool.map(_try_other_actions, items), strict=True):
        examined[index] = dataclasses.replace(episodes[index], refused=_value(result, ""))
    return examined


def _try_other_actions(context: WorkerContext, seed: int, actions: tuple[bytes, ...], single: bool) -> str:  # noqa: FBT001
    """The refused action, as text, if it is refused at the start of an episode too, where another one is accepted.

    Else the crash is no answer to the action: it does not come again on a replay, or the state that was reached
    brings it about.
    """
    *before, refused = actions
    if not all(_crashes(context, seed, tried, single) for tried in ([*before, refused], [refused])):
        return ""
    with lend_env(context, single=single) as env:
        samples = fork_space(env.action_space, seed)
    others = [*before[:1], *(encode_action(samples.sample()) for _ in range(_REFUSAL_TRIALS))]
    is_accepted = any(not _crashes(context, seed, [other], single) for other in others)
    return repr(decode(refused)) if is_accepted else ""


def _crashes(context: WorkerContext, seed: int, actions: list[bytes], single: bool) -> bool:  # noqa: FBT001
    with lend_env(context, single=single) as env:
        spec = EpisodeSpec(episode_id=0, seed=seed)
        return play_episode(env, spec, Replay(actions), beat=context.beat).crash is not None


def _collect_spaces(context: ProbeContext, instances: InstanceFacts) -> list[SpaceSighting]:
    """The declared spaces of several instances, before and after resets, in one process and in another."""
    seeds = context.seeds[:4]
    results = context.pool.map(_declare, [(seeds, instances.coexist, instances.remake)] * 2)
    found: list[SpaceSighting] = []
    for process, result in enumerate(results):
        for sighting in _value(result, ()):
            where = f"{sighting.where} of process {process}"
            found.append(dataclasses.replace(sighting, where=where))
    return found


def _declare(context: WorkerContext, seeds: tuple[int, ...], coexist: bool, remake: bool) -> list[SpaceSighting]:  # noqa: FBT001
    found = []
    for number, seed in enumerate(seeds):
        with lend_env(context, single=not remake) as env:
            found.append(_read_spaces(env, f"instance {number}", seed))
            env.reset(seed=seed)
            found.append(_read_spaces(env, f"instance {number} after reset(seed={seed})", seed))
            if coexist:
                with lend_env(context) as sibling:
                    found.append(_read_spaces(sibling, f"a sibling of instance {number}", seed))
    return found


def _read_spaces(env: Any, where: str, seed: int) -> SpaceSighting:
    observation, action = env.observation_space, env.action_space
    return SpaceSighting(
        where=where,
        seed=seed,
        observation=encode(identify_space(observation)),
        action=encode(identify_space(action)),
        observation_text=repr(observation),
        action_text=repr(action),
    )


def _let_run(context: ProbeContext, instances: InstanceFacts, episodes: list[EpisodeFacts]) -> int | None:
    """Where no episode ended within the cap and no limit is declared: let a few run on, and say how far they got.

    None where some episode ended, so that there is nothing to ask.
    """
    if any(facts.ended or facts.crash or facts.exit for facts in episodes):
        return None
    if context.facts.limit:
        return max(facts.steps for facts in episodes)
    longest = 0
    items = [
        (seed, driver, context.config.env.endless_after_steps, not instances.remake)
        for seed in context.seeds[:_ENDLESS_EPISODES]
        for driver in context.drivers
    ]
    for index in range(0, len(items), len(context.drivers)):
        facts = _play(context, items[index : index + len(context.drivers)])
        if any(one.ended or one.crash or one.exit for one in facts):
            return None
        longest = max(longest, *(one.steps for one in facts))
    return longest
