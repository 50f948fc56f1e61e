"""Imports point one way: the level table of the architecture, read from the source of every module."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import pytest_rlguard

PACKAGE = "pytest_rlguard"
ROOT = Path(pytest_rlguard.__file__).parent

LEVELS: Mapping[str, int] = {
    "errors": 0,
    "records": 0,
    "verdict": 0,
    "baseline": 1,
    "config": 1,
    "evidence": 1,
    "fingerprint": 1,
    "gates": 1,
    "randomness": 1,
    "spaces": 1,
    "stats": 1,
    "tracebacks": 1,
    "checks": 2,
    "guards": 2,
    "report": 2,
    "stepper": 2,
    "pool": 3,
    "targets": 3,
    "rollouts": 4,
    "probes": 5,
    "reproduce": 6,
    "stages": 6,
    "integrations": 7,
    "strategies": 7,
    "": 8,  # __init__.py, the public names
    "cli": 8,
    "gatesuite": 8,
    "plugin": 8,
}
# Within a level, and one way: evidence holds differences of fingerprints, the stages end in a reproducer, and the
# shipped gates are tests that are written for the plugin.
NEIGHBOURS = {("evidence", "fingerprint"), ("gatesuite", "plugin"), ("stages", "reproduce")}
# By name, at run time: a policy's file decides which library loads it (the one way up); an option collects the gates.
NAMED_ONLY = {("plugin", "gatesuite"), ("targets", "integrations")}

# A library and the rooms that may import it; `rooms` are room names or `room/module`.
OWNERS: Mapping[str, tuple[str, ...]] = {
    "_pytest": ("plugin", "gatesuite"),
    "execnet": ("plugin",),
    "hypothesis": ("strategies",),
    "multiprocessing": ("pool",),
    "pynvml": ("integrations/nvml",),
    "pytest": ("plugin", "gatesuite"),
    "ray": ("integrations/ray",),
    "stable_baselines3": ("integrations/sb3",),
    "subprocess": ("pool", "reproduce", "cli"),
    "torch": ("guards", "integrations"),
    "torchrl": ("integrations/torchrl",),
    "xdist": ("plugin",),
}
LAZY = {"ray", "stable_baselines3", "torch", "torchrl"}
HEAVY = {
    "click",
    "gymnasium",
    "hypothesis",
    "jinja2",
    "matplotlib",
    "numpy",
    "pydantic",
    "rich",
    "scipy",
    "torch",
    "yaml",
}


@dataclass(frozen=True)
class Import:
    """One import: the module that has it, what it names, and whether it happens as soon as the module is loaded."""

    importer: str
    line: int
    name: str
    at_load: bool
    is_text: bool = False

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.name}"


def find_back_edges(root: Path) -> list[str]:
    """Every import of the package under `root` that does not point down, and every module without a level."""
    problems = []
    for module in list_modules(root):
        if room_of(module) not in LEVELS:
            problems.append(f"{module} has no level: add it to the architecture and to this table")
            continue
        own = [found for found in read_imports(root, module) if found.name.split(".")[0] == PACKAGE]
        problems += [str(found) for found in own if not points_down(room_of(module), found)]
    return problems


def find_strangers(root: Path) -> list[str]:
    """Every import of a library outside the rooms that may use it, or at load where it has to be lazy."""
    problems = []
    for module in list_modules(root):
        for found in read_imports(root, module):
            library = found.name.split(".")[0]
            owners = OWNERS.get(library)
            if owners is None or found.is_text:
                continue
            path = module.replace(".", "/")
            allowed = any(room_of(module) == owner or path.startswith(owner) for owner in owners)
            if not allowed or (library in LAZY and found.at_load):
                problems.append(str(found))
    return problems


def points_down(importer: str, found: Import) -> bool:
    imported = room_of(found.name.removeprefix(PACKAGE).removeprefix("."))
    if importer == imported or (importer, imported) in NEIGHBOURS:
        return True
    if found.is_text and (importer, imported) in NAMED_ONLY:
        return True
    return imported in LEVELS and LEVELS[imported] < LEVELS[importer]


def room_of(module: str) -> str:
    """The room of a module, its dotted path below the package: a folder or a file; all of `cli*` is one room."""
    room = module.partition(".")[0]
    return "cli" if room.startswith("cli") or room == "__main__" else room


def list_modules(root: Path) -> list[str]:
    """The dotted path of every module below the package, the package itself as the empty one."""
    paths = sorted(path.relative_to(root).with_suffix("") for path in root.rglob("*.py"))
    return [".".join(path.parts).removesuffix("__init__").removesuffix(".") for path in paths]


def read_imports(root: Path, module: str) -> Iterator[Import]:
    """Every import in the module, also in functions and for the type checker, and each text that names one of ours."""
    base = root.joinpath(*module.split(".")) if module else root
    file = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    package = [PACKAGE, *module.split(".")] if module else [PACKAGE]
    package = package if base.is_dir() else package[:-1]
    tree = ast.parse(file.read_text(encoding="utf-8"))
    at_load = set(walk_at_load(tree))
    for node in ast.walk(tree):
        for name in names_of(node, package, root):
            line = getattr(node, "lineno", 0)
            yield Import(module or PACKAGE, line, name, node in at_load, isinstance(node, ast.Constant))


def walk_at_load(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is loaded: not those in functions, nor those for the type checker."""
    for child in ast.iter_child_nodes(node):
        is_for_types = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
        if not is_for_types and not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from walk_at_load(child)


def names_of(node: ast.AST, package: list[str], root: Path) -> list[str]:
    """The modules that a node imports or, in a text such as `pytest_rlguard.pool.worker:serve`, names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        found = re.fullmatch(rf"({PACKAGE}(?:\.\w+)+)(?::\w+)?", node.value)
        return [found[1]] if found else []
    if not isinstance(node, ast.ImportFrom):
        return []
    parents = package[: len(package) - node.level + 1] if node.level else []
    source = ".".join([*parents, *([node.module] if node.module else [])])
    if source != PACKAGE:
        return [source]
    # `from pytest_rlguard import x`: a module of ours, or one of the public names. The version is in everybody's reach.
    names = [alias.name for alias in node.names if alias.name != "__version__"]
    is_module = {name: (root / name).is_dir() or (root / f"{name}.py").is_file() for name in names}
    return [f"{PACKAGE}.{name}" if is_module[name] else PACKAGE for name in names]


def test_every_import_points_down() -> None:
    assert find_back_edges(ROOT) == []


def test_libraries_stay_in_their_rooms() -> None:
    assert find_strangers(ROOT) == []


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A small healthy package of the same shape."""
    modules = {
        "__init__": "import importlib\n",
        "__main__": "from pytest_rlguard.cli import main\n",
        "cli": "from pytest_rlguard.cli_check import run\n",
        "cli_check": "import subprocess\nfrom pytest_rlguard import __version__\n",
        "errors": "",
        "checks/__init__": "",
        "checks/contract": "from pytest_rlguard.checks.rules import rule\n",
        "checks/rules": "from pytest_rlguard.errors import RLGuardError\n",
        "integrations/__init__": "",
        "integrations/sb3": "def load():\n    import torch\n    import stable_baselines3\n",
        "plugin/__init__": "import pytest\n",
        "pool/__init__": "import multiprocessing\nfrom . import worker\n",
        "pool/worker": "from ..errors import RLGuardError\nPRELOAD = ['pytest_rlguard.pool.worker']\n",
        "stages": "from pytest_rlguard import pool\nfrom pytest_rlguard.reproduce import reproduce\n",
        "reproduce/__init__": "",
        "targets": "LOADERS = {'sb3': 'pytest_rlguard.integrations.sb3:load_policy'}\n",
    }
    root = tmp_path / PACKAGE
    for name, text in modules.items():
        file = root / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root


def test_a_healthy_package_has_no_back_edge(planted: Path) -> None:
    assert find_back_edges(planted) == []
    assert find_strangers(planted) == []


@pytest.mark.parametrize(
    ("module", "text", "found"),
    [
        ("errors", "import pytest_rlguard.stages", "errors:1 imports pytest_rlguard.stages"),
        ("errors", "from pytest_rlguard import check", "errors:1 imports pytest_rlguard"),
        ("errors", "from . import stages", "errors:1 imports pytest_rlguard.stages"),
        ("checks/contract", "from ..pool.worker import serve", "checks.contract:1 imports pytest_rlguard.pool.worker"),
        ("checks/contract", "from pytest_rlguard import pool", "checks.contract:1 imports pytest_rlguard.pool"),
        ("targets", "def f():\n    from pytest_rlguard.pool import x", "targets:2 imports pytest_rlguard.pool"),
        ("pool/worker", "from pytest_rlguard.targets import x", "pool.worker:1 imports pytest_rlguard.targets"),
        ("reproduce/__init__", "import pytest_rlguard.stages", "reproduce:1 imports pytest_rlguard.stages"),
        ("plugin/__init__", "import pytest_rlguard.cli", "plugin:1 imports pytest_rlguard.cli"),
        (
            "pool/worker",
            "if TYPE_CHECKING:\n    from pytest_rlguard.probes.context import C",
            "pool.worker:2 imports pytest_rlguard.probes.context",
        ),
        (
            "checks/rules",
            "import importlib\nimportlib.import_module('pytest_rlguard.pool')",
            "checks.rules:2 imports pytest_rlguard.pool",
        ),
        (
            "targets",
            "from pytest_rlguard.integrations.sb3 import load",
            "targets:1 imports pytest_rlguard.integrations.sb3",
        ),
        ("attic", "", "attic has no level: add it to the architecture and to this table"),
    ],
)
def test_a_back_edge_is_found(planted: Path, module: str, text: str, found: str) -> None:
    (planted / f"{module}.py").write_text(text, encoding="utf-8")
    assert found in find_back_edges(planted)


@pytest.mark.parametrize(
    ("module", "text", "found"),
    [
        ("stages", "import pytest", "stages:1 imports pytest"),
        ("checks/rules", "def f():\n    import subprocess", "checks.rules:2 imports subprocess"),
        ("stages", "from hypothesis import given", "stages:1 imports hypothesis"),
        ("pool/worker", "def f():\n    import torch.cuda", "pool.worker:2 imports torch.cuda"),
        ("integrations/sb3", "import torch", "integrations.sb3:1 imports torch"),
        ("integrations/tensorboard", "def f():\n    import ray", "integrations.tensorboard:2 imports ray"),
    ],
)
def test_a_library_in_the_wrong_room_is_found(planted: Path, module: str, text: str, found: str) -> None:
    (planted / f"{module}.py").write_text(text, encoding="utf-8")
    assert find_strangers(planted) == [found]


def test_the_plugin_loads_light() -> None:
    assert loaded_by("pytest_rlguard.plugin") & HEAVY == set()


def test_a_worker_loads_light() -> None:
    assert loaded_by("pytest_rlguard.pool.worker") & (HEAVY | {"pytest"}) == set()


def loaded_by(module: str) -> set[str]:
    """All that a new interpreter has loaded once it has imported the module."""
    command = [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split())
