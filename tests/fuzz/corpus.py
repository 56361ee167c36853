#!/usr/bin/env python3
"""Writes the corpora, one folder per target. The seeds come from the test vectors, and a few more reach what the
vectors do not reach. Every run writes the same files."""

import base64
import hashlib
import json
import pathlib
import shutil
import sys
import zlib

here = pathlib.Path(__file__).resolve().parent
vectors = here.parent / "vectors"
# A longer seed slows down every run, and reaches no more code. In bytes.
LONGEST = 8192
ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def case(name, *fields, kinds=("accept", "refuse")):
    """The values of these fields in the protocol vectors of this name."""
    for kind in kinds:
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
    """The heads of messages that begin with u32be length."""
    for value in values:
        yield value[4 : 4 + int.from_bytes(value[:4], "big")]


def files(folder, pattern):
    for path in sorted((vectors / folder).glob(pattern)):
        yield path.read_bytes()


class Item(bytes):
    """Encoded CBOR, which `cbor` copies."""


def head(major, argument):
    for low, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 24:
            return bytes([major << 5 | argument])
        if argument < 1 << 8 * size:
            return bytes([major << 5 | low]) + argument.to_bytes(size, "big")


def cbor(value):
    """Deterministic CBOR. The caller must pass map entries in ascending order of their keys."""
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
    """The byte strings that an array begins with, and the bytes behind them."""
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


def sign1(typ, content):
    """A COSE_Sign1 with a signature of zeros."""
    protected = b"\xa2\x01\x27\x10" + cbor(typ)
    return Item(b"\xd2\x84" + cbor(protected) + b"\xa0" + cbor(content) + cbor(bytes(64)))


def part(data):
    """A part of a script, as `src/script.rs` reads it."""
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
    """A gzip member without its header."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    return stream.compress(data) + stream.flush() + end


def ramdisk(archive):
    """The archive compressed, with the header that `eif-build build` writes."""
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
    # The same signature section in an image with another PCR0.
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
    """See `src/targets/kms.rs` for the first byte."""
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


# Marks, which `src/targets/session/request.rs` replaces by digests and signed records.
OWNER, CHECKSUM, KID, POLICY, KEY_METADATA = b"\xa1" * 32, b"\xa2" * 32, b"\xa3" * 32, b"\xa4" * 48, b"\xa5" * 48
NEW_CHECKSUM, OFFERED = b"\xa6" * 32, b"\xa7" * 32
# The owner whose secret nobody has, and the version of what another image sealed.
NOBODY, FOREIGN_VERSION = b"\x08" * 32, 9
DEPLOY, RUN, LIST, DELETE, STATEMENT, CREATE, CONFIRM, ATTEST, KEY_POLICY = range(9)
# Flags of a request: encrypts the body, has no key shares, has no body, announces another length, has valid parameters,
# has key shares of other objects with the same ids, names what another image sealed.
ENCRYPTED, NO_KEY_SHARES, NO_BODY, WRONG_LENGTH, VALID, OTHER_KEY_SHARES, FOREIGN = 1, 2, 4, 8, 16, 32, 64
# Bits of a session's first byte: a stranger is the caller, there is a list of deployers, which contains the owner, and
# there is no place for the caller.
STRANGER, DEPLOYERS, NO_PLACE = 1, 2, 4
BUNDLE = cbor([{1: "f"}, [["f", b"\0asm"]]])


def run_params(*inputs, version=1):
    return RUN, {1: OWNER, 2: b"\5" * 16, 3: version, 4: CHECKSUM, 5: list(inputs)}


def parameters():
    """Verbs without a body, and parameters of each."""
    yield CREATE, {1: 2, 2: bytes(32), 3: KID, 4: ARN, 5: POLICY, 6: KEY_METADATA}
    yield from ((ATTEST, {1: KID, 2: 1, 3: bytes(32), 4: previous}) for previous in (None, KID))
    yield from ((LIST, {1: kind}) for kind in (1, 2))
    yield from ((STATEMENT, {1: OWNER, 2: kid}) for kid in (None, KID, OFFERED))
    yield from ((KEY_POLICY, params) for params in ({}, {1: ARN}, {2: [OWNER, 1]}, {2: [NOBODY, 1]}))
    yield from ((DELETE, {1: kind, 2: one, 3: 1}) for kind, one in ((1, b"\5" * 16), (3, bytes(16)), (3, b"\5" * 16)))


DEPLOY_PARAMS = {1: b"\7" * 16, 2: 1, 3: NEW_CHECKSUM, 4: ARN, 5: POLICY, 6: KEY_METADATA, 7: "record"}


def request_parameters():
    """Parameters of every verb. `src/targets/request.rs` replaces no marks."""
    record = sign1("capelet/1/function", b"record")
    yield cbor(DEPLOY_PARAMS | {7: record})
    yield cbor(DEPLOY_PARAMS | {5: None, 6: None, 7: record})
    # A record must be a COSE_Sign1.
    yield cbor(DEPLOY_PARAMS)
    yield cbor(run_params([0, 8], [1, 9, 1])[1])
    yield cbor({1: sign1("capelet/1/vault-owner", b"record")})
    yield from (cbor(params) for _, params in parameters())
    yield from unhex(case("params", "params", kinds=["accept"]))


def results():
    """Results of the verbs, a list, policy texts, and key metadata."""
    yield cbor({1: 7, 2: b"said"})
    yield cbor({1: b"statement"})
    yield cbor({1: b"document", 2: b"claims"})
    yield from (cbor({1: policy, 2: metadata}) for policy, metadata in ((None, None), ("{}", b"\xa0")))
    yield cbor([[bytes(16), 1], [b"\1" * 16, 2]])
    yield cbor({1: "CUSTOMER", 2: "", 3: "", 4: "Enabled", 5: "", 6: False, 7: None, 8: ["{}"]})


def sessions():
    """Caller and enclave (see `src/targets/session.rs`), then requests: verb, flags, parameters, body."""
    ask = lambda verb, flags, params, body=b"": bytes([verb, flags]) + part(cbor(params)) + part(body)
    run = lambda flags, body, *inputs: ask(RUN, flags, run_params(*inputs)[1], body)
    everything = [ask(DEPLOY, 0, DEPLOY_PARAMS, BUNDLE)]
    everything += [run(0, b"an input", [0, "length"]), run(0, b"abcde", [0, 2], [0, 3])]
    everything += [run(ENCRYPTED, b"a secret", [1, "length", 1])]
    everything += [ask(verb, NO_BODY, params) for verb, params in parameters()]

    valid = lambda verb, flags, choice=b"", body=b"": bytes([verb, VALID | flags]) + part(choice) + part(body)
    deploy, confirm, delete = valid(DEPLOY, 0, b"", BUNDLE), valid(CONFIRM, NO_BODY), valid(DELETE, NO_BODY)
    create, attest = valid(CREATE, NO_BODY), valid(ATTEST, NO_BODY)
    listed = [valid(LIST, NO_BODY, bytes([choice])) for choice in range(2)]
    stated = [valid(STATEMENT, NO_BODY, bytes([choice])) for choice in range(4)]
    policy = [valid(KEY_POLICY, NO_BODY, bytes([choice])) for choice in range(6)]
    run = lambda body, flags=0, lengths=b"": valid(RUN, flags, lengths, body)
    everything += [deploy, run(b"an input"), run(b"abcde", 0, b"\2"), run(b"a secret", ENCRYPTED)]
    everything += [run(b"two secrets", ENCRYPTED, b"\4"), run(b"x" * 64, 0, b"\1" * 63), run(b"x" * 65, 0, b"\1" * 64)]
    everything += [create, attest, *listed, *stated, *policy, delete]
    yield from (bytes([who]) + one for who in (0, STRANGER) for one in everything)
    # With a list of deployers: what only a deployer may do, and an input over the limit.
    restricted = [deploy, create, attest, run(b"an input"), run(bytes(5000)), *listed, *policy]
    yield from (bytes([who | DEPLOYERS]) + one for who in (0, STRANGER) for one in restricted)
    yield b"\0" + create + confirm + stated[0] + stated[2]
    yield b"\0" + attest + confirm + stated[0]
    yield b"\0" + create + ask(CONFIRM, NO_BODY, {1: "record"}) + ask(STATEMENT, NO_BODY, {1: OWNER, 2: OFFERED})
    yield b"\0" + deploy + deploy + listed[0]
    yield b"\0" + policy[1] + policy[2] + policy[1] + policy[2]
    yield b"\0" + delete + run(b"an input")
    yield b"\0" + run(b"no key share", NO_KEY_SHARES) + run(b"another length", WRONG_LENGTH)
    # A new vault key: its statement, the policy of the KMS key that it names, a renewal.
    renewal = ask(ATTEST, NO_BODY, {1: OFFERED, 2: 2, 3: bytes(32), 4: KID}) + confirm
    yield b"\0" + create + confirm + policy[4] + renewal + stated[2]
    # What another image sealed, and records that name another image.
    foreign = [valid(RUN, FOREIGN, b"", b"an input"), valid(RUN, FOREIGN | ENCRYPTED, b"", b"a secret")]
    foreign += [valid(DEPLOY, FOREIGN, b"", BUNDLE), valid(ATTEST, FOREIGN | NO_BODY)]
    foreign += [offer + valid(CONFIRM, FOREIGN | NO_BODY) for offer in (create, attest)]
    foreign += [valid(DELETE, FOREIGN | NO_BODY, bytes([choice])) for choice in range(3)]
    foreign += [ask(RUN, 0, run_params([0, "length"], version=FOREIGN_VERSION)[1], b"an input")]
    yield from (b"\0" + one for one in foreign)
    # Key shares of other objects with the same ids, beside the right ones and instead of them.
    needy = [(DEPLOY, 0, BUNDLE), (RUN, 0, b"an input"), (RUN, ENCRYPTED, b"a secret"), (ATTEST, NO_BODY, b"")]
    for shares in (OTHER_KEY_SHARES, OTHER_KEY_SHARES | NO_KEY_SHARES):
        yield from (b"\0" + valid(verb, flags | shares, b"", body) for verb, flags, body in needy)
        yield b"\0" + create + valid(CONFIRM, NO_BODY | shares)
    yield from (bytes([who | NO_PLACE]) + listed[0] + run(b"an input") for who in (0, STRANGER))
    # Too little memory for a worker, and for a list.
    for halvings in (2, 10):
        yield from (bytes([halvings << 4]) + one for one in (run(b"an input"), deploy, listed[0], policy[3]))
    # See `work` in `src/platform.rs`.
    yield from (b"\0" + run(bytes([first]), flags) for first in range(12) for flags in (0, ENCRYPTED))


def connections():
    """The most bytes per read, then frames: hello, enc, commitment, chunk."""
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
responses = [*heads(unhex(case("response", "plain"))), *unhex(case("policy", "body"))]
objects = list(unhex(case("object", "stored", "ad", "record")))
streams = [one for one in unhex(case("stream", "data")) if len(one) < 400]
corpora = {
    "bundle": bundles(),
    "cbor": unhex(case("cbor", "data")),
    "ciphertext": unhex(case("ciphertext", "file", "header")),
    "claims": [*unhex(case("session", "claims")), *vault_claims],
    "cms": files("kms", "*.ber"),
    "configuration": [*unhex(case("configuration", "data")), *unhex(case("deployers", "data")), ARN.encode()],
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
    "request": [*requests, *unhex(case("request", "request")), *request_parameters()],
    "response": [*responses, cbor({1: 0, 2: bytes(48), 3: 2, 4: {}}), *results()],
    "session": sessions(),
    "statement": [*statements, *vault_claims, *records],
    "stream": [b"\2\0", b"\2\0abc", b"\0\1", b"\1\1abc", *streams],
    "text": [*unhex(case("text", "text")), b"-_8"],
}

targets = {path.stem for path in (here / "fuzz_targets").glob("*.rs")}
if targets != set(corpora):
    sys.exit(f"Error: a target without a corpus, or a corpus without a target: {sorted(targets ^ set(corpora))}")
shutil.rmtree(here / "corpus", ignore_errors=True)
for target, seeds in corpora.items():
    folder = here / "corpus" / target
    folder.mkdir(parents=True)
    for seed in seeds:
        if 0 < len(seed) <= LONGEST:
            (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
