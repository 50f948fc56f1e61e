"""The script bodies of the determinism stage's cases: two runs that should be the same, compared."""

from __future__ import annotations

__all__ = ["DETERMINISM_BODIES"]

_PLAY = '''
np.set_printoptions(floatmode="unique", threshold=sys.maxsize)


def play(env, seed, actions):
    """Every step of an episode, as exact text."""
    observation, _ = env.reset() if seed is None else env.reset(seed=seed)
    steps = [f"observation {observation!r}"]
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        steps.append(f"observation {observation!r}, reward {reward!r}, ends {terminated!r} {truncated!r}")
        if terminated or truncated:
            break
    return steps


def compare(left, right):
    """The first step that differs ends the script."""
    for step in range(max(len(left), len(right))):
        a, b = (steps[step] if step < len(steps) else "no such step" for steps in (left, right))
        if a != b:
            print(f"REPRODUCED: step {step} differs\\n  {a}\\n  {b}")
            sys.exit(1)
    print("no difference this time")


def pin(seed):
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
'''

_FRESH = (
    _PLAY
    + """

pin(0)
first = play(make_env(), SEED, ACTIONS)
pin(0)
compare(first, play(make_env(), SEED, ACTIONS))
"""
)

_REUSED = (
    _PLAY
    + """

pin(0)
fresh = play(make_env(), SEED, ACTIONS)
env = make_env()
for seed, actions in HISTORY:
    play(env, seed, actions)
pin(0)
compare(fresh, play(env, SEED, ACTIONS))
"""
)

_INTERLEAVED = (
    _PLAY
    + """

class Beside:
    \"\"\"The env, with a sibling that is stepped before each of its steps.\"\"\"

    def __init__(self, env, sibling, seed, actions):
        self.env, self.sibling, self.seed, self.actions, self.left = env, sibling, seed, actions, None

    def reset(self, **arguments):
        return self.env.reset(**arguments)

    def step(self, action):
        if not self.left:
            self.sibling.reset(seed=self.seed)
            self.left = list(self.actions)
        elif any(self.sibling.step(self.left.pop(0))[2:4]):
            self.left = None
        return self.env.step(action)


pin(0)
alone = play(make_env(), SEED, ACTIONS)
env, sibling = make_env(), make_env()
pin(0)
compare(alone, play(Beside(env, sibling, *HISTORY[0]), SEED, ACTIONS))
"""
)

_DISTURBED = (
    _PLAY
    + """

class Disturbed:
    \"\"\"The env, with the global random states moved before every call.\"\"\"

    def __init__(self, env):
        self.env, self.calls = env, 0

    def reset(self, **arguments):
        pin(1)
        return self.env.reset(**arguments)

    def step(self, action):
        self.calls += 1
        pin(1 + self.calls)
        return self.env.step(action)


pin(0)
undisturbed = play(make_env(), SEED, ACTIONS)
pin(1)
compare(undisturbed, play(Disturbed(make_env()), SEED, ACTIONS))
"""
)

_UNSEEDED = (
    _PLAY
    + """

def second_episode():
    pin(0)
    env = make_env()
    play(env, SEED, ACTIONS)
    return play(env, None, ACTIONS)


compare(second_episode(), second_episode())
"""
)

_PROCESS = (
    _PLAY
    + """

if len(sys.argv) > 1:
    pin(0)
    print("\\n".join(step.replace("\\n", " ") for step in play(make_env(), SEED, ACTIONS)))
    sys.exit()


runs = [
    subprocess.run(
        [sys.executable, __file__, "child"], env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()
    for hash_seed in range(6)
]
for other in runs[1:]:
    if other != runs[0]:
        compare(runs[0], other)
print("no difference this time")
"""
)

_CONCURRENT = (
    _PLAY
    + """

if len(sys.argv) > 1:
    pin(0)
    for seed, actions in [(SEED, ACTIONS), *HISTORY][int(sys.argv[1]) :]:
        for _ in range(50):
            steps = play(make_env(), seed, actions)
            if seed == SEED:
                print("|".join(step.replace("\\n", " ") for step in steps))
    sys.exit()



def start(first):
    return subprocess.Popen([sys.executable, __file__, str(first)], stdout=subprocess.PIPE, text=True)


alone = start(0).communicate()[0].splitlines()[0].split("|")
together = [start(0), start(1), start(0), start(1)]
for process in together:
    for line in process.communicate()[0].splitlines():
        if line.split("|") != alone:
            compare(alone, line.split("|"))
print("no difference this time")
"""
)

_GLOBALS = """
def states():
    torch = sys.modules.get("torch")
    return repr(random.getstate()), repr(np.random.get_state()), repr(torch and torch.get_rng_state().tolist())


def check(call):
    if states() != before:
        print(f"REPRODUCED: {call} moved the global random state")
        sys.exit(1)


before = states()
env = make_env()
check("make")
env.reset(seed=SEED)
check("reset")
for step, action in enumerate(ACTIONS, start=1):
    _, _, terminated, truncated, _ = env.step(action)
    check(f"step {step}")
    if terminated or truncated:
        break
env.close()
check("close")
print("the global random states were left alone")
"""

_SEEDLESS = (
    _PLAY
    + """

seeded = {"\\n".join(play(make_env(), seed, ACTIONS)) for seed in range(8)}
pin(None)
unseeded = {"\\n".join(play(make_env(), None, ACTIONS)) for _ in range(8)}
env = make_env()
unseeded |= {"\\n".join(play(env, None, ACTIONS)) for _ in range(8)}
print(f"8 seeds: {len(seeded)} different episodes; 16 unseeded resets: {len(unseeded)}")
if len(seeded) == 1 < len(unseeded | seeded):
    print("REPRODUCED: the env is random and its seed has no effect")
    sys.exit(1)
"""
)

_STREAMS = (
    _PLAY
    + """

def stream(base_seed, worker):
    env, steps = make_env(), []
    for seed in seeding(base_seed, worker):
        steps.append("\\n".join(play(env, seed, ACTIONS)))
    return tuple(steps)


played = {(base, worker): stream(base, worker) for base in (0, 1) for worker in range(4)}
for left, a in played.items():
    for right, b in played.items():
        if left < right and set(a) & set(b):
            shared = f"share {len(set(a) & set(b))} of {len(a)} episodes"
            print(f"REPRODUCED: (base seed, worker) {left} and {right} {shared}")
            sys.exit(1)
print("all streams differ")
"""
)

DETERMINISM_BODIES = {
    "fresh": _FRESH,
    "process": _PROCESS,
    "reused": _REUSED,
    "interleaved": _INTERLEAVED,
    "disturbed": _DISTURBED,
    "concurrent": _CONCURRENT,
    "unseeded": _UNSEEDED,
    "seedless": _SEEDLESS,
    "streams": _STREAMS,
    "globals": _GLOBALS,
}
