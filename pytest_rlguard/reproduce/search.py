"""From a failed verdict to its reproducer: candidates from the smallest up are run, the first that shows it is kept."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_rlguard.errors import RLGuardError, TargetError
from pytest_rlguard.evidence import Case
from pytest_rlguard.fingerprint import encode_action
from pytest_rlguard.pool import WorkerContext
from pytest_rlguard.probes.asking import ask
from pytest_rlguard.probes.context import ProbeContext, derive_driver_seed, lend_env, make_policy
from pytest_rlguard.reproduce.literals import count_numbers, render_actions, render_sampled
from pytest_rlguard.reproduce.templates import BODIES, tidy_imports
from pytest_rlguard.targets import EnvTarget
from pytest_rlguard.verdict import Verdict

__all__ = ["reproduce"]

_RUNS = 3
_RUN_DEADLINE_SEC = 120.0
_LONGEST_LITERAL = 400
_HANG_SLACK_SEC = 2.0


def reproduce(verdict: Verdict, case: Case, context: ProbeContext) -> str:
    """A script that shows the defect alone, with a header that says how surely it does.

    Where the env has no name that a script could import, the text says so, and how to show the verdict again.
    """
    again = f"rlguard check {context.env.name} --stages {_stage_of(verdict)}"
    node = f"pytest --pyargs pytest_rlguard.gatesuite --rlguard-env {context.env.name} -k {verdict.rule}"
    try:
        make_env = _read_source(context)
    except RLGuardError as error:
        return f"# {verdict.rule}: no script of its own ({error.message}).\n# Show it again by: {node}\n"
    case = _with_actions(case, context)
    script, shown = _find_surest(
        [(candidate.kind, _write(candidate, make_env, context)) for candidate in _candidates(case)]
    )
    label = f"reproduced in {shown} of {_RUNS} runs"
    if shown < _RUNS:
        label = f"FLAKY: {label}"
    head = f"# {verdict.rule}: {' '.join(verdict.sentence.split())}\n# {label}. Also: {again}\n# or: {node}\n"
    return head + script


def _read_source(context: ProbeContext) -> str:
    """Python source of `make_env`, found in a worker: it takes an import of the user's module."""
    result = ask(context.pool, _find_source, context.env)
    if not isinstance(result.value, str):
        raise TargetError(f"{context.env.name} could not be imported again")
    return result.value


def _find_source(_context: WorkerContext, env: EnvTarget) -> str:
    source = env.source()
    if source.startswith("module = runpy."):
        return f'sys.path.insert(0, "")\n{source}'  # what the file imports may lie in this folder, as for the check
    return source


def _find_surest(candidates: Sequence[tuple[str, str]]) -> tuple[str, int]:
    """The first script that shows the defect in every run, else the one that did most often; and how often it did."""
    surest, most = candidates[-1][1], 0
    for kind, script in candidates:
        shown = int(_shows(script, kind))
        if shown:
            shown += sum(_shows(script, kind) for _ in range(_RUNS - 1))
        if shown > most:
            surest, most = script, shown
        if shown == _RUNS:
            break
    return surest, most


def _stage_of(verdict: Verdict) -> str:
    from pytest_rlguard.checks.catalog import find_rule

    return find_rule(verdict.rule).stage


def _with_actions(case: Case, context: ProbeContext) -> Case:
    """The case of a worker that died took its actions with it: its driver gives them again."""
    if case.kind != "hang" or case.actions or not case.step:
        return case
    (result,) = context.pool.map(_draw_actions, [(case.driver, case.seed, case.step)])
    return replace(case, actions=result.value or ())


def _draw_actions(context: WorkerContext, driver: str, seed: int, steps: int) -> tuple[bytes, ...]:
    with lend_env(context) as env:
        policy = make_policy(context, env, driver, seed)
        observation = env.observation_space.sample()
        return tuple(encode_action(policy(observation)) for _ in range(steps))


def _candidates(case: Case) -> Iterator[Case]:
    """The same case with less, the least first; itself last."""
    if case.history:
        shortest = replace(case, actions=case.actions[: case.step])
        yield from (replace(shortest, history=history) for history in _shorter_histories(case.history))
    length = case.step
    while length < len(case.actions):
        yield replace(case, actions=case.actions[:length])
        length = max(1, 2 * length)
    yield case


def _shorter_histories(history: Sequence[tuple[int, tuple[bytes, ...]]]) -> Iterator[Any]:
    """One earlier episode, cut after 0, 1, 2, 4 ... steps; then each whole one alone."""
    lengths = [0, *(2**power for power in range(7))]
    seed, actions = history[0]
    for length in lengths:
        if length < len(actions):
            yield ((seed, actions[:length]),)
    for entry in history:
        yield (entry,)


def _write(case: Case, make_env: str, context: ProbeContext) -> str:
    body = BODIES[case.kind]
    parts = [make_env, f"\nSEED = {case.seed}"]
    if case.other_seed is not None:
        parts.append(f"OTHER_SEED = {case.other_seed}")
    if "ACTIONS" in body:
        parts.append(_render_case_actions(case))
    if "HISTORY" in body:
        parts.append(_render_history(case.history))
    if "DEADLINE_SEC" in body:
        parts.append(f"DEADLINE_SEC = {context.config.worker_pool.step_deadline_sec + _HANG_SLACK_SEC:g}")
    if "STEPS" in body:
        parts.append(f"STEPS = {case.step}")
    if case.kind == "streams":
        parts.append(_render_seeding(context.config.worker_pool.seeding))
    return tidy_imports("\n".join(parts) + "\n" + body)


def _render_case_actions(case: Case) -> str:
    if count_numbers(case.actions) > _LONGEST_LITERAL and case.driver == "random":
        return render_sampled("ACTIONS", len(case.actions), derive_driver_seed(case.seed))
    return render_actions("ACTIONS", case.actions)


def _render_history(history: Sequence[tuple[int, tuple[bytes, ...]]]) -> str:
    lines = [render_actions(f"EARLIER_{number}", actions) for number, (_, actions) in enumerate(history)]
    entries = ", ".join(f"({seed}, EARLIER_{number})" for number, (seed, _) in enumerate(history))
    return "\n".join([*lines, f"HISTORY = [{entries}]"])


def _render_seeding(name: str) -> str:
    if name == "base_plus_index":
        return "\n\ndef seeding(base_seed, worker):\n    return [base_seed + worker, None, None, None]\n"
    if name == "spawn":
        spawn = "[int(s.generate_state(1)[0]) >> 1 for s in np.random.SeedSequence(base_seed).spawn(24)[worker::4]]"
        return f"\n\ndef seeding(base_seed, worker):\n    return {spawn}\n"
    module, _, function = name.rpartition(":")
    if module.endswith(".py"):
        load = f"own = runpy.run_path({module!r})[{function!r}]"
    else:
        load = f'sys.path.insert(0, "")\nfrom {module} import {function} as own'
    take = "[seeds] if isinstance(seeds, int) else list(itertools.islice(seeds, 6))"
    return f"{load}\n\n\ndef seeding(base_seed, worker):\n    seeds = own(base_seed, worker)\n    return {take}\n"


def _shows(script: str, kind: str) -> bool:
    """Whether a run of the script in a new interpreter shows the defect."""
    with tempfile.TemporaryDirectory(prefix="rlguard-") as folder:
        path = Path(folder, "reproducer.py")
        path.write_text(script, encoding="utf-8")
        code = _run(path, Path(folder, "output.txt"))
        told = Path(folder, "output.txt").read_text(encoding="utf-8", errors="replace")
    if kind == "hang":
        return "playing" in told and "it went through" not in told
    died = kind.startswith("crash") and code is not None and code < 0
    return died or (code == 1 and "REPRODUCED" in told)


def _run(path: Path, output: Path) -> int | None:
    """The exit code of the script; None where it had to be killed. What the env started goes with it.

    Its output goes to a file: a pipe would stay open for as long as a simulator that the env left behind.
    """
    with output.open("wb") as sink:
        process = subprocess.Popen(  # noqa: S603 - our own script, about the user's own env
            [sys.executable, str(path)],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            start_new_session=True,
        )
    try:
        return process.wait(_RUN_DEADLINE_SEC)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
