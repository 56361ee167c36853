#!/usr/bin/env python3
"""Writes the corpora, one folder a target, from the project's vectors. Run again it writes the same."""

import hashlib
import json
import pathlib

here = pathlib.Path(__file__).resolve().parent
vectors = here.parent / "vectors"
# A longer seed slows every run and teaches nothing.
LONGEST = 8192


def case(name, *fields):
    for kind in ("accept", "refuse"):
        for one in json.loads((vectors / "protocol" / f"{name}.json").read_text())[kind]:
            for where in ("in", "out"):
                for field in fields:
                    value = one.get(where, {}).get(field)
                    if isinstance(value, str):
                        yield value


def unhex(values):
    for value in values:
        try:
            yield bytes.fromhex(value)
        except ValueError:
            yield value.encode()


def heads(values):
    """What stands behind u32be length."""
    for value in values:
        yield value[4 : 4 + int.from_bytes(value[:4], "big")]


def files(folder, pattern):
    for path in sorted((vectors / folder).glob(pattern)):
        yield path.read_bytes()


def payload(sign1):
    """The payload of a COSE_Sign1 whose protected header is short: behind tag, array, protected, empty map."""
    at = sign1.find(b"\xa0", 4)
    length = sign1[at + 1]
    if length == 0x58:
        return sign1[at + 3 : at + 3 + sign1[at + 2]]
    return sign1[at + 4 : at + 4 + int.from_bytes(sign1[at + 2 : at + 4], "big")]


def cpio():
    """One folder, one file, the trailer: newc, as `eif-build cpio` writes it."""
    entries = [(b"dev", 0o40755, b""), (b"init", 0o100555, b"#"), (b"TRAILER!!!", 0, b"")]
    archive = b""
    for number, (name, mode, content) in enumerate(entries, 1):
        inode, links = (0, 1) if mode == 0 else (number, 1)
        fields = [inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
        archive += head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)
    return archive


requests = list(heads(unhex(case("request", "plain"))))
corpora = {
    "bundle": unhex(case("bundle", "bundle")),
    "cbor": unhex(case("cbor", "data")),
    "ciphertext": unhex(case("ciphertext", "file", "header", "text")),
    "claims": unhex(case("session", "claims")),
    "cms": files("kms", "*.ber"),
    "configuration": unhex(case("configuration", "data")),
    "cpio": [cpio()],
    "document": files("attestation", "*.cose"),
    "eif": [(here.parent.parent / "eif-build/tests/vectors/aws-signed.eif").read_bytes()],
    "hello": unhex(case("session", "hello")),
    "job": [b"CPS1" + bytes(20), b"CPE1" + bytes(12), b"CPJ1\0" + bytes(54), bytes([1, 0, 0, 0, 3]) + b"abc"],
    "object": unhex(case("object", "stored", "ad", "record")),
    "parent": [bytes.fromhex("a10101"), bytes.fromhex("a10100"), bytes.fromhex("a201070765"), bytes.fromhex("a201030280")],
    "receipt": unhex(case("receipt", "bundle", "receipt")),
    "request": requests + [payload(one) for one in requests if len(one) > 40],
    "response": heads(unhex(case("response", "plain"))),
    "statement": unhex(case("statement", "statement")),
    "stream": [b"\0", b"\1abc"] + [one for one in unhex(case("stream", "data")) if len(one) < 400],
}

for target, seeds in corpora.items():
    folder = here / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        if 0 < len(seed) <= LONGEST:
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    (folder / ".keep").touch()
