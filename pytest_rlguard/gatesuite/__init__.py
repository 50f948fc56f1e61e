"""The shipped gates: `pytest --pyargs pytest_rlguard.gatesuite --rlguard-env CartPole-v1`, a module a stage.

They test what the fixtures `rl_env_factory`, `rl_policy` and `rl_config` give; a conftest may override these. A module
of the project's own may also take a gate over: `from pytest_rlguard.gatesuite.test_contract import *`.
"""
