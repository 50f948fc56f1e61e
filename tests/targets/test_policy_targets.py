"""Every form in which a policy can be named drives the env, and each wrong one says what to do."""

from __future__ import annotations

import io
import json
import pickle
import random
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import my_sim
import numpy as np
import pytest
from gymnasium import spaces

from pytest_rlguard.config import Config
from pytest_rlguard.errors import PolicyError, TargetError
from pytest_rlguard.integrations import sb3, torch_policy
from pytest_rlguard.stages import open_context
from pytest_rlguard.targets import resolve_policy

torch = pytest.importorskip("torch")


def act(policy: object, env: gymnasium.Env[Any, Any]) -> Any:
    """The first action of a policy, which is one of the env's."""
    observation, _ = env.reset(seed=0)
    action = resolve_policy(policy)(env)(observation)
    assert env.action_space.contains(action)
    return action


@pytest.mark.parametrize(
    "policy",
    [
        "random",
        "my_sim:go_right",
        "my_sim:make_policy",
        "my_sim:Constant",
        "my_sim:Fitted",
        "own_sim.py:go_right",
        my_sim.go_right,
        my_sim.Constant,
        my_sim.Constant(),
        my_sim.make_policy,
        lambda _observation: 1,
    ],
)
@pytest.mark.usefixtures("folder")
@pytest.mark.filterwarnings("ignore:.*Overriding environment")
def test_a_policy_in_every_form(policy: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert act(policy, my_sim.Walker()) in (0, 1)


def test_a_policy_in_a_worker() -> None:
    with open_context(my_sim.Walker, policy=lambda _observation: 1, config=Config(), workers=1) as context:
        assert context.subject.policy.endswith("<lambda>")


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("nothing", "there is no policy 'nothing'\nName random, module:callable, file.pt or sb3:file.zip."),
        ("no_such_module:act", "there is no module 'no_such_module'"),
        ("my_sim:go_rigth", "module 'my_sim' has no attribute 'go_rigth'\nDid you mean 'go_right'?"),
        ("my_sim:a_number", "module 'my_sim' has 'a_number', but it is int"),
        ("my_sim:Loaded", "class my_sim:Loaded takes (weights) to be built\nLet it take"),
        ("my_sim:Uncallable", "my_sim:Uncallable built Uncallable, which cannot be called with an observation"),
        ("absent.pt", "there is no policy file 'absent.pt'\nGive its path from the current folder."),
        ("sb3:absent.zip", "there is no policy file 'absent.zip'"),
    ],
)
def test_a_policy_that_is_none(policy: str, told: str) -> None:
    with pytest.raises((TargetError, PolicyError)) as caught:
        act(policy, my_sim.Walker())
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("policy", [None, 3, ""])
def test_what_names_no_policy_is_refused(policy: object) -> None:
    with pytest.raises(TargetError, match="expected a policy, got"):
        resolve_policy(policy)


def make_checkpoint(layers: list[int], action: str, **changes: Any) -> dict[str, Any]:
    """As `ci/train.py --checkpoint` writes it, with weights that make the last output the largest."""
    state = {}
    for index in range(len(layers) - 1):
        state[f"{2 * index}.weight"] = torch.zeros(layers[index + 1], layers[index])
        state[f"{2 * index}.bias"] = torch.arange(layers[index + 1], dtype=torch.float32)
    ready = {"format": "rlguard-mlp-1", "activation": "tanh", "layers": layers, "state_dict": state, "action": action}
    size = layers[0]
    return ready | {"obs_mean": torch.zeros(size), "obs_var": torch.ones(size)} | changes


class AnySpaces(gymnasium.Env[Any, Any]):
    """An env that only has spaces."""

    def __init__(self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
        self.observation_space, self.action_space = observation_space, action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed, options=options)
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}


BOX = spaces.Box(-1.0, 1.0, (2, 2), np.float64)


@pytest.mark.parametrize(
    ("action_space", "layers", "kind", "expected"),
    [
        (spaces.Discrete(3), [4, 8, 3], "discrete", np.int64(2)),
        (spaces.Discrete(3, start=-1), [4, 3], "discrete", np.int64(1)),
        (spaces.Box(-0.5, 0.5, (1, 3), np.float32), [4, 8, 8, 3], "box", np.array([[0, 0.5, 0.5]], np.float32)),
        (spaces.Box(0, 9, (3,), np.int64), [4, 3], "box", np.array([0, 1, 2])),
    ],
)
def test_a_checkpoint_acts_within_its_space(
    action_space: spaces.Space[Any], layers: list[int], kind: str, expected: Any, tmp_path: Path
) -> None:
    torch.save(make_checkpoint(layers, kind), tmp_path / "policy.pt")
    action = act(str(tmp_path / "policy.pt"), AnySpaces(BOX, action_space))
    np.testing.assert_array_equal(action, expected)
    assert type(action) is type(expected)
    assert action.dtype == expected.dtype


def test_a_checkpoint_computes_what_the_network_does(tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 2))
    mean, var = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([4.0, 1.0, 9.0, 1.0])
    saved = make_checkpoint([4, 8, 2], "box", state_dict=dict(net.state_dict()), obs_mean=mean, obs_var=var)
    torch.save(saved, tmp_path / "policy.pt")
    env = AnySpaces(BOX, spaces.Box(-100.0, 100.0, (2,), np.float32))
    observation = np.array([[3.0, 3.0], [3.0, 3.0]])
    action = resolve_policy(str(tmp_path / "policy.pt"))(env)(observation)
    with torch.no_grad():
        expected = net((torch.full((4,), 3.0) - mean) / var.sqrt())
    np.testing.assert_allclose(action, expected, rtol=1e-6)


class Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return (sys.exit, ("this code must not run",))


def _saved(value: object) -> bytes:
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def _script() -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: b"", "is no checkpoint of plain tensors"),
        (lambda: b"hello", "is no checkpoint of plain tensors"),
        (lambda: pickle.dumps([1]), "is no checkpoint of plain tensors"),
        (lambda: _saved(Malicious()), "is no checkpoint of plain tensors"),
        (lambda: _saved(torch.nn.Linear(2, 2)), "is no checkpoint of plain tensors"),
        (lambda: _saved(torch.zeros(3)), "is a Tensor"),
        (lambda: _saved(torch.nn.Linear(2, 2).state_dict()), "is a bare state dict"),
        (lambda: _saved({"format": "rlguard-mlp-2"}), "is of format 'rlguard-mlp-2'"),
        (_script, "is a TorchScript archive"),
    ],
    ids=["empty", "text", "pickle", "code", "module", "tensor", "state dict", "other format", "torchscript"],
)
def test_another_torch_file_is_refused_and_runs_nothing(make: Callable[[], bytes], told: str, tmp_path: Path) -> None:
    file = tmp_path / "other.pt"
    file.write_bytes(make())
    with pytest.raises(TargetError) as caught:
        torch_policy.load_policy(file, my_sim.Walker())
    assert caught.value.message == f"{file} {told}, expected format rlguard-mlp-1"
    assert "--policy module:callable" in caught.value.advice


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"activation": "relu"}, "activation 'relu', action 'discrete'"),
        ({"action": "dirichlet"}, "activation 'tanh', action 'dirichlet'"),
        ({"layers": [1, 4, 2]}, "layer 0 is (2, 1), expected (4, 1)"),
        ({"layers": [1]}, "2 tensors for layers [1]"),
        ({"layers": 3}, "'int' object is not iterable"),
        ({"state_dict": {}}, "'0.weight'"),
        ({"obs_mean": torch.zeros(2)}, "obs_mean has shape (2,), expected (1,)"),
        ({"obs_var": 1.0}, "'float' object has no attribute 'shape'"),
    ],
)
def test_a_damaged_checkpoint_is_named(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    torch.save(make_checkpoint([1, 2], "discrete") | changes, tmp_path / "policy.pt")
    with pytest.raises(TargetError) as caught:
        torch_policy.load_policy(tmp_path / "policy.pt", my_sim.Walker())
    assert caught.value.message == f"{tmp_path / 'policy.pt'} is a damaged rlguard-mlp-1 checkpoint: {told}"


@pytest.mark.parametrize(
    ("layers", "kind"), [([2, 2], "discrete"), ([1, 3], "discrete"), ([1, 2], "box"), ([1, 1], "box")]
)
def test_a_checkpoint_of_another_env_does_not_fit(layers: list[int], kind: str, tmp_path: Path) -> None:
    torch.save(make_checkpoint(layers, kind), tmp_path / "policy.pt")
    with pytest.raises(TargetError, match="does not fit the env: it takes a Box of") as caught:
        torch_policy.load_policy(tmp_path / "policy.pt", my_sim.Walker())
    assert "acts in Discrete(2)" in caught.value.message


ENVS = {
    "PPO": my_sim.Walker,
    "A2C": my_sim.Walker,
    "DQN": my_sim.Walker,
    "SAC": my_sim.Slider,
    "TD3": my_sim.Slider,
    "DDPG": my_sim.Slider,
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an untrained model of each kind."""
    stable_baselines3 = pytest.importorskip("stable_baselines3")
    folder = tmp_path_factory.mktemp("models")
    for name, env in ENVS.items():
        options: dict[str, Any] = {} if name in ("PPO", "A2C") else {"buffer_size": 10}
        kind = getattr(stable_baselines3, name)
        kind("MlpPolicy", env(), policy_kwargs={"net_arch": [4]}, device="cpu", seed=3, **options).save(folder / name)
    return folder


@pytest.mark.parametrize("name", ENVS)
def test_a_stable_baselines3_model_acts_as_its_own_predict_does(name: str, models: Path) -> None:
    import stable_baselines3

    env = ENVS[name]()
    action = act(f"sb3:{models / name}.zip", env)
    observation, _ = env.reset(seed=0)
    expected, _ = (
        getattr(stable_baselines3, name).load(models / name, device="cpu").predict(observation, deterministic=True)
    )
    np.testing.assert_array_equal(action, expected)
    assert isinstance(action, np.int64 if isinstance(env.action_space, spaces.Discrete) else np.ndarray)


def test_loading_a_model_moves_no_global_random_state(models: Path) -> None:
    before = describe_globals()
    sb3.load_policy(models / "PPO.zip", my_sim.Walker())
    assert describe_globals() == before


def describe_globals() -> tuple[object, ...]:
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002


def test_a_model_of_another_env_does_not_fit(models: Path) -> None:
    with pytest.raises(TargetError, match=r"does not fit the env: its action_space is Discrete\(2\), the env's is Box"):
        sb3.load_policy(models / "PPO.zip", my_sim.Slider())
    env = gymnasium.make("CartPole-v1")
    with pytest.raises(TargetError, match="does not fit the env: its observation_space is Box"):
        sb3.load_policy(models / "PPO.zip", env)


def test_a_model_that_does_not_load_is_told_in_one_line(models: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(models / "PPO.zip") as source, zipfile.ZipFile(broken, "w") as target:
        target.writestr("data", source.read("data"))
    with pytest.raises(TargetError) as caught:
        sb3.load_policy(broken, my_sim.Walker())
    assert caught.value.message.startswith(f"stable-baselines3 cannot load {broken} as PPO: ")
    assert "\n" not in caught.value.message


def write_zip(file: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return file


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"gamma": 0.9}, "was saved by no known algorithm; known: DDPG, A2C, DQN, PPO, SAC, TD3"),
        (
            {"gae_lambda": 1, "policy_class": {"__module__": "sb3_contrib.common.recurrent.policies"}},
            "(policy class of sb3_contrib.common.recurrent.policies); known",
        ),
        ({"gae_lambda": 1, "cg_max_steps": 15}, "was saved by no known algorithm"),
    ],
)
def test_an_unknown_algorithm_is_refused_before_anything_is_unpickled(
    names: dict[str, Any], told: str, tmp_path: Path
) -> None:
    names["observation_space"] = {":serialized:": "never read"}
    file = write_zip(tmp_path / "model.zip", {"data": json.dumps(names)})
    with pytest.raises(TargetError) as caught:
        sb3.load_policy(file, my_sim.Walker())
    assert told in caught.value.message
    assert caught.value.advice == "Name code that loads it: --policy module:callable."


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.zip"
    text.write_text("hello")
    with pytest.raises(TargetError, match=r"text\.zip is no zip file\nName what model\.save\(\) wrote"):
        sb3.load_policy(text, my_sim.Walker())
    for members in ({"readme": "x"}, {"data": "not json"}, {"data": "[1]"}):
        other = write_zip(tmp_path / "other.zip", members)
        with pytest.raises(TargetError, match="is a zip file, but no Stable-Baselines3 model"):
            sb3.load_policy(other, my_sim.Walker())


def test_without_stable_baselines3_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    file = write_zip(tmp_path / "model.zip", {"data": json.dumps({"clip_range": 0.2, "n_epochs": 1})})
    with pytest.raises(TargetError) as caught:
        sb3.load_policy(file, my_sim.Walker())
    assert "stable-baselines3, which is not installed\npip install pytest-rlguard[sb3]" in str(caught.value)


def test_without_torch_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(TargetError, match="needs torch, which is not installed\npip install torch"):
        torch_policy.load_policy(tmp_path / "policy.pt", my_sim.Walker())
