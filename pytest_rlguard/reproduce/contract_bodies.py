"""The script bodies of the contract stage's cases: one episode, or a few instances, and what is wrong with them."""

from __future__ import annotations

__all__ = ["CONTRACT_BODIES"]

_ONE_EPISODE = """

def fail(text):
    print(f"REPRODUCED: {text}")
    sys.exit(1)


env = make_env()
observation, info = env.reset(seed=SEED)
reward, terminated, truncated = 0.0, False, False
for step, action in enumerate(ACTIONS, start=1):
    observation, reward, terminated, truncated, info = env.step(action)
"""

_ALIASED = """
env = make_env()
observation, _ = env.reset(seed=SEED)
held = [(observation, repr(observation))]


def check(when):
    for step, (observation, then) in enumerate(held):
        if repr(observation) != then:
            print(f"REPRODUCED: {when} changed the observation of step {step} (0 is the reset)")
            print(f"  returned as {then}\\n  now is      {observation!r}")
            sys.exit(1)


for step, action in enumerate(ACTIONS, start=1):
    observation, _, terminated, truncated, _ = env.step(action)
    check(f"step {step}")
    held.append((observation, repr(observation)))
    if terminated or truncated:
        break
env.reset()
check("the next reset")
print("no observation was changed")
"""

_SPACES = """
found = {}
envs = []
for number in range(3):
    env = make_env()
    envs.append(env)
    for when in ("made", f"reset(seed={SEED + number})"):
        text = f"{env.observation_space!r} {env.action_space!r}"
        found.setdefault(text, f"instance {number}, {when}")
        env.reset(seed=SEED + number)
    found.setdefault(f"{env.observation_space!r} {env.action_space!r}", f"instance {number}, after its reset")
for text, where in found.items():
    print(where, text)
if len(found) > 1:
    print(f"REPRODUCED: {len(found)} different declarations")
    sys.exit(1)
"""

_INSTANCES = """

try:
    first = make_env()
    first.reset(seed=0)
    second = make_env()
    second.reset(seed=1)
    first.step(first.action_space.sample())
    second.step(second.action_space.sample())
    second.close()
    del second
    first.reset(seed=0)
    first.step(first.action_space.sample())
    first.close()
    third = make_env()
    del first
    third.reset(seed=0)
    third.step(third.action_space.sample())
except Exception:
    traceback.print_exc()
    print("REPRODUCED: two instances do not live in one process")
    sys.exit(1)
print("two instances lived")
"""

_HANG = """

print("playing", flush=True)
faulthandler.dump_traceback_later(DEADLINE_SEC, exit=True)
env = make_env()
env.reset(seed=SEED)
for action in ACTIONS:
    _, _, terminated, truncated, _ = env.step(action)
    if terminated or truncated:
        break
env.reset()
env.close()
print("it went through", flush=True)
"""

_CRASH = """

try:
    env = make_env()
    observation, info = env.reset(seed=SEED)
    for action in ACTIONS:
        observation, reward, terminated, truncated, info = env.step(action)
    env.close()
except BaseException:
    traceback.print_exc()
    print("REPRODUCED: the env raised")
    sys.exit(1)
print("it went through")
"""

CONTRACT_BODIES = {
    "aliased": _ALIASED,
    "spaces": _SPACES,
    "instances": _INSTANCES,
    "hang": _HANG,
    "crash": _CRASH,
    "crash_after": _CRASH.replace("env.close()", "env.reset()"),
    "outside": _ONE_EPISODE
    + """
if not env.observation_space.contains(observation):
    fail(f"{observation!r} is not in {env.observation_space}")
""",
    "reward": _ONE_EPISODE
    + """
try:
    is_sound = isinstance(reward, (int, float, np.generic)) and np.isfinite(float(reward))
except OverflowError:
    is_sound = False
if not is_sound:
    fail(f"the reward is {reward!r}")
""",
    "end": _ONE_EPISODE
    + """
for end in (terminated, truncated):
    if not isinstance(end, (bool, np.bool_)):
        fail(f"terminated={terminated!r} truncated={truncated!r}")
""",
    "info": _ONE_EPISODE
    + """

try:
    info = pickle.loads(pickle.dumps(info))
except Exception as error:
    fail(f"info {info!r}: {error!r}")
if not isinstance(info, dict):
    fail(f"info is {info!r}")
""",
    "endless": """
env = make_env()
env.action_space.seed(SEED)
env.reset(seed=SEED)
for step in range(STEPS):
    if any(env.step(env.action_space.sample())[2:4]):
        print(f"it ended at step {step}")
        sys.exit(0)
print(f"REPRODUCED: no end within {STEPS} steps")
sys.exit(1)
""",
    "form": """
forms = {}
for seed in (SEED, OTHER_SEED):
    observation, _ = make_env().reset(seed=seed)
    leaves = observation.values() if isinstance(observation, dict) else [observation]
    forms[seed] = [(np.shape(leaf), getattr(leaf, "dtype", type(leaf))) for leaf in leaves]
    print(f"seed {seed}: {forms[seed]}")
if forms[SEED] != forms[OTHER_SEED]:
    print("REPRODUCED: the observation's shape or dtype depends on the seed")
    sys.exit(1)
""",
    "unseeded_space": """
env = make_env()
env.action_space.seed(0)
first = [env.action_space.sample() for _ in range(8)]
env.action_space.seed(0)
second = [env.action_space.sample() for _ in range(8)]
if repr(first) != repr(second):
    print(f"REPRODUCED: seeded alike, sampled otherwise\\n  {first}\\n  {second}")
    sys.exit(1)
""",
    "checker": """

from gymnasium.utils.env_checker import check_env

try:
    check_env(make_env(), skip_render_check=True)
except Exception:
    traceback.print_exc()
    print("REPRODUCED: check_env objects")
    sys.exit(1)
""",
}
