"""The parts alone, with no process: channels, heartbeats, logs, deadlines, messages, what is pickled how."""

from __future__ import annotations

import pickle
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cloudpickle
import pytest

from pytest_rlguard.errors import UsageError
from pytest_rlguard.pool.channel import Channel, receive_message, send_message
from pytest_rlguard.pool.heartbeat import PHASES, Beat, Heart, Pulse, open_page
from pytest_rlguard.pool.log import WorkerLog
from pytest_rlguard.pool.messages import Call, Deadlines, Factories, Hello, JobResult, Raised, Returned, Seat
from pytest_rlguard.pool.pickling import dump_for_worker
from pytest_rlguard.records import EnvCrash, WorkerExit


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    with theirs:
        yield channel, theirs
    channel.close()


class TestChannel:
    def test_messages_arrive_whole_and_in_order(self, ends: tuple[Channel, socket.socket]) -> None:
        channel, child = ends
        for message in (b"one", b"", b"three"):
            send_message(child, message)
        assert [channel.receive() for _ in range(4)] == [b"one", b"", b"three", None]
        assert channel.is_open

    def test_a_message_in_pieces_is_put_together(self, ends: tuple[Channel, socket.socket]) -> None:
        channel, child = ends
        heard = []
        for byte in struct.pack("!Q", 2) + b"hi":
            heard.append(channel.receive())
            child.sendall(bytes([byte]))
        assert [*heard, channel.receive()] == [None] * 10 + [b"hi"]

    def test_a_torn_message_is_never_seen(self, ends: tuple[Channel, socket.socket]) -> None:
        channel, child = ends
        send_message(child, b"whole")
        child.sendall(struct.pack("!Q", 100) + b"torn")
        child.close()
        assert [channel.receive(), channel.receive()] == [b"whole", None]
        assert not channel.is_open

    def test_posting_to_one_who_does_not_read_returns_at_once(self, ends: tuple[Channel, socket.socket]) -> None:
        channel, child = ends
        message = bytes(range(256)) * 40_000
        channel.post(message)
        assert channel.has_unsent
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.append(receive_message(child)))
        reader.start()
        while channel.has_unsent:
            channel.flush()
        reader.join(10)
        assert received == [message]

    def test_posting_to_the_dead_is_no_error(self, ends: tuple[Channel, socket.socket]) -> None:
        channel, child = ends
        child.close()
        channel.post(b"hello?")
        assert not channel.is_open
        assert not channel.has_unsent

    def test_the_child_sees_the_parents_end(self, ends: tuple[Channel, socket.socket]) -> None:
        channel, child = ends
        channel.close()
        with pytest.raises(EOFError):
            receive_message(child)


class TestHeartbeat:
    def test_a_beat_is_read_on_the_other_side(self) -> None:
        with open_page() as page:
            heart, pulse = Heart(page.fileno()), Pulse(page.fileno(), now=0.0)
        for phase in PHASES:
            heart.beat(phase, 3)
        assert pulse.look(0.1) == heart.last() == Beat(len(PHASES), 3, PHASES[-1])

    def test_silence_adds_up_and_ends_with_a_beat(self) -> None:
        with open_page() as page:
            heart, pulse = Heart(page.fileno()), Pulse(page.fileno(), now=0.0)
        heard = []
        for now in (0.1, 0.2, 0.3):
            pulse.look(now)
            heard.append(pulse.silence_sec)
        heart.beat("step", 0)
        pulse.look(0.4)
        assert [*heard, pulse.silence_sec] == pytest.approx([0.1, 0.2, 0.3, 0.0])

    def test_time_in_which_nobody_looked_is_not_held_against_the_worker(self) -> None:
        with open_page() as page:
            pulse = Pulse(page.fileno(), now=0.0)
        pulse.look(3600.0)
        assert pulse.silence_sec == 0.5

    def test_a_refresh_is_a_sign_of_life(self) -> None:
        with open_page() as page:
            pulse = Pulse(page.fileno(), now=0.0)
        pulse.look(0.3)
        pulse.refresh(0.4)
        assert pulse.silence_sec == 0.0

    def test_a_closed_pulse_still_tells_the_last_beat(self) -> None:
        with open_page() as page:
            heart, pulse = Heart(page.fileno()), Pulse(page.fileno(), now=0.0)
        heart.beat("step", 9)
        pulse.look(0.1)
        pulse.close()
        assert pulse.look(0.2).step == 9

    def test_an_unknown_phase_is_refused_by_name(self) -> None:
        with open_page() as page:
            heart = Heart(page.fileno())
        with pytest.raises(UsageError, match=r"there is no phase 'jump'\nthe phases are: start, make"):
            heart.beat("jump", 0)


def test_a_log_is_emptied_once_it_is_long() -> None:
    log = WorkerLog()
    with open(log.fileno(), "wb", closefd=False, buffering=0) as writer:
        writer.write(b"a" * 1000)
        log.trim()
        assert log.size() == 1000
        writer.write(b"b" * (1 << 20))
        log.trim()
        assert log.size() == 0
        writer.write(b"after")
    assert log.tail() == "after"
    log.close()


@pytest.mark.parametrize("phase", PHASES)
def test_only_steps_and_the_rest_have_the_short_deadline(phase: str) -> None:
    expected = 1.0 if phase in {"step", "other"} else 2.0
    assert Deadlines(step_sec=1.0, start_sec=2.0).limit_sec(phase) == expected


CRASH = EnvCrash(phase="step", step=1, error="ValueError", message="no")
DEATH = WorkerExit(worker=0, pid=1, exit_code=-9, signal_name="SIGKILL", hung=False, job="job", step=1, seconds=0.1)


@pytest.mark.parametrize(
    "message",
    [
        Call(number=1, job=b"job", item=b"item"),
        Deadlines(),
        Factories(make_env=b"env", make_policy=None, policy_version=3),
        Hello(is_preloaded=True),
        JobResult(value=1),
        JobResult(exit=DEATH),
        Raised(number=1, crash=CRASH),
        Returned(number=1, value=b"value"),
        Seat(worker=1, generation=2, environ={"A": "b"}, dies_with_parent=True),
    ],
    ids=lambda message: type(message).__name__,
)
def test_every_message_survives_the_way(message: object) -> None:
    assert pickle.loads(pickle.dumps(message)) == message


@pytest.mark.parametrize(
    ("result", "ok"), [(JobResult(), True), (JobResult(exit=DEATH), False), (JobResult(crash=CRASH), False)]
)
def test_a_result_is_ok_only_where_the_job_returned(result: JobResult[None], *, ok: bool) -> None:
    assert result.ok is ok


def test_a_function_is_sent_by_name_where_the_worker_can_import_it() -> None:
    assert b"textwrap" in dump_for_worker(textwrap.dedent, "the job")
    assert len(dump_for_worker(textwrap.dedent, "the job")) < 100


def test_a_function_of_a_module_that_nobody_can_import_is_sent_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("nowhere_to_be_found")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec("def double(x): return 2 * x", module.__dict__)
    pickled = dump_for_worker(module.double, "the job")
    monkeypatch.delitem(sys.modules, module.__name__)
    assert pickle.loads(pickled)(4) == 8
    assert module.__name__ not in cloudpickle.list_registry_pickle_by_value()


def test_a_worker_imports_neither_numpy_nor_torch_nor_its_supervisor() -> None:
    heavy = "{'numpy', 'torch', 'psutil', 'pytest', 'pytest_rlguard.pool.supervisor'}"
    code = f"import sys, pytest_rlguard.pool.worker; print(*{heavy} & sys.modules.keys())"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == ""


def test_the_folder_has_no_name_on_disk_for_pages_and_logs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    log = WorkerLog()
    with open_page():
        assert list(tmp_path.iterdir()) == []
    log.close()
