"""A file of vectors: cases that its reader accepts, and cases that it refuses."""

import json

from cbor import Refused, Tag18, encode

SPLICE_FROM = 100  # hexadecimal digits: longer values of refused cases are written as a splice where that is shorter


def as_json(value):
    """Bytes and signed messages become hexadecimal text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Tag18):
        return encode(value).hex()
    if isinstance(value, dict):
        return {k: as_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(v) for v in value]
    return value


def splice(value, base):
    """Write `value` as the beginning of `base`, new bytes, and the end of `base`."""
    limit = min(len(value), len(base))
    keep = next((i for i in range(limit) if value[i] != base[i]), limit)
    end = next((i for i in range(limit - keep) if value[-1 - i] != base[-1 - i]), limit - keep)
    put = value[keep:len(value) - end]
    assert base[:keep] + put + base[len(base) - end:] == value
    return {"keep": keep, "put": put.hex(), "keep_end": end}


class Vectors:
    """`read` takes the bytes of a case's `in` and returns what becomes its `out`, or raises Refused."""

    def __init__(self, name, read):
        self.name, self.read = name, read
        self.accepted, self.refused, self.first = [], [], {}

    def accept(self, name, **given):
        out = self.read(given)
        self.first = self.first or given
        self.accepted.append({"name": name, "in": as_json(given), "out": as_json(out)})
        return out

    def refuse(self, why, basis="page", **given):
        try:
            self.read(given)
        except Refused as error:
            message = str(error)
        else:
            raise AssertionError(f"{self.name}: not refused: {why}")
        self.refused.append({"why": why, "basis": basis, "in": self._shorten(given), "python": message})

    def _shorten(self, given):
        short = as_json(given)
        for field, value in given.items():
            base = self.first.get(field)
            if isinstance(value, bytes) and isinstance(base, bytes) and 2 * len(value) > SPLICE_FROM:
                candidate = splice(value, base)
                if len(json.dumps(candidate)) < len(short[field]):
                    short[field] = candidate
        return short

    def text(self):
        def lines(cases):
            return ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases) + "\n" if cases else ""
        return f'{{"accept": [\n{lines(self.accepted)}],\n"refuse": [\n{lines(self.refused)}]}}\n'
