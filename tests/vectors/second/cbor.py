"""Deterministic CBOR (RFC 8949, 4.2.1), restricted to what docs/protocol.md uses.

Python values stand for CBOR items: int, bytes, str, list, dict (integer keys), bool, None and `Tag18`.
"""

MAX_LEVELS = 16


class Refused(Exception):
    """The bytes break a rule of the protocol. The text says which one."""


class Tag18:
    """A COSE_Sign1: the item below tag 18."""

    def __init__(self, item):
        self.item = item


def _head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | info]) + value.to_bytes(size, "big")
    raise ValueError("an integer of more than 64 bits")


def encode(item):
    """Return the only encoding of `item`. A `Raw` item is written as it is."""
    if isinstance(item, Raw):
        return item.data
    if item is False or item is True or item is None:
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[item]
    if isinstance(item, int):
        return _head(0, item) if item >= 0 else _head(1, -1 - item)
    if isinstance(item, bytes):
        return _head(2, len(item)) + item
    if isinstance(item, str):
        data = item.encode("utf-8")
        return _head(3, len(data)) + data
    if isinstance(item, (list, tuple)):
        return _head(4, len(item)) + b"".join(encode(x) for x in item)
    if isinstance(item, dict):
        pairs = sorted((encode(k), encode(v)) for k, v in item.items())
        return _head(5, len(pairs)) + b"".join(k + v for k, v in pairs)
    if isinstance(item, Tag18):
        return _head(6, 18) + encode(item.item)
    raise TypeError(f"no CBOR for {type(item).__name__}")


class Raw:
    """Bytes that `encode` copies. Only the makers of invalid vectors use it."""

    def __init__(self, data):
        self.data = data


class _Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Refused("cbor: truncated")
        self.at += count
        return self.data[self.at - count:self.at]

    def argument(self, info):
        if info < 24:
            return info
        if info > 27:
            raise Refused("cbor: indefinite length or reserved additional information")
        size = 1 << info - 24
        value = int.from_bytes(self.take(size), "big")
        if value < (24 if size == 1 else 1 << 4 * size):
            raise Refused("cbor: an integer or a length that is not in its shortest form")
        return value

    def item(self, level):
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if major == 7:
            if first in (0xf4, 0xf5, 0xf6):
                return {0xf4: False, 0xf5: True, 0xf6: None}[first]
            raise Refused("cbor: a float, a simple value or a break")
        value = self.argument(info)
        if major == 0:
            return value
        if major == 1:
            return -1 - value
        if major == 2:
            return self.take(value)
        if major == 3:
            try:
                return self.take(value).decode("utf-8")
            except UnicodeDecodeError:
                raise Refused("cbor: text that is not UTF-8") from None
        if level == MAX_LEVELS:
            raise Refused("cbor: more than 16 levels")
        if major == 4:
            if value > len(self.data) - self.at:
                raise Refused("cbor: truncated")
            return [self.item(level + 1) for _ in range(value)]
        if major == 5:
            return self.map(value, level)
        if value != 18:
            raise Refused("cbor: a tag other than 18")
        return Tag18(self.item(level + 1))

    def map(self, count, level):
        result, last = {}, b""
        for _ in range(count):
            start = self.at
            key = self.item(level + 1)
            if isinstance(key, bool) or not isinstance(key, int):
                raise Refused("cbor: a map key that is not an integer")
            encoded = self.data[start:self.at]
            if encoded <= last:
                raise Refused("cbor: map keys that are unsorted or double")
            last = encoded
            result[key] = self.item(level + 1)
        return result


def decode(data):
    """Read exactly one item. Anything that `encode` would not write is refused."""
    reader = _Reader(data)
    item = reader.item(0)
    if reader.at != len(data):
        raise Refused("cbor: trailing bytes")
    return item
