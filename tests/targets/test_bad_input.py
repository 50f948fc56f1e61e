"""A user's mistake: one or two lines that say what to do, exit code 2, no traceback of ours, nothing left running.

The user's own traceback is kept where their code raised. Each case goes through the command line; those that do not
need it go through `check()` as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import my_sim
import psutil
import pytest
from target_helpers import Answer, RunCommand

from pytest_rlguard import check
from pytest_rlguard.config import Config
from pytest_rlguard.errors import EnvError, PolicyError, RLGuardError, TargetError
from pytest_rlguard.stages import open_context


@dataclass(frozen=True)
class Mistake:
    """What is typed, what is told in two lines, and which lines of the user's own traceback follow."""

    arguments: str
    told: str
    advice: str
    traceback: tuple[str, ...] = ()


IMPORT_ADVICE = "Run from the folder that holds it, or install it; a file is named with its .py ending."
SLOW_ADVICE = "Try it alone; if it is only slow, raise worker_pool.start_deadline_sec."
MEND_ADVICE = "Mend it, or give the arguments it needs under env.kwargs."
ACT_ADVICE = "It is called with one observation and returns one action."
ENV_ADVICE = "Return a gymnasium.Env from the function, or name an env class."
GONE_ADVICE = "Try it alone; what cannot go on must raise an exception, so that the rest can."

MISTAKES = {
    "an id with a typo": Mistake("CartPol-v1", "there is no env id 'CartPol-v1'", "Did you mean 'CartPole-v1'?"),
    "a version that is not": Mistake(
        "own_sim:MySim/Walker-v99",
        "module 'own_sim' has no attribute 'MySim/Walker-v99' and registers no such env id",
        "Did you mean 'MySim/Walker-v2'?",
    ),
    "an id like no other": Mistake(
        "Xyzzy-v0", "there is no env id 'Xyzzy-v0'", "Name an env id (CartPole-v1), module:callable, module:EnvId, or"
    ),
    "a namespace unknown": Mistake(
        "Nowhere/Xyzzy-v5", "there is no env id 'Nowhere/Xyzzy-v5'", "Name the module that registers it, too: module:No"
    ),
    "a file without .py": Mistake("own_sim", "there is no env id 'own_sim'", "Did you mean 'own_sim.py'?"),
    "no such module": Mistake("no_such:Env", "there is no module 'no_such'", IMPORT_ADVICE),
    "no such submodule": Mistake("own_sim.part:Env", "there is no module 'own_sim.part'", IMPORT_ADVICE),
    "no such file": Mistake("gone.py", "there is no file 'gone.py'", "Give its path from the current folder."),
    "no such name": Mistake(
        "own_sim:Walkr", "module 'own_sim' has no attribute 'Walkr' and registers no such env id", "Did you mean"
    ),
    "a name of no callable": Mistake(
        "own_sim:a_number", "own_sim:a_number is int, expected an env class or a function that returns", "Name a class"
    ),
    "several classes": Mistake(
        "many.py", "many.py has no make_env() and not exactly one env class (found: A, B)", "Define make_env(), or name"
    ),
    "a module that misses another": Mistake(
        "half:Env",
        "half cannot be imported: ModuleNotFoundError: No module named 'a_missing_library'",
        "Mend it: `python -c 'import half'` must work in this folder.",
        ('half.py", line 2, in <module>', "ModuleNotFoundError: No module named 'a_missing_library'"),
    ),
    "a file that misses another": Mistake(
        "half.py",
        "half.py cannot be imported: ModuleNotFoundError: No module named 'a_missing_library'",
        "Mend it: `python half.py` must work in this folder.",
        ('half.py", line 2, in <module>',),
    ),
    "a syntax error": Mistake(
        "torn:Env",
        "torn cannot be imported: SyntaxError: '(' was never closed (torn.py, line 1)",
        "Mend it: `python -c 'import torn'` must work in this folder.",
        ('torn.py", line 1', "def make_env(", "SyntaxError"),
    ),
    "a module that exits": Mistake(
        "script:Env",
        "script cannot be imported: SystemExit: usage: script",
        "Mend it: `python -c 'import script'` must work in this folder.",
        ('script.py", line 3, in <module>',),
    ),
    "a constructor that raises": Mistake(
        "own_sim:Raises",
        "env own_sim:Raises raised RuntimeError in its constructor: the simulator has no licence",
        MEND_ADVICE,
        ("Traceback (most recent call last):", 'own_sim.py", line', "in __init__", "RuntimeError: the simulator has"),
    ),
    "a constructor that wants more": Mistake(
        "own_sim:Walker --config kwargs.yaml",
        "env own_sim:Walker raised TypeError in its constructor: Walker.__init__() got an unexpected keyword argument",
        MEND_ADVICE,
    ),
    "a constructor that hangs": Mistake(
        "own_sim:Hangs --set worker_pool.start_deadline_sec=2",
        "env own_sim:Hangs hangs in its constructor (no sign of life for 2.",
        SLOW_ADVICE,
        ('own_sim.py", line', "in __init__"),
    ),
    "a constructor that exits": Mistake(
        "own_sim:Exits",
        "env own_sim:Exits raised SystemExit in its constructor: no simulator here",
        MEND_ADVICE,
        ('own_sim.py", line', "SystemExit: no simulator here"),
    ),
    "a constructor that ends the process": Mistake(
        "own_sim:Dies",
        "env own_sim:Dies ended its process in its constructor (exit code 5)",
        GONE_ADVICE,
        ("last words of the simulator",),
    ),
    "a function that returns no env": Mistake(
        "own_sim:return_nothing",
        "the target returned NoneType, which is no gymnasium env: it has no reset, step, observation_space,",
        ENV_ADVICE,
    ),
    "a function that returns an action": Mistake(
        "own_sim:Constant", "the target returned Constant, which is no gymnasium env: it has no reset, step", ENV_ADVICE
    ),
    "a vector of envs": Mistake(
        "own_sim:return_vector",
        "expected one env, got a vector of 2 (SyncVectorEnv)",
        "Name the env that the vector is made of; rlguard makes its own pools.",
    ),
    "a policy that acts by word": Mistake(
        "own_sim:Walker --policy own_sim:act_by_word",
        "policy own_sim:act_by_word does not fit the env: its action is wrong: 'left' (str) is not in Discrete(2)",
        "Return an action of Discrete(2).",
    ),
    "a policy of another shape": Mistake(
        "own_sim:Slider --policy own_sim:act_in_three",
        "policy own_sim:act_in_three does not fit the env: its action.shape is wrong: shape (3,), declared (2,)",
        "Return an action of Box(-1.0, 1.0, (2,), float32).",
    ),
    "a policy that forgets to act": Mistake(
        "own_sim:Walker --policy own_sim:forget_to_act",
        "policy own_sim:forget_to_act does not fit the env: its action is wrong: None (NoneType)",
        "Return an action of Discrete(2).",
    ),
    "a policy that raises": Mistake(
        "own_sim:Walker --policy own_sim:raise_key_error",
        "policy own_sim:raise_key_error raised KeyError in its first action: 'no such joint'",
        ACT_ADVICE,
        ('own_sim.py", line', "in raise_key_error", "KeyError: 'no such joint'"),
    ),
    "a policy that hangs": Mistake(
        "own_sim:Walker --policy own_sim:hang --set worker_pool.start_deadline_sec=2",
        "policy own_sim:hang hangs in its first action (no sign of life for 2.",
        SLOW_ADVICE,
        ("in hang",),
    ),
    "a policy that ends the process": Mistake(
        "own_sim:Walker --policy own_sim:die",
        "policy own_sim:die ended its process in its first action (exit code 7)",
        GONE_ADVICE,
    ),
    "a policy in no form": Mistake(
        "CartPole-v1 --policy mine", "there is no policy 'mine'", "Name random, module:callable, file.pt or sb3"
    ),
    "a policy file that is none": Mistake(
        "CartPole-v1 --policy sb3:half.py", "half.py is no zip file", "Name what model.save() wrote."
    ),
    "a seeding function that raises": Mistake(
        "CartPole-v1 --set worker_pool.seeding=own_sim:raise_on_seeding",
        "the seeding function own_sim:raise_on_seeding failed: ValueError: no seed for 0, 0",
        "It is called with (base_seed, worker) and returns or yields seeds.",
        ("in raise_on_seeding",),
    ),
}

# What the parent refuses before it starts anything: one process, and through the command line only.
USAGE = {
    "unknown stage": Mistake("CartPole-v1 --stages contrat", "there is no stage 'contrat'", "did you mean 'contract'?"),
    "stage of the file": Mistake("CartPole-v1 --config stage.yaml", "stage.yaml:1: gates.stages", ""),
    "unknown key": Mistake("CartPole-v1 --set gates.sedes=quick", "--set gates.sedes: unknown key; did you mean", ""),
    "unknown key of the file": Mistake("CartPole-v1 --config key.yaml", "key.yaml:1: gates.sedes: unknown key;", ""),
    "out of range": Mistake("CartPole-v1 --set worker_pool.start_deadline_sec=-2", "-2; expected a number above 0", ""),
    "no such seed count": Mistake("CartPole-v1 --seeds fast", "'fast' is not one of 'quick', 'standard', 'thorou", ""),
    "no env": Mistake("", "no env is named", "name one: rlguard check CartPole-v1, --env, or env.target in the file"),
    "no such option": Mistake("CartPole-v1 --polcy random", "--polcy", "see `rlguard check --help`"),
    "no such file": Mistake("CartPole-v1 --config gone.yaml", "gone.yaml", ""),
}


@pytest.fixture(autouse=True)
def user_files(folder: Path) -> None:
    """The files that the mistakes are about."""
    texts = {
        "half.py": "import os\nimport a_missing_library\n",
        "key.yaml": "distributed_rl_pipeline: {gates: {sedes: quick}}\n",
        "kwargs.yaml": "distributed_rl_pipeline: {env: {kwargs: {colour: red}}}\n",
        "many.py": "from own_sim import Walker\n\n\nclass A(Walker): ...\n\n\nclass B(Walker): ...\n",
        "script.py": "import sys\n\nsys.exit('usage: script')\n",
        "stage.yaml": "distributed_rl_pipeline: {gates: {stages: [contrat]}}\n",
        "torn.py": "def make_env(\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)


@pytest.mark.parametrize("name", MISTAKES)
def test_the_command_line_says_what_to_do(name: str, rlguard: RunCommand) -> None:
    mistake = MISTAKES[name]
    answer = rlguard(*mistake.arguments.split())
    require_two_lines(answer, mistake)
    own = answer.err.split("\n\n", 1)[1] if mistake.traceback else ""
    assert [line for line in mistake.traceback if line not in own] == []


@pytest.mark.parametrize("name", USAGE)
def test_wrong_usage_is_refused_before_anything_starts(name: str, rlguard: RunCommand) -> None:
    require_two_lines(rlguard(*USAGE[name].arguments.split()), USAGE[name])


def require_two_lines(answer: Answer, mistake: Mistake) -> None:
    head, _, tail = answer.err.partition("\n\n")
    lines = [*head.splitlines(), ""]
    assert answer.code == 2
    assert answer.out == ""
    assert lines[0].startswith("error: ")
    assert mistake.told in lines[0]
    assert lines[1].startswith(mistake.advice)
    assert len(head.splitlines()) <= 2
    assert "pytest_rlguard" not in answer.err
    assert bool(tail.strip()) == bool(mistake.traceback)


@pytest.mark.parametrize(
    ("env", "policy", "kind", "name"),
    [
        ("CartPol-v1", None, TargetError, "an id with a typo"),
        ("half:Env", None, TargetError, "a module that misses another"),
        ("torn:Env", None, TargetError, "a syntax error"),
        ("own_sim:Raises", None, EnvError, "a constructor that raises"),
        ("own_sim:Exits", None, EnvError, "a constructor that exits"),
        ("own_sim:Dies", None, EnvError, "a constructor that ends the process"),
        ("own_sim:return_nothing", None, TargetError, "a function that returns no env"),
        ("own_sim:Slider", "own_sim:act_in_three", PolicyError, "a policy of another shape"),
        ("own_sim:Walker", "own_sim:raise_key_error", PolicyError, "a policy that raises"),
        ("own_sim:Walker", "own_sim:die", PolicyError, "a policy that ends the process"),
    ],
)
def test_check_raises_the_same(env: str, policy: str | None, kind: type[RLGuardError], name: str) -> None:
    mistake, before = MISTAKES[name], set(psutil.Process().children(recursive=True))
    with pytest.raises(kind) as caught:
        check(env, policy=policy, config=Config(), workers=1)
    assert caught.value.message.startswith(mistake.told)
    assert caught.value.advice.startswith(mistake.advice)
    assert [line for line in mistake.traceback if line not in caught.value.user_traceback] == []
    assert "pytest_rlguard" not in caught.value.user_traceback
    assert [process for process in psutil.Process().children(recursive=True) if is_worker(process, before)] == []


def is_worker(process: psutil.Process, before: set[psutil.Process]) -> bool:
    """Whether the process is new and none of Python's two helpers, which end with the session."""
    helpers = ("multiprocessing.forkserver import main", "multiprocessing.resource_tracker import main")
    return process not in before and not any(helper in " ".join(process.cmdline()) for helper in helpers)


@pytest.mark.parametrize(
    ("env", "told"),
    [
        (my_sim.Raises, "env my_sim:Raises raised RuntimeError in its constructor: the simulator has no licence"),
        (lambda: None, "the target returned NoneType, which is no gymnasium env"),
        (my_sim.return_vector, "expected one env, got a vector of 2 (SyncVectorEnv)"),
        (my_sim.Walker(), "expected a way to build envs, got a built one (Walker)"),
    ],
    ids=["raises", "returns nothing", "vector", "instance"],
)
def test_an_object_is_told_like_a_name(env: object, told: str) -> None:
    with pytest.raises(RLGuardError) as caught:
        check(env, config=Config(), workers=1)
    assert caught.value.message.startswith(told)
    assert "pytest_rlguard" not in caught.value.user_traceback


def test_a_close_that_hangs_is_left_to_the_gates() -> None:
    settings = Config.model_validate({"worker_pool": {"start_deadline_sec": 0.5}})
    with open_context("own_sim:HangsInClose", config=settings, workers=1) as context:
        assert context.probe.facts.limit is None
