"""What the user names, turned into what can be built: an env, a policy. Resolved in the worker, never by loading data.

A target that is text is kept as text and imported where it is built, so that the parent process imports nothing of the
user's and a broken module is an error with its own traceback. What is imported is only what the user's own flag, config
or fixture names; the current folder is importable.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import inspect
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_rlguard.errors import PolicyError, TargetError
from pytest_rlguard.tracebacks import describe_error

__all__ = ["EnvTarget", "PolicyTarget", "load_callable", "resolve_env", "resolve_policy"]

_POLICY_LOADERS = {
    "sb3": "pytest_rlguard.integrations.sb3:load_policy",
    "pt": "pytest_rlguard.integrations.torch_policy:load_policy",
}
_ENV_FORMS = "an env id (CartPole-v1), module:callable, module:EnvId, or file.py"
_POLICY_FORMS = "random, module:callable, file.pt or sb3:file.zip"
_VERSION = re.compile(r"-v(\d+)$")


@dataclass(frozen=True)
class EnvTarget:
    """A named way to build one env; calling it builds a fresh instance. Crosses a process boundary.

    `reference` is the text that names it, or the callable itself where it has no name that another process can import.
    """

    name: str
    reference: str | Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self) -> Any:
        """A fresh env; raises TargetError where the target names none, and whatever the user's constructor raises."""
        return _build_env(self)

    def source(self) -> str:
        """Python source of `make_env()`; it uses `gymnasium`, `runpy` or `sys`, unimported. May raise TargetError."""
        return _env_source(self)


@dataclass(frozen=True)
class PolicyTarget:
    """A named way to build one policy for an env. `random` samples the action space with a generator of its own."""

    name: str
    reference: str | Callable[..., Any]

    def __call__(self, env: Any) -> Callable[[Any], Any]:
        """The policy: a callable from one observation to one action."""
        return _build_policy(self.reference, env)


def resolve_env(target: object, *, kwargs: Mapping[str, Any] | None = None) -> EnvTarget:
    """The target that `target` names: text, an env class, or a callable that returns an env.

    Nothing is imported or built here. Raises TargetError for anything else.
    """
    options = dict(kwargs or {})
    if isinstance(target, EnvTarget):
        return target
    if isinstance(target, str) and target.strip():
        return EnvTarget(target.strip(), target.strip(), options)
    if callable(target) and not hasattr(target, "step"):
        return EnvTarget(_callable_name(target), target, options)
    if isinstance(target, type) and hasattr(target, "step"):
        return EnvTarget(_callable_name(target), target, options)
    if hasattr(target, "step"):
        msg = f"expected a way to build envs, got a built one ({type(target).__name__})"
        raise TargetError(msg, advice="Pass its class, or a function that returns a fresh env: many are needed.")
    msg = f"expected an env, got {target!r}"
    raise TargetError(msg, advice=f"Name {_ENV_FORMS}.")


def resolve_policy(target: object) -> PolicyTarget:
    """The policy that `target` names: `random`, module:callable, file.pt, sb3:file.zip, or a callable."""
    if isinstance(target, PolicyTarget):
        return target
    if isinstance(target, str) and target.strip():
        return PolicyTarget(target.strip(), target.strip())
    if callable(target):
        return PolicyTarget(_callable_name(target), target)
    msg = f"expected a policy, got {target!r}"
    raise TargetError(msg, advice=f"Name {_POLICY_FORMS}.")


def load_callable(reference: str, *, what: str) -> Callable[..., Any]:
    """The callable that `module:name` (or `file.py:name`) names; `what` it should be goes into the error.

    Raises TargetError where there is none, or its module cannot be imported (with the user's own traceback).
    """
    module_name, name = _split(reference)
    if module_name is None or name is None:
        ending = reference if reference.endswith(".py") else "module"
        raise TargetError(f"{reference!r} does not name {what}", advice=f"Write {ending}:callable.")
    module = _load_module(module_name)
    found = _find_attribute(module, name)
    if callable(found):
        return found  # type: ignore[no-any-return]
    problem = f"has no attribute {name!r}" if found is None else f"has {name!r}, but it is {type(found).__name__}"
    near = difflib.get_close_matches(name, _public_callables(module), n=1)
    advice = f"Did you mean {near[0]!r}?" if near else f"Name {what}."
    raise TargetError(f"module {module_name!r} {problem}", advice=advice)


def _callable_name(target: Any) -> str:
    if isinstance(target, functools.partial):
        return f"partial({_callable_name(target.func)})"
    return f"{target.__module__}:{target.__qualname__}" if hasattr(target, "__qualname__") else type(target).__name__


def _build_env(target: EnvTarget) -> Any:
    if not isinstance(target.reference, str):
        return target.reference(**target.kwargs)
    module, name = _split(target.reference)
    if module is None:
        return _make_registered(target.reference, target.kwargs)
    loaded = _load_module(module)
    maker = _find_maker(loaded, name)
    if maker is None:
        return _make_registered(target.reference, target.kwargs, loaded)
    return maker(**target.kwargs)


def _split(reference: str) -> tuple[str | None, str | None]:
    """The module (or file) and the name in it: `a.b:c`, `dir/file.py`, `file.py:c`; (None, None) for a plain env id."""
    head, colon, tail = reference.rpartition(":")
    if reference.endswith(".py"):
        return reference, None
    return (head, tail) if colon else (None, None)


def _load_module(name: str) -> ModuleType:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return _load_file(Path(name)) if name.endswith(".py") else importlib.import_module(name)
    except TargetError:
        raise
    except (Exception, SystemExit) as error:
        raise _explain_import(name, error) from None


def _explain_import(name: str, error: BaseException) -> TargetError:
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and not name.endswith(".py") and f"{name}.".startswith(f"{missing}."):
        advice = "Run from the folder that holds it, or install it; a file is named with its .py ending."
        return TargetError(f"there is no module {missing!r}", advice=advice)
    told = (str(error).strip().splitlines() or [""])[0]
    command = f"python {name}" if name.endswith(".py") else f"python -c 'import {name}'"
    return TargetError(
        f"{name} cannot be imported: {type(error).__name__}: {told}",
        advice=f"Mend it: `{command}` must work in this folder.",
        user_traceback=describe_error(error),
    )


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise TargetError(f"there is no file {str(path)!r}", advice="Give its path from the current folder.")
    name = f"rlguard_target_{path.stem}_{zlib.crc32(str(path.resolve()).encode()):08x}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # noqa: S101 - of a file that ends in .py
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _find_attribute(module: ModuleType, name: str) -> Any:
    """What the dotted name leads to; None where it leads nowhere."""
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _public_callables(module: ModuleType) -> list[str]:
    return [key for key, item in vars(module).items() if callable(item) and not key.startswith("_")]


def _find_maker(module: ModuleType, name: str | None) -> Callable[..., Any] | None:
    """The callable `name` of the module; unnamed: its `make_env`, else its one env class. None: perhaps an env id."""
    if name is None:
        return _only_maker(module)
    found = _find_attribute(module, name)
    if found is None or callable(found):
        return found  # type: ignore[no-any-return]
    msg = f"{module.__name__}:{name} is {type(found).__name__}, expected an env class or a function that returns an env"
    raise TargetError(msg, advice="Name a class or a function.")


def _only_maker(module: ModuleType) -> Callable[..., Any]:
    if hasattr(module, "make_env"):
        maker: Callable[..., Any] = module.make_env
        return maker
    classes: list[type] = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and item.__module__ == module.__name__ and hasattr(item, "step")
    ]
    if len(classes) == 1:
        return classes[0]
    found = ", ".join(item.__name__ for item in classes) or "none"
    raise TargetError(
        f"{module.__file__} has no make_env() and not exactly one env class (found: {found})",
        advice="Define make_env(), or name the class: file.py:MyEnv.",
    )


def _make_registered(env_id: str, kwargs: Mapping[str, Any], module: ModuleType | None = None) -> Any:
    """The env of that id; `module` has been imported for it, so that its own ids are known."""
    import gymnasium

    name = env_id.rpartition(":")[2]
    if name not in gymnasium.registry and name not in {_VERSION.sub("", known) for known in gymnasium.registry}:
        raise _unknown_id(name, module, list(gymnasium.registry))
    return gymnasium.make(name, **kwargs)


def _unknown_id(name: str, module: ModuleType | None, known: Iterable[str]) -> TargetError:
    message, near = f"there is no env id {name!r}", _nearest_id(name, known)
    if module is not None:
        message = f"module {module.__name__!r} has no attribute {name!r} and registers no such env id"
        near = next(iter(difflib.get_close_matches(name, _public_callables(module), n=1)), near)
    elif Path(f"{name}.py").is_file():
        near = f"{name}.py"
    if near:
        return TargetError(message, advice=f"Did you mean {near!r}?")
    if "/" in name and module is None:
        return TargetError(message, advice=f"Name the module that registers it, too: module:{name}.")
    return TargetError(message, advice=f"Name {_ENV_FORMS}.")


def _nearest_id(name: str, known: Iterable[str]) -> str | None:
    """The newest version of the env whose name is nearest."""
    versions: dict[str, list[str]] = {}
    for env_id in known:
        versions.setdefault(_VERSION.sub("", env_id).lower(), []).append(env_id)
    near = difflib.get_close_matches(_VERSION.sub("", name).lower(), versions, n=1)
    return max(versions[near[0]], key=_version_of) if near else None


def _version_of(env_id: str) -> int:
    found = _VERSION.search(env_id)
    return int(found[1]) if found else -1


def _build_policy(reference: str | Callable[..., Any], env: Any) -> Callable[[Any], Any]:
    if not isinstance(reference, str):
        return _specialize(reference, env)
    if reference == "random":
        from pytest_rlguard.stepper import make_driver

        return make_driver("random", env.action_space, 0)
    scheme, _, rest = reference.partition(":")
    if reference.endswith((".pt", ".pth")):
        return _run_loader("pt", reference, env)
    if scheme in _POLICY_LOADERS and scheme != "pt":
        return _run_loader(scheme, rest, env)
    return _import_policy(reference, env)


def _import_policy(reference: str, env: Any) -> Callable[[Any], Any]:
    if _split(reference)[1] is None:
        raise TargetError(f"there is no policy {reference!r}", advice=f"Name {_POLICY_FORMS}.")
    return _specialize(load_callable(reference, what="a function from an observation to an action"), env)


def _run_loader(scheme: str, path: str, env: Any) -> Callable[[Any], Any]:
    if not Path(path).is_file():
        raise TargetError(f"there is no policy file {path!r}", advice="Give its path from the current folder.")
    module, _, name = _POLICY_LOADERS[scheme].partition(":")
    policy: Callable[[Any], Any] = getattr(importlib.import_module(module), name)(Path(path), env)
    return policy


def _specialize(found: Callable[..., Any], env: Any) -> Callable[[Any], Any]:
    """A policy as it is; a class, or a factory that takes `(observation_space, action_space)`, is called first."""
    try:
        names = [p.name for p in inspect.signature(found).parameters.values() if p.default is p.empty]
    except (TypeError, ValueError):
        return found
    if names[:2] == ["observation_space", "action_space"]:
        built = found(env.observation_space, env.action_space)
    elif isinstance(found, type) and not names:
        built = found()
    elif isinstance(found, type):
        takes = f"class {_callable_name(found)} takes ({', '.join(names)}) to be built"
        raise PolicyError(
            takes, advice="Let it take nothing, or (observation_space, action_space); or name a function."
        )
    else:
        return found
    if not callable(built):
        message = f"{_callable_name(found)} built {type(built).__name__}, which cannot be called with an observation"
        raise PolicyError(message, advice="Give it a __call__(observation) that returns an action.")
    return built  # type: ignore[no-any-return]


def _env_source(target: EnvTarget) -> str:
    if any(_has_no_literal(value) for value in target.kwargs.values()):
        raise TargetError(f"the arguments of {target.name} have no literal form")
    arguments = [f"{key}={value!r}" for key, value in target.kwargs.items()]
    reference = target.reference if isinstance(target.reference, str) else _importable_name(target.reference)
    module, name = _split(reference)
    maker = None if module is None else _find_maker(_load_module(module), name)
    is_file = module is not None and module.endswith(".py")
    head = f"module = runpy.run_path({module!r})\n\n\n" if is_file else 'sys.path.insert(0, "")\n\n\n'
    if maker is None:
        env_id = name if is_file else reference
        return (head if module else "") + _function("gymnasium.make", [repr(env_id), *arguments])
    if is_file:
        first, *rest = (name or maker.__name__).split(".")
        return head + _function(".".join([f"module[{first!r}]", *rest]), arguments)
    return f'sys.path.insert(0, "")\nimport {module}\n\n\n' + _function(f"{module}.{name}", arguments)


def _function(maker: str, arguments: list[str]) -> str:
    return f"def make_env():\n    return {maker}({', '.join(arguments)})\n"


def _importable_name(found: Callable[..., Any]) -> str:
    name = _callable_name(found)
    module = name.partition(":")[0]
    if not re.fullmatch(r"[\w.]+:[\w.]+", name) or module == "__main__" or "conftest" in module:
        raise TargetError(f"{name} is a local object that a script of its own cannot import")
    return name


def _has_no_literal(value: object) -> bool:
    if isinstance(value, dict):
        return any(_has_no_literal(part) for part in (*value, *value.values()))
    if isinstance(value, list | tuple):
        return any(_has_no_literal(part) for part in value)
    return not isinstance(value, str | int | float | bool | type(None))
