#!/usr/bin/env python3
"""Writes the corpora, one folder a target: from the project's vectors, and a few seeds for what they do not reach. Run
again it writes the same."""

import base64
import hashlib
import json
import pathlib
import shutil
import zlib

here = pathlib.Path(__file__).resolve().parent
vectors = here.parent / "vectors"
# A longer seed slows every run and teaches nothing.
LONGEST = 8192
ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


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


class Item(bytes):
    """Bytes that are CBOR already."""


def head(major, argument):
    for low, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 24:
            return bytes([major << 5 | argument])
        if argument < 1 << 8 * size:
            return bytes([major << 5 | low]) + argument.to_bytes(size, "big")


def cbor(value):
    """Deterministic, as long as keys ascend."""
    if isinstance(value, Item):
        return bytes(value)
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return head(0, value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(key) + cbor(one) for key, one in value.items())


def items(array):
    """The byte strings that an array begins with."""
    at, found = 1, []
    while array[at] >> 5 == 2:
        low = array[at] & 31
        width = 0 if low < 24 else 1 << low - 24
        length = int.from_bytes(array[at + 1 : at + 1 + width], "big") if width else low
        found.append(array[at + 1 + width : at + 1 + width + length])
        at += 1 + width + length
    return found, array[at:]


def payload(sign1):
    """The payload of a COSE_Sign1 whose unprotected header is empty."""
    at = sign1.find(b"\xa0", 4)
    return items(b"\x80" + sign1[at + 1 :] + b"\0")[0][0]


def part(data):
    """A part of a script."""
    return len(data).to_bytes(2, "big") + data


def newc(*entries):
    """An archive as `eif-build cpio` writes it."""
    archive = b""
    for number, (name, mode, content) in enumerate([*entries, (b"TRAILER!!!", 0, b"")], 1):
        inode, links = (0, 1) if mode == 0 else (number, 2 if mode & 0o40000 and not mode & 0o100000 else 1)
        fields = [inode, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
        front = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
        archive += front + bytes(-len(front) % 4) + content + bytes(-len(content) % 4)
    return archive


def deflated(data):
    """A deflate stream with the CRC and the size behind it."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    return stream.compress(data) + stream.flush() + end


def ramdisk(archive):
    """The archive compressed, in the form of `eif-build build`."""
    return bytes.fromhex("1f8b08000000000002ff") + deflated(archive)


METADATA = (
    b'{"ImageName":"capelet","ImageVersion":"1","BuildMetadata":{"BuildTime":"1970-01-01T00:00:00+00:00",'
    b'"BuildTool":"eif-build","BuildToolVersion":"1","OperatingSystem":"Linux","KernelVersion":"Unknown"},'
    b'"DockerInfo":null,"CustomMetadata":null}'
)


def image(*bodies):
    """An .eif file as `eif-build build` writes it."""
    sections, offsets, at = b"", [], 548
    for number, body in zip((1, 2, 5, 3, 4), bodies):
        offsets.append(at)
        sections += number.to_bytes(2, "big") + bytes(2) + len(body).to_bytes(8, "big") + body
        at = 548 + len(sections)
    front = b".eif" + (4).to_bytes(2, "big") + bytes(2) + (1 << 30).to_bytes(8, "big") + (2).to_bytes(8, "big")
    front += bytes(2) + len(bodies).to_bytes(2, "big")
    for values in (offsets, [len(body) for body in bodies]):
        front += b"".join(value.to_bytes(8, "big") for value in values + [0] * (32 - len(values)))
    front += bytes(4)
    return front + zlib.crc32(sections, zlib.crc32(front)).to_bytes(4, "big") + sections


def eifs():
    archive = newc((b"dev", 0o40755, b""), (b"init", 0o100555, b"#"), (b"sh", 0o120777, b"init"))
    kernel = bytearray(1024)
    kernel[0x1F1] = 1
    kernel[0x202:0x206] = b"HdrS"
    yield image(bytes(kernel), b"quiet", METADATA, ramdisk(archive))
    signed = (here.parent.parent / "eif-build/tests/vectors/aws-signed.eif").read_bytes()
    yield signed
    # Its signature section, on an image of another PCR0.
    at = int.from_bytes(signed[28 + 4 * 8 : 36 + 4 * 8], "big")
    yield image(bytes(kernel), b"quiet", METADATA, ramdisk(archive), signed[at + 12 :])
    yield part(b"kernel") + part(b"quiet") + part(archive)


def bundles():
    yield from unhex(case("bundle", "bundle"))
    yield cbor([{1: "f.wasm"}, [["f.wasm", b"\0asm"]]])
    yield cbor([{1: "f", 3: 0}, [["f", b"\0asm"]]])
    yield cbor([{1: "f", 5: []}, [["f", b"\0asm"]]])
    yield cbor([{1: "a/f", 2: bytes(32), 3: 1, 4: "handle", 5: ["-v", ""]}, [["a/f", b"\0asm"], ["b", b""]]])


def jobs():
    yield b"CPS1" + bytes(20)
    yield from (b"CPE1" + bytes(8) + bytes([how, 0, 0, 0]) for how in range(4))
    short = lambda text: len(text).to_bytes(2, "big") + text
    yield b"CPJ1\0" + bytes(54)
    front = b"CPJ1\1" + bytes(32) + short(b"handle") + (2).to_bytes(2, "big") + short(b"-v") + short(b"")
    yield front + bytes(4) + (1).to_bytes(2, "big") + short(b"a/b") + bytes(4) + bytes(8)
    yield bytes([1, 0, 0, 0, 3]) + b"abc"
    yield bytes([3, 0, 0, 0, 5, 1, 0, 0, 0, 7])


def messages_to_the_parent():
    key = {2: 3, 3: bytes(32), 4: bytes(16), 5: 7}
    yield cbor({1: 1})
    yield from (cbor({1: number} | key) for number in (2, 3, 4, 6))
    yield cbor({1: 5, 2: 1, 3: bytes(32), 6: None})
    yield cbor({1: 5, 2: 1, 3: bytes(32), 6: [bytes(16), 9]})
    yield cbor({1: 7, 7: "eu-central-1"})
    yield from (cbor({1: number}) for number in (0, 5, 6, 7))
    yield cbor({1: 2, 2: b"configuration", 3: None})
    yield cbor({1: 2, 2: b"", 3: b"\x80"})
    yield cbor({1: 3, 2: [[bytes(16), 1], [b"\1" * 16, 2]]})
    yield cbor({1: 4, 2: "AKID", 3: "secret", 4: ""})


def answers_of_kms():
    """The first byte: what is asked for, 4 for a whole response, 8 for a refusal."""
    text = lambda value: json.dumps(value, separators=(",", ":")).encode()
    http = lambda body: b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    policy = text({"Policy": '{"Version":"2012-10-17"}\n\u00e9', "PolicyName": "default", "n": [1.5e3, -0, None]})
    yield b"\0" + part(policy)
    yield b"\4" + part(http(policy))
    yield b"\x08" + part(text({"__type": "com.amazonaws.kms#AccessDeniedException", "message": "no"}))
    facts = dict(Arn=ARN, KeyManager="CUSTOMER", KeySpec="SYMMETRIC_DEFAULT", KeyUsage="ENCRYPT_DECRYPT")
    facts |= dict(KeyState="Enabled", Origin="AWS_KMS", MultiRegion=False, CustomKeyStoreId=None)
    grant = lambda name: {"GrantId": name, "KeyId": ARN, "Operations": ["Decrypt"]}
    pages = [{"Grants": [grant("b"), grant("a")], "Truncated": True, "NextMarker": "m\n"}]
    pages.append({"Grants": [], "Truncated": False})
    yield b"\1" + part(text({"KeyMetadata": facts})) + b"".join(part(text(page)) for page in pages)
    key = dict(KeyId=ARN, CiphertextForRecipient="MESSAGE", Plaintext="")
    yield b"\2" + part(text(key))
    yield b"\3" + part(text(key | {"CiphertextBlob": "d3JhcHBlZA=="}))
    for message in files("kms", "enclaver.ber"):
        yield b"\2" + part(text(key | {"CiphertextForRecipient": base64.b64encode(message).decode()}))


# Marks, for which the target puts what nobody else can know or sign.
OWNER, CHECKSUM, KID, POLICY, DESCRIBE = b"\xa1" * 32, b"\xa2" * 32, b"\xa3" * 32, b"\xa4" * 48, b"\xa5" * 48
NEW_CHECKSUM, OFFERED = b"\xa6" * 32, b"\xa7" * 32
DEPLOY, RUN, LIST, DELETE, STATEMENT, CREATE, CONFIRM, ATTEST, KEY_POLICY = range(9)


def sessions():
    """Whoever signs (0 the owner, 1 a stranger), then requests: verb, flags (1 body encrypted, 2 no halves, 4 no body,
    8 a body that is described wrongly), parameters, body."""
    ask = lambda verb, flags, params, body=b"": bytes([verb, flags]) + part(cbor(params)) + part(body)
    bundle = cbor([{1: "f"}, [["f", b"\0asm"]]])
    deploy = ask(DEPLOY, 0, {1: b"\7" * 16, 2: 1, 3: NEW_CHECKSUM, 4: ARN, 5: POLICY, 6: DESCRIBE, 7: "record"}, bundle)
    run = lambda inputs, flags, body: ask(RUN, flags, {1: OWNER, 2: b"\5" * 16, 3: 1, 4: CHECKSUM, 5: inputs}, body)
    plain, two = run([[0, "length"]], 0, b"an input"), run([[0, 2], [0, 3]], 0, b"abcde")
    sealed = run([[1, "length", 1]], 1, b"a secret")
    create = ask(CREATE, 4, {1: 2, 2: bytes(32), 3: KID, 4: ARN, 5: POLICY, 6: DESCRIBE})
    confirm = ask(CONFIRM, 4, {1: "record"})
    attest = ask(ATTEST, 4, {1: KID, 2: 1, 3: bytes(32)})
    listed = [ask(LIST, 4, {1: kind}) for kind in (1, 2)]
    said = [ask(STATEMENT, 4, {1: OWNER, 2: kid}) for kid in (None, KID, OFFERED)]
    policy = [ask(KEY_POLICY, 4, params) for params in ({}, {1: ARN})]
    delete = ask(DELETE, 4, {1: 1, 2: b"\5" * 16, 3: 1})
    everything = [deploy, plain, two, sealed, create, attest, *listed, *said, *policy, delete]
    yield from (bytes([who]) + one for who in (0, 1) for one in everything)
    yield b"\0" + create + confirm + said[0] + said[2]
    yield b"\0" + attest + confirm + said[0]
    yield b"\0" + deploy + deploy + listed[0]
    yield b"\0" + delete + plain
    yield b"\0" + run([[0, "length"]], 2, b"no half") + run([[0, "length"]], 8, b"described wrongly")
    yield from (b"\0" + run([[0, "length"]], 0, bytes([how])) for how in range(4))


def connections():
    """The first byte: in what pieces the rest comes. Frames: hello, enc, commitment, chunk."""
    frame = lambda content: len(content).to_bytes(4, "big") + content
    for hello in unhex(case("session", "hello")):
        yield b"\xff" + frame(hello)
    session = json.loads((vectors / "protocol/session.json").read_text())["accept"][0]
    hello, enc = bytes.fromhex(session["in"]["hello"]), bytes.fromhex(session["out"]["enc"])
    yield b"\xff" + frame(hello) + frame(enc) + frame(bytes(32)) + frame(b"\1" + bytes(16))
    yield b"\7" + frame(hello) + frame(enc[1:])


statements = list(unhex(case("statement", "statement")))
vault_claims = [items(one)[0][1] for one in statements if one[:1] == b"\x83" and len(items(one)[0]) == 2]
records = [payload(items(one)[1]) for one in statements if one[:1] == b"\x83" and items(one)[1][:1] == b"\xd2"]
requests = list(heads(unhex(case("request", "plain"))))
objects = list(unhex(case("object", "stored", "ad", "record")))
corpora = {
    "bundle": bundles(),
    "cbor": unhex(case("cbor", "data")),
    "ciphertext": unhex(case("ciphertext", "file", "header")),
    "claims": [*unhex(case("session", "claims")), *vault_claims],
    "cms": files("kms", "*.ber"),
    "configuration": [*unhex(case("configuration", "data")), ARN.encode(), cbor([bytes(32), b"\1" * 32])],
    "cpio": [newc((b"dev", 0o40755, b""), (b"dev/x", 0o100555, b"#"), (b"sh", 0o120777, b"dev/x")), newc()],
    "document": files("attestation", "*.cose"),
    "eif": eifs(),
    "frame": [b"\x03\0\0\0\x05hello\0\0\0\0\0\0\0\1x", b"\0\0\0\4\0"],
    "gzip": [deflated(b"capelet" * 9), deflated(bytes(9000)), b"\1\7\0\xf8\xffcapelet" + deflated(b"capelet")[-8:]],
    "handshake": connections(),
    "hello": [*unhex(case("session", "hello")), cbor([b"document", b"claims"])],
    "job": jobs(),
    "kms": answers_of_kms(),
    "object": [*objects, *(payload(one) for one in objects if one[:1] == b"\xd2")],
    "parent": messages_to_the_parent(),
    "receipt": unhex(case("receipt", "bundle", "receipt")),
    "request": requests + [payload(one) for one in requests if len(one) > 40],
    "response": [*heads(unhex(case("response", "plain"))), cbor({1: 0, 2: bytes(48), 3: 2, 4: {}})],
    "session": sessions(),
    "statement": [*statements, *vault_claims, *records],
    "stream": [b"\2\0", b"\2\0abc", b"\0\1", b"\1\1abc"] + [one for one in unhex(case("stream", "data")) if len(one) < 400],
    "text": [*unhex(case("text", "text")), b"-_8"],
}

shutil.rmtree(here / "corpus", ignore_errors=True)
for target, seeds in corpora.items():
    folder = here / "corpus" / target
    folder.mkdir(parents=True)
    for seed in seeds:
        if 0 < len(seed) <= LONGEST:
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
