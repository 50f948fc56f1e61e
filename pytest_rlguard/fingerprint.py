"""Fingerprints: values and steps as canonical bytes, episodes as digests, two episodes as their first difference. Pure.

The encoding is exact (dtype, shape, every bit) and self-describing, so that one byte string serves three ends: it is
compared, it is hashed, and it is decoded again to show a person the two values. Decoding never runs code.
"""

from __future__ import annotations

import functools
import hashlib
import math
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "DIGEST_SIZE",
    "Difference",
    "decode",
    "digest",
    "encode",
    "encode_action",
    "encode_step",
    "fingerprint",
    "first_difference",
    "frame_keys",
]

DIGEST_SIZE = 8
_FRAME_KEYS = ("action", "observation", "reward", "terminated", "truncated")
_FRAME_HEAD = b"U" + struct.pack("<Q", len(_FRAME_KEYS))
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_PLAIN = (int, float, str)


@dataclass(frozen=True)
class Difference:
    """Where two episodes part: the step (0 is the reset), the key inside it, and both values, as text."""

    step: int
    key: str
    left: str
    right: str

    def describe(self) -> str:
        """`step 6, observation[2]: 0.031 against 0.044`."""
        return f"step {self.step}, {self.key}: {self.left} against {self.right}"


def encode(value: object) -> bytes:
    """`value` as canonical bytes: equal bytes mean the same type, dtype, shape and bits.

    Takes what gymnasium spaces hold (arrays, numbers, text, nested tuples, lists and dicts) and tensors, by their array
    form. Anything else counts by its type and its `repr` without memory addresses.
    """
    if type(value) is np.ndarray and not value.dtype.hasobject:
        return _array_header(value.dtype.str, value.shape) + value.tobytes()
    encoder = _ENCODERS.get(type(value))
    return encoder(value) if encoder else _encode_other(value)


def encode_action(value: object) -> bytes:
    """As `encode`, but a dict keeps the order of its keys: an env may go through them, so a replay needs it."""
    if isinstance(value, Mapping):
        pairs = [encode(key) + encode_action(item) for key, item in value.items()]
        return b"O" + struct.pack("<Q", len(pairs)) + b"".join(pairs)
    if type(value) is tuple:
        return b"U" + struct.pack("<Q", len(value)) + b"".join([encode_action(part) for part in value])
    return encode(value)


def encode_step(action: bytes, observation: object, reward: object, terminated: object, truncated: object) -> bytes:
    """One step's frame: the five as a tuple, with the action encoded (`encode_action`) before the env had it."""
    return _FRAME_HEAD + action + encode(observation) + encode(reward) + encode(terminated) + encode(truncated)


def decode(data: bytes) -> Any:
    """The value that `encode` was given; a tuple of one's own class as a plain one, an unknown object as text."""
    value, end = _decode_at(data, 0)
    if end != len(data):
        msg = f"{len(data) - end} bytes are left over after an encoded value"
        raise ValueError(msg)
    return value


def digest(frame: bytes) -> bytes:
    """The 8-byte digest of one encoded step."""
    return hashlib.blake2b(frame, digest_size=DIGEST_SIZE).digest()


def fingerprint(step_digests: bytes, policy_version: int) -> str:
    """The hexadecimal fingerprint of a whole episode: its steps in order and the version it was collected under."""
    return hashlib.blake2b(step_digests, digest_size=16, salt=policy_version.to_bytes(16, "little")).hexdigest()


def frame_keys(step: int) -> tuple[str, ...]:
    """The names of a frame's parts: a reset has an observation only."""
    return _FRAME_KEYS if step else ("observation",)


def first_difference(left: Sequence[bytes], right: Sequence[bytes]) -> Difference | None:
    """The first step and key in which two lists of frames differ, or None where they are the same to the last bit."""
    for step, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            key, x, y = next(_walk("", _named(step, decode(a)), _named(step, decode(b))), ("encoding", a, b))
            return Difference(step, key, _show(x), _show(y))
    if len(left) == len(right):
        return None
    step = min(len(left), len(right))
    return Difference(step, "length", f"{len(left) - 1} steps", f"{len(right) - 1} steps")


def _named(step: int, frame: Any) -> dict[str, Any]:
    return dict(zip(frame_keys(step), frame if step else (frame,), strict=True))


def _walk(path: str, left: Any, right: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every (path, left, right) at which two decoded values differ, in order."""
    if encode(left) == encode(right):
        return
    if isinstance(left, dict) and isinstance(right, dict) and left.keys() == right.keys():
        for key in left:
            yield from _walk(f"{path}[{key!r}]" if path else key, left[key], right[key])
    elif isinstance(left, tuple | list) and type(left) is type(right) and len(left) == len(right):
        names = [f".{name}" for name in getattr(left, "_fields", ())] or [f"[{index}]" for index in range(len(left))]
        for name, a, b in zip(names, left, right, strict=True):
            yield from _walk(path + name, a, b)
    elif isinstance(left, np.ndarray) and isinstance(right, np.ndarray):
        yield _array_difference(path, left, right)
    else:
        yield path, left, right


def _array_difference(path: str, left: np.ndarray, right: np.ndarray) -> tuple[str, Any, Any]:
    if left.dtype != right.dtype:
        return f"{path}.dtype", str(left.dtype), str(right.dtype)
    if left.shape != right.shape:
        return f"{path}.shape", left.shape, right.shape
    itemsize = left.dtype.itemsize
    a, b = (np.frombuffer(x.tobytes(), np.uint8).reshape(-1, itemsize) for x in (left, right))
    flat = int(np.flatnonzero((a != b).any(axis=1))[0])
    index = tuple(int(i) for i in np.unravel_index(flat, left.shape))
    return f"{path}[{', '.join(map(str, index))}]" if index else path, left.flat[flat], right.flat[flat]


def _show(value: object) -> str:
    """A value for a person: exact for numbers, shortened for long things."""
    text = repr(value.item()) if isinstance(value, np.generic) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - one line of a terminal


@functools.lru_cache(maxsize=1024)
def _array_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    return b"A" + struct.pack("<BB", len(dtype), len(shape)) + dtype.encode() + struct.pack(f"<{len(shape)}Q", *shape)


def _sized(tag: bytes, payload: bytes) -> bytes:
    return tag + struct.pack("<Q", len(payload)) + payload


def _encode_scalar(value: np.generic) -> bytes:
    return b"G" + encode(np.asarray(value))


def _encode_sequence(tag: bytes, values: Sequence[object]) -> bytes:
    return tag + struct.pack("<Q", len(values)) + b"".join([encode(value) for value in values])


def _encode_mapping(value: Mapping[object, object]) -> bytes:
    pairs = sorted((encode(key), encode(item)) for key, item in value.items())
    return b"M" + struct.pack("<Q", len(pairs)) + b"".join([part for pair in pairs for part in pair])


def _encode_other(value: Any) -> bytes:
    if isinstance(value, np.generic) and not value.dtype.hasobject:
        return _encode_scalar(value)
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            return _encode_sequence(b"L", [value.shape, *value.ravel().tolist()])
        return encode(np.asarray(value))
    if isinstance(value, _PLAIN):  # an enum's member, as the number or text that it is
        return encode(next(kind for kind in _PLAIN if isinstance(value, kind))(value))
    if isinstance(value, Mapping):
        return _encode_mapping(value)
    if type(value).__name__ == "GraphInstance" and isinstance(value, tuple):
        return b"H" + encode(tuple(value))
    if isinstance(value, tuple | list):
        return _encode_sequence(b"U" if isinstance(value, tuple) else b"L", value)
    if hasattr(value, "detach"):
        return encode(value.detach().cpu().numpy())
    if hasattr(value, "__array__"):
        return encode(np.asarray(value))
    return _sized(b"R", _ADDRESS.sub("", f"{type(value).__qualname__}: {value!r}").encode("utf-8", "surrogatepass"))


_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"N",
    bool: lambda value: b"T" if value else b"F",
    int: lambda value: _sized(b"I", str(value).encode()),
    float: lambda value: b"D" + struct.pack("<d", value),
    str: lambda value: _sized(b"S", value.encode("utf-8", "surrogatepass")),
    bytes: lambda value: _sized(b"B", value),
    tuple: lambda value: _encode_sequence(b"U", value),
    list: lambda value: _encode_sequence(b"L", value),
    dict: _encode_mapping,
    np.float64: _encode_scalar,
    np.float32: _encode_scalar,
    np.int64: _encode_scalar,
    np.bool_: _encode_scalar,
}

_SINGLES: dict[bytes, object] = {b"N": None, b"T": True, b"F": False}
_TEXTS: dict[bytes, Callable[[bytes], object]] = {
    b"I": int,
    b"S": lambda raw: raw.decode("utf-8", "surrogatepass"),
    b"B": bytes,
    b"R": lambda raw: raw.decode("utf-8", "surrogatepass"),
}


def _decode_at(data: bytes, start: int) -> tuple[Any, int]:
    tag, at = data[start : start + 1], start + 1
    if tag in _SINGLES:
        return _SINGLES[tag], at
    if tag == b"D":
        return struct.unpack_from("<d", data, at)[0], at + 8
    if tag == b"A":
        return _decode_array(data, at)
    if tag == b"H":
        return _decode_graph(data, at)
    if tag == b"G":
        array, end = _decode_at(data, at)
        return array[()], end
    (count,) = struct.unpack_from("<Q", data, at)
    if tag in _TEXTS:
        return _TEXTS[tag](data[at + 8 : at + 8 + count]), at + 8 + count
    return _decode_many(data, tag, at + 8, count)


def _decode_many(data: bytes, tag: bytes, at: int, count: int) -> tuple[Any, int]:
    values: list[Any] = []
    for _ in range(2 * count if tag in b"MO" else count):
        value, at = _decode_at(data, at)
        values.append(value)
    if tag in b"MO":
        return dict(zip(values[::2], values[1::2], strict=True)), at
    return (tuple(values) if tag == b"U" else values), at


def _decode_graph(data: bytes, at: int) -> tuple[Any, int]:
    """The one named tuple that gymnasium's spaces hold; an env's step() takes no plain tuple in its place."""
    from gymnasium.spaces import GraphInstance

    parts, end = _decode_at(data, at)
    return GraphInstance(*parts), end


def _decode_array(data: bytes, at: int) -> tuple[np.ndarray, int]:
    dtype_length, ndim = struct.unpack_from("<BB", data, at)
    at += 2
    dtype = np.dtype(data[at : at + dtype_length].decode())
    at += dtype_length
    shape = struct.unpack_from(f"<{ndim}Q", data, at)
    at += 8 * ndim
    count = math.prod(shape)
    array = np.frombuffer(data, dtype, count, at).reshape(shape).copy() if count else np.empty(shape, dtype)
    return array, at + count * dtype.itemsize
