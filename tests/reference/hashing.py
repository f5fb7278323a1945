"""XXH64 of a text with seed 42, as a signed 64-bit number: Spark's `xxhash64` of one string."""

from __future__ import annotations

from functools import cache

MASK = 2**64 - 1
P1 = 0x9E3779B185EBCA87
P2 = 0xC2B2AE3D27D4EB4F
P3 = 0x165667B19E3779F9
P4 = 0x85EBCA77C2B2AE63
P5 = 0x27D4EB2F165667C5


@cache
def model_key(name: str, seed: int = 42) -> int:
    """The key of a name."""
    data = name.encode("utf-8")
    position = 0
    if len(data) >= 32:
        lanes = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
        while position + 32 <= len(data):
            for lane in range(4):
                lanes[lane] = _round(lanes[lane], _word(data, position, 8))
                position += 8
        value = sum(_rotate(x, r) for x, r in zip(lanes, (1, 7, 12, 18), strict=True)) & MASK
        for lane_value in lanes:
            value = ((value ^ _round(0, lane_value)) * P1 + P4) & MASK
    else:
        value = (seed + P5) & MASK
    value = (value + len(data)) & MASK
    while position + 8 <= len(data):
        value = (_rotate(value ^ _round(0, _word(data, position, 8)), 27) * P1 + P4) & MASK
        position += 8
    if position + 4 <= len(data):
        value = (_rotate(value ^ (_word(data, position, 4) * P1 & MASK), 23) * P2 + P3) & MASK
        position += 4
    for byte in data[position:]:
        value = _rotate(value ^ (byte * P5 & MASK), 11) * P1 & MASK
    value = (value ^ (value >> 33)) * P2 & MASK
    value = (value ^ (value >> 29)) * P3 & MASK
    value ^= value >> 32
    return value - 2**64 if value >= 2**63 else value


def _word(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & MASK


def _round(lane: int, word: int) -> int:
    return _rotate((lane + word * P2) & MASK, 31) * P1 & MASK
