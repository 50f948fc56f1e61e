"""Every form in which an env can be named is built, in a worker, as what was meant."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import my_sim
import pytest

from pytest_rlguard.config import Config
from pytest_rlguard.errors import TargetError
from pytest_rlguard.pool import WorkerContext
from pytest_rlguard.probes.asking import ask
from pytest_rlguard.stages import open_context
from pytest_rlguard.targets import EnvTarget, resolve_env


def look(env: object, kwargs: dict[str, Any] | None = None) -> tuple[str, int, int | None]:
    """What a worker builds: its class, its length, its time limit; and with it, that the preflight lets it pass."""
    settings = Config.model_validate({"env": {"kwargs": kwargs or {}}})
    with open_context(env, config=settings, workers=1) as context:
        name, length = ask(context.probe.pool, describe).value or ("", 0)
        return name, length, context.probe.facts.limit


def describe(context: WorkerContext) -> tuple[str, int]:
    env = context.make_env().unwrapped
    return type(env).__name__, int(env.length)


@pytest.mark.parametrize(
    ("target", "built"),
    [
        ("CartPole-v1", ("CartPoleEnv", 0, 500)),
        ("own_sim:make_walker", ("Walker", 6, None)),
        ("own_sim:Walker", ("Walker", 10, None)),
        ("own_sim:Nested.Walker", ("Walker", 4, None)),
        ("own_sim:short_walker", ("Walker", 2, None)),
        ("own_sim:PlainWalker-v0", ("Walker", 10, 10)),
        ("own_sim:MySim/Walker-v1", ("Walker", 8, 8)),
        ("own_sim:MySim/Walker", ("Walker", 9, 9)),
        ("own_sim.py", ("Walker", 3, None)),
        ("own_sim.py:Walker", ("Walker", 10, None)),
        ("own_sim.py:MySim/Walker-v1", ("Walker", 8, 8)),
        ("  own_sim:Walker ", ("Walker", 10, None)),
    ],
)
@pytest.mark.usefixtures("folder")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_text_names_an_env(target: str, built: tuple[str, int, int | None]) -> None:
    assert look(target) == built
    assert "own_sim" not in sys.modules


def make_local() -> Callable[[], my_sim.Walker]:
    length = 7
    return lambda: my_sim.Walker(length=length)


@pytest.mark.parametrize(
    ("target", "name", "length"),
    [
        (my_sim.Walker, "my_sim:Walker", 10),
        (my_sim.make_walker, "my_sim:make_walker", 6),
        (my_sim.short_walker, "partial(my_sim:Walker)", 2),
        (make_local(), "test_env_targets:make_local.<locals>.<lambda>", 7),
        (resolve_env("my_sim:Walker"), "my_sim:Walker", 10),
    ],
)
def test_an_object_names_an_env(target: object, name: str, length: int) -> None:
    assert resolve_env(target).name == name
    assert look(target) == ("Walker", length, None)


@pytest.mark.parametrize("target", ["my_sim:Walker", "my_sim:MySim/Walker-v1", my_sim.Walker, my_sim.make_walker])
def test_arguments_reach_the_constructor(target: object) -> None:
    assert look(target, {"length": 17})[:2] == ("Walker", 17)


def test_a_file_in_another_folder_and_two_of_the_same_name(folder: Path) -> None:
    for name, length in (("a", 21), ("b", 22)):
        (folder / name).mkdir()
        text = f"from own_sim import Walker\n\n\ndef make_env():\n    return Walker({length})\n"
        (folder / name / "env.py").write_text(text)
    assert look("a/env.py")[1] == 21
    assert look(str(folder / "b" / "env.py"))[1] == 22


def test_a_file_with_one_env_class_needs_no_name(folder: Path) -> None:
    (folder / "one.py").write_text("import own_sim\n\n\nclass Mine(own_sim.Walker):\n    pass\n")
    assert look("one.py") == ("Mine", 10, None)


def test_a_module_may_print_and_set_options_of_its_own(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = "import sys, os\nfrom own_sim import Walker\nprint('loud')\nsys.argv = []\nos.environ['LOUD'] = '1'\n"
    (folder / "loud.py").write_text(text)
    assert look("loud:Walker") == ("Walker", 10, None)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (my_sim.Walker(), "expected a way to build envs, got a built one (Walker)\nPass its class, or a function"),
        (gymnasium.make("CartPole-v1"), "expected a way to build envs, got a built one (OrderEnforcing)"),
        (my_sim.return_vector(), "expected a way to build envs, got a built one (SyncVectorEnv)"),
        (None, "expected an env, got None\nName an env id (CartPole-v1), module:callable,"),
        ("", "expected an env, got ''"),
        (17, "expected an env, got 17"),
    ],
    ids=["instance", "made", "vector", "none", "empty", "number"],
)
def test_what_is_no_way_to_build_an_env_is_refused(target: object, told: str) -> None:
    if told.endswith("(OrderEnforcing)"):
        told = told.replace("OrderEnforcing", type(target).__name__)
    with pytest.raises(TargetError) as caught:
        resolve_env(target)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("CartPole-v1", "def make_env():\n    return gymnasium.make('CartPole-v1')\n"),
        ("my_sim:Walker", 'sys.path.insert(0, "")\nimport my_sim\n\n\ndef make_env():\n    return my_sim.Walker()\n'),
        (my_sim.Walker, 'sys.path.insert(0, "")\nimport my_sim\n\n\ndef make_env():\n    return my_sim.Walker()\n'),
        (
            "my_sim:MySim/Walker-v1",
            "sys.path.insert(0, \"\")\n\n\ndef make_env():\n    return gymnasium.make('my_sim:MySim/Walker-v1')\n",
        ),
        (
            "own_sim.py",
            "module = runpy.run_path('own_sim.py')\n\n\ndef make_env():\n    return module['make_env']()\n",
        ),
        (
            "own_sim.py:Nested.Walker",
            "module = runpy.run_path('own_sim.py')\n\n\ndef make_env():\n    return module['Nested'].Walker()\n",
        ),
        (
            "own_sim.py:MySim/Walker-v1",
            "module = runpy.run_path('own_sim.py')\n\n\n"
            "def make_env():\n    return gymnasium.make('MySim/Walker-v1')\n",
        ),
    ],
)
@pytest.mark.usefixtures("folder")
@pytest.mark.filterwarnings("ignore:.*Overriding environment", "ignore:.*out of date")
def test_source_that_a_script_can_use(target: object, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    found = resolve_env(target).source()
    assert found == source
    names: dict[str, Any] = {"gymnasium": gymnasium, "sys": sys, "runpy": __import__("runpy")}
    exec(found, names)
    assert names["make_env"]().action_space == gymnasium.spaces.Discrete(2)


def test_source_holds_the_arguments_as_literals() -> None:
    target = resolve_env("CartPole-v1", kwargs={"render_mode": None, "sizes": [1, 2.5, {"a": "b"}]})
    assert target.source().endswith("gymnasium.make('CartPole-v1', render_mode=None, sizes=[1, 2.5, {'a': 'b'}])\n")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (EnvTarget("x", "CartPole-v1", {"space": object()}), "the arguments of x have no literal form"),
        (resolve_env(make_local()), "<lambda> is a local object that a script of its own cannot import"),
        (resolve_env(functools.partial(my_sim.Walker)), "is a local object that a script of its own cannot import"),
    ],
    ids=["object", "closure", "partial"],
)
def test_what_a_script_cannot_name_has_no_source(target: EnvTarget, told: str) -> None:
    with pytest.raises(TargetError) as caught:
        target.source()
    assert told in str(caught.value)
