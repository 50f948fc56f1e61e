"""The contract stage's rules: what an env promises by its spaces and its API, held against whole episodes."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_rlguard.checks.rules import Rule, Ruling, failed, inconclusive, passed, rule, skipped
from pytest_rlguard.evidence import Case, ContractEvidence, EpisodeFacts, Sighting
from pytest_rlguard.records import DISPLAY_ADVICE, EnvCrash, WorkerExit
from pytest_rlguard.verdict import Severity

__all__ = ["RULES"]

_STAGE = "contract"
_KEPT = "over {steps} steps of {episodes} episodes, {seeds} seeds"


def _ran(evidence: ContractEvidence) -> list[EpisodeFacts]:
    """The episodes that have at least a reset to show."""
    return [facts for facts in evidence.episodes if facts.form]


def _counts(evidence: ContractEvidence) -> dict[str, int]:
    ran = _ran(evidence)
    return {"episodes": len(ran), "steps": sum(facts.steps for facts in ran), "seeds": evidence.seeds}


def _all_well(evidence: ContractEvidence, what: str) -> Ruling:
    """The verdict of a rule that saw nothing: a pass over what was watched, or nothing where the env never ran."""
    counts = _counts(evidence)
    if not counts["episodes"]:
        return _nothing_seen(evidence, "no episode got past its reset")
    return passed(f"{what} {_KEPT.format(**counts)}", counts)


def _nothing_seen(evidence: ContractEvidence, what: str) -> Ruling:
    """Skipped where ENV091 has told why; else there is something that nobody has explained."""
    if any(facts.crash or facts.exit for facts in evidence.episodes):
        return skipped(f"cannot be told while ENV091 holds: {what}")
    return inconclusive(what, "Run it again; if it stays, report it with this env.")


def _seen(evidence: ContractEvidence, *kinds: str) -> Iterator[tuple[EpisodeFacts, Sighting]]:
    """Every sighting of these kinds, the one with the shortest way to it first."""
    found = [(facts, facts.sightings[kind]) for facts in evidence.episodes for kind in kinds if kind in facts.sightings]
    yield from sorted(found, key=lambda pair: (pair[1].step, pair[0].seed != 0))


def _place(facts: EpisodeFacts, sighting: Sighting) -> str:
    when = f"step {sighting.step}" if sighting.step else "the reset"
    return f"seed {facts.seed}, {when}"


def _case(kind: str, facts: EpisodeFacts, sighting: Sighting) -> Case:
    return Case(kind=kind, seed=facts.seed, driver=facts.driver, step=sighting.step, actions=facts.actions)


@rule("ENV090", "gymnasium's own check_env objects", stage=_STAGE, severity=Severity.WARNING)
def judge_checker(evidence: ContractEvidence) -> Ruling:
    """The checker of gymnasium itself (`check_env`) found something against this env; its message is passed on.

    It looks at the API of one instance over one step: signatures, return types, render modes, seeding of the generator
    that gymnasium keeps for the env. Training may run all the same, which is why this is a warning.

    To mend: do what the message says; `gymnasium.utils.env_checker.check_env(make_env())` shows it again.
    """
    if evidence.objections is None:
        return skipped("gymnasium's check_env was not asked: the env hung or ended its process before")
    if not evidence.objections:
        return passed("gymnasium's check_env has no objection", {"instances": 1})
    message = " ".join(evidence.objections[0].split())
    return failed(
        f"gymnasium's check_env objects: {message}",
        "Do what the message says, or waive ENV090 with your reason.",
        {"instances": 1},
        case=Case(kind="checker", seed=0),
    )


@rule("ENV091", "the env raises or hangs in make, reset, step or close", stage=_STAGE)
def judge_crashes(evidence: ContractEvidence) -> Ruling:
    """An episode under valid actions ended in an exception, a dead process or no answer within the deadline.

    In a fleet this is a worker that dies or stalls; booked as a failed episode it teaches the policy to avoid whatever
    came before. The verdict names the call, the seed and the step; the user's own traceback is in the evidence.

    To mend: run the reproducer. If a step is merely slow, raise `worker_pool.step_deadline_sec`.
    """
    for facts in sorted(evidence.episodes, key=lambda facts: facts.steps):
        who = f"(seed {facts.seed}, {facts.driver} actions)"
        if facts.exit:
            advice = "Run the reproducer; if the env is only slow, raise worker_pool.step_deadline_sec."
            case = Case(kind="hang", seed=facts.seed, driver=facts.driver, step=facts.exit.step)
            return failed(f"{_describe_exit(facts.exit)} {who}", advice, _counts(evidence), case=case)
        if facts.crash and not _is_refusal(evidence, facts.crash):
            advice = DISPLAY_ADVICE if facts.crash.needs_display else "Run the reproducer for the traceback."
            case = _crash_case(facts, facts.crash)
            return failed(f"{facts.crash.describe()} {who}", advice, _counts(evidence), case=case)
    return _all_well(evidence, "no exception, no hang")


def _describe_exit(death: WorkerExit) -> str:
    place = f"step {death.step}" if death.phase == "step" else death.phase
    if death.hung:
        return f"the env gave no sign of life for {death.seconds:.1f} s in {place}"
    how = f"was killed by {death.signal_name}" if death.signal_name else f"exited with code {death.exit_code}"
    return f"the env's process {how} in {place}"


def _crash_case(facts: EpisodeFacts, crash: EnvCrash) -> Case:
    kind = "crash_after" if crash.phase == "an unseeded reset" else "crash"
    return Case(kind=kind, seed=facts.seed, driver=facts.driver, step=crash.step, actions=facts.actions)


def _is_refusal(evidence: ContractEvidence, crash: EnvCrash) -> bool:
    """Whether it is one of those that ACT111 names; the probe asks about the first of each driver only."""
    refusals = {facts.crash.error for facts in evidence.episodes if facts.refused and facts.crash}
    return crash.phase == "step" and crash.error in refusals


@rule("ENV092", "two instances cannot live in one process", stage=_STAGE, severity=Severity.WARNING)
def judge_instances(evidence: ContractEvidence) -> Ruling:
    """A second instance cannot be made beside the first, or breaks when the first is closed.

    Vectorised envs in one process, an evaluation env beside the training env and most test suites need two. rlguard
    goes on with one instance a process; what needs two in one process (DET204) is skipped.

    To mend: keep the simulator's handle on the instance, not on the module; let `close()` release only its own.
    """
    if evidence.instances.coexist and evidence.instances.problem:
        return skipped(f"cannot be told: one instance alone fails ({evidence.instances.problem})")
    if evidence.instances.coexist:
        return passed("two instances live side by side, and one outlives the other", {"instances": 2})
    return failed(
        f"two instances do not live in one process: {evidence.instances.problem}",
        "Keep every handle on the instance and let close() release only its own; or waive ENV092 with your reason.",
        {"instances": 2},
        case=Case(kind="instances", seed=0),
    )


@rule("OBS101", "observation outside its declared space (shape, dtype, bounds, NaN)", stage=_STAGE)
def judge_bounds(evidence: ContractEvidence) -> Ruling:
    """`observation_space.contains(observation)` is false for an observation of a whole episode.

    Normalisers, replay buffers and networks are sized and scaled by the space: a value outside it is clipped without a
    word or blows up a batch, a NaN poisons every parameter in one update. Most such values come late in an episode.

    To mend: declare the true bounds, cast to the declared dtype, or end the episode before the state leaves them.
    """
    explained = _odd_forms(evidence)
    for facts, sighting in _seen(evidence, "outside", "outside_form"):
        if sighting.key.endswith((".shape", ".dtype")) and facts.form in explained:
            continue
        return failed(
            f"observation{sighting.key} is outside its space at {_place(facts, sighting)}: {sighting.detail}",
            "Declare the true space, or keep the observation inside it.",
            _counts(evidence),
            case=_case("outside", facts, sighting),
        )
    return _all_well(evidence, "every observation was in its space")


def _odd_forms(evidence: ContractEvidence) -> set[str]:
    """The forms that only some seeds give; empty where all agree. What they break is OBS102's to say."""
    forms = [facts.form for facts in _ran(evidence)]
    common = max(set(forms), key=forms.count, default="")
    return set(forms) - {common}


@rule("OBS102", "shape or dtype of the observation differs across seeds", stage=_STAGE)
def judge_forms(evidence: ContractEvidence) -> Ruling:
    """The first observation of an episode has another shape or dtype under another seed.

    A checker that tries one seed never sees it. A batch that mixes the two forms cannot be stacked: one worker in a
    large fleet dies, at random, hours into the run.

    To mend: pad to one shape, or make the number of objects part of the declared space.
    """
    odd = _odd_forms(evidence)
    ran = _ran(evidence)
    if not odd:
        return _all_well(evidence, "the observation kept its shape and dtype")
    strange = next(facts for facts in ran if facts.form in odd)
    usual = next(facts for facts in ran if facts.form not in odd)
    return failed(
        f"the observation is {strange.form} for seed {strange.seed} and {usual.form} for seed {usual.seed}",
        "Pad to one shape and one dtype for all seeds.",
        _counts(evidence),
        case=Case(kind="form", seed=strange.seed, other_seed=usual.seed),
    )


@rule("OBS103", "spaces differ between instances, seeds or buckets", stage=_STAGE)
def judge_spaces(evidence: ContractEvidence) -> Ruling:
    """Two instances of the env, or one before and after a reset, declare different spaces.

    The learner builds its network from one instance; the workers run the others. A counter at module level, a space
    that is made from random parameters in the constructor, or one that is changed in `reset` all end here.

    To mend: derive the spaces from the constructor's arguments alone.
    """
    if not evidence.spaces:
        return _nothing_seen(evidence, "no instance could be asked for its spaces")
    first = evidence.spaces[0]
    for other in evidence.spaces[1:]:
        for name in ("observation", "action"):
            if getattr(other, name) != getattr(first, name):
                texts = getattr(first, f"{name}_text"), getattr(other, f"{name}_text")
                return failed(
                    f"the {name} space of {first.where} is {texts[0]}, that of {other.where} is {texts[1]}",
                    "Derive the spaces from the constructor's arguments alone.",
                    {"sightings": len(evidence.spaces)},
                    case=Case(kind="spaces", seed=other.seed),
                )
    return passed(f"the spaces were the same in {len(evidence.spaces)} places", {"sightings": len(evidence.spaces)})


@rule("OBS104", "a returned observation is changed by a later step (aliased buffer)", stage=_STAGE)
def judge_aliasing(evidence: ContractEvidence) -> Ruling:
    """The env hands out its own buffer: an observation that the caller holds changes when the env goes on.

    A rollout that stores what `step` returned then stores the last observation many times over. Nothing fails: the
    policy trains on transitions whose two observations are the same array, and learns slowly or not at all.

    To mend: return a copy, `return self._state.copy(), reward, ...`.
    """
    for facts, sighting in _seen(evidence, "aliased"):
        return failed(
            f"{sighting.detail} (seed {facts.seed})",
            "Return a copy of the buffer from reset() and step().",
            _counts(evidence),
            case=_case("aliased", facts, sighting),
        )
    return _all_well(evidence, "every returned observation stayed as it was")


@rule("ACT111", "the action space is not seeded, or a sampled action is refused", stage=_STAGE)
def judge_actions(evidence: ContractEvidence) -> Ruling:
    """`action_space.seed(s)` does not fix what `action_space.sample()` gives, or the env refuses a sampled action.

    Exploration that starts from samples is then not reproducible, or kills workers. A property that builds a new space
    at every access loses its seed; an env whose declared bounds are wider than what it takes refuses samples.

    To mend: build the space once, in the constructor, and declare the bounds that `step` accepts.
    """
    if evidence.unseeded:
        return failed(
            f"the action space does not follow its seed: {evidence.unseeded}",
            "Build the action space once in the constructor; draw only from its own generator.",
            _counts(evidence),
            case=Case(kind="unseeded_space", seed=0),
        )
    for facts in evidence.episodes:
        if facts.refused and facts.crash:
            return failed(
                f"the env refuses an action of its own space at step {facts.crash.step}, seed {facts.seed}: "
                f"{facts.refused} ({facts.crash.describe()})",
                "Declare the bounds that step() accepts.",
                _counts(evidence),
                case=_crash_case(facts, facts.crash),
            )
    if evidence.unseeded is None:
        return skipped("the action space was not asked: the env hung or ended its process before")
    return _all_well(evidence, "the action space follows its seed and its actions were accepted")


@rule("REW121", "reward not a finite scalar", stage=_STAGE)
def judge_rewards(evidence: ContractEvidence) -> Ruling:
    """A reward is NaN, infinite, an array, None or otherwise no single finite number.

    One NaN makes every advantage of its batch NaN and, one update later, every weight. An array of one element
    broadcasts a batch of n rewards to n x n without an error.

    To mend: return `float(reward)`, and find the division or logarithm that leaves the finite numbers.
    """
    if evidence.facts.reward_by_contract:
        return skipped(
            f"the reward is a vector by contract ({evidence.facts.reward_by_contract}): scalarise it before training"
        )
    for facts, sighting in _seen(evidence, "reward"):
        return failed(
            f"the reward is no finite scalar at {_place(facts, sighting)}: {sighting.detail}",
            "Return float(reward), finite in every state that an action can reach.",
            _counts(evidence),
            case=_case("reward", facts, sighting),
        )
    return _all_well(evidence, "every reward was a finite scalar")


@rule("END131", "terminated/truncated of the wrong type, or the episode never ends", stage=_STAGE)
def judge_ends(evidence: ContractEvidence) -> Ruling:
    """`terminated` or `truncated` is no bool, or no episode ends at all.

    Bootstrapping multiplies by `1 - terminated`: an int, a None or an array gives a wrong value or a wrong shape. An
    episode that never ends starves every statistic that is kept per episode, and a rollout waits for it for ever.

    To mend: return `bool(...)`; give an endless task a time limit, `gymnasium.wrappers.TimeLimit(env, n)`.
    """
    for facts, sighting in _seen(evidence, "end"):
        return failed(
            f"{sighting.key} is no bool at {_place(facts, sighting)}: {sighting.detail}",
            "Return bool(terminated) and bool(truncated).",
            _counts(evidence),
            case=_case("end", facts, sighting),
        )
    if evidence.endless_steps is not None:
        limit = evidence.facts.limit
        declared = f", though it declares a limit of {limit}" if limit else ""
        return failed(
            f"no episode ended within {evidence.endless_steps} steps under any of the drivers{declared}",
            "Wrap the env in gymnasium.wrappers.TimeLimit, or waive END131 if it is endless by design.",
            _counts(evidence),
            case=Case(kind="endless", seed=0, step=evidence.endless_steps),
        )
    return _all_well(evidence, "episodes ended, by bools,")


@rule("INF141", "info cannot cross a process boundary", stage=_STAGE)
def judge_info(evidence: ContractEvidence) -> Ruling:
    """`info` is no dict, or holds something that pickle cannot carry (a lambda, a lock, an open file, the env itself).

    It works in one process. With subprocess workers the send fails inside the worker, which most pools report as an
    EOFError without a cause, or not at all.

    To mend: put plain data into `info`.
    """
    for facts, sighting in _seen(evidence, "info"):
        return failed(
            f"info{sighting.key} cannot cross a process boundary at {_place(facts, sighting)}: {sighting.detail}",
            "Put numbers, text and arrays into info; keep live objects on the env.",
            _counts(evidence),
            case=_case("info", facts, sighting),
        )
    return _all_well(evidence, "every info crossed a process boundary")


RULES: tuple[Rule[ContractEvidence], ...] = (
    judge_checker,
    judge_crashes,
    judge_instances,
    judge_bounds,
    judge_forms,
    judge_spaces,
    judge_aliasing,
    judge_actions,
    judge_rewards,
    judge_ends,
    judge_info,
)
