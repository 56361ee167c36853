"""Vectors of the parts that everything is made of."""

import hpke
import sign1
import stream
import vault
import xwing
from cbor import Tag18, decode, encode
from primitives import BASE, L, ed25519_sign_with_r, label_hash, point_encode, point_multiply, sha256, u32
from values import BAD_VAULT_KEY, OTHER_OWNER, OWNER, SIGN_SEED, VAULT_ESEED, VAULT_KEY, \
    VAULT_SEED, changed, fixed
from vectors import Vectors


def cbor_vectors():
    v = Vectors("cbor", lambda given: {"again": encode(decode(given["data"]))})
    accepted = {
        "unsigned integer": "00 17 1818 18ff 190100 19ffff 1a00010000 1affffffff 1b0000000100000000 1bffffffffffffffff",
        "negative integer": "20 27 3863",
        "bytes": "40 581844ed6fad7cc5d7decc801699ab8cdcf1ed723d770b213cfe",
        "text": "60 62c3a9",
        "array": "80 82018102",
        "16 arrays, the innermost empty": "81" * 15 + "80",
        "map": "a0 a301021818032004",
        "false": "f4", "true": "f5", "null": "f6",
        "tag 18": "d28440a0405840" + fixed("a signature", 64).hex()}
    for name, items in accepted.items():
        for item in items.split():
            v.accept(name, data=bytes.fromhex(item))
    for why, item in {
            "1 in two bytes": "1801", "24 in three bytes": "190018", "256 in five bytes": "1a00000100",
            "2^32-1 in nine bytes": "1b00000000ffffffff", "length in two bytes": "5803010203",
            "bytes of indefinite length": "5f4101ff", "array of indefinite length": "9f01ff",
            "map of indefinite length": "bf0102ff", "text of indefinite length": "7f6161ff",
            "map keys out of order": "a202000100", "map keys by length first": "a2200019010000",
            "duplicate key": "a201000100", "trailing byte": "0000", "empty": "", "truncated bytes": "4201",
            "truncated map": "a101", "text that is not UTF-8": "61ff", "false in two bytes": "f814",
            "reserved additional information": "1c", "break alone": "ff", "text as a map key": "a1616100",
            "bytes as a map key": "a1416100", "true as a map key": "a1f500",
            "array of 2^64-1 items": "9bffffffffffffffff"}.items():
        v.refuse(why, data=bytes.fromhex(item))
    for why, item in {
            "float": "f93c00", "undefined": "f7", "simple value 32": "f820", "bignum": "c249010000000000000000",
            "tag 0": "c06161", "tag 55799": "d9d9f700", "17 arrays within each other": "81" * 17 + "00"}.items():
        v.refuse(why, "D3", data=bytes.fromhex(item))
    return v


def hash_vectors():
    v = Vectors("hash", lambda given: {"hash": label_hash(given["label"], given["data"])})
    data = bytes.fromhex("b00e323a273d6be3a70420db98677d7592397ac1a0238643afaac1b83d447b67")
    for label in ("owner", "session", "vault", "request-digest"):
        for part in (b"", data):
            v.accept(f"capelet/1/{label}, {len(part)} bytes", label=f"capelet/1/{label}", data=part)
    return v


def text_vectors():
    v = Vectors("text", lambda given: {"data": vault.from_text(given["text"])})
    for count in range(5):
        v.accept(f"{count} bytes", text=vault.to_text(bytes.fromhex("edf4ad98")[:count]))
    for why, text in {"no prefix": "AAAA", "upper-case prefix": "CAPE:AAAA", "padding": "cape:AA==",
                      "other alphabet": "cape:+/AA", "white space": "cape:AAAA\n",
                      "length 1 modulo 4": "cape:AAAAA"}.items():
        v.refuse(why, text=text)
    v.refuse("unused bits set", "D2", text="cape:AB")
    return v


SECRET = bytes.fromhex("ac3099452f9dcf721626d8f260a59a9389982bd15cdcadf38cf1ecb3cf1f3ef0")
AAD = bytes.fromhex("7687f68e0d7bd13778b9bb1cb219b7886d3c0695cf0b5859c73c213e208caad6"
                    "5da8206233d66a9370aff4c7df8eba9a")


def _pattern(length):
    return (bytes(range(251)) * (length // 251 + 1))[:length]


def build_chunks(secret, aad, form, chunks):
    """Seal raw chunks [length, counter, final flag] of one pattern, whether or not they follow the rules."""
    plain, at, sealed = _pattern(sum(length for length, _, _ in chunks)), 0, []
    for length, counter, final in chunks:
        sealed.append((stream.seal_chunk(secret, aad, plain[at:at + length], counter, final), final))
        at += length
    commitment = stream.stream_keys(secret)[1]
    return (stream.as_bytes if form == "bytes" else stream.as_frames)(commitment, sealed)


def _read_stream(given):
    secret, aad, form = given["secret"], given["aad"], given["form"]
    data = build_chunks(secret, aad, form, given["chunks"]) if "chunks" in given else given["data"]
    plain = (stream.open_bytes if form == "bytes" else stream.open_frames)(secret, aad, data)
    key, commitment = stream.stream_keys(secret)
    out = {"key": key, "commitment": commitment, "data_sha256": sha256(data), "plain_length": len(plain),
           "plain_sha256": sha256(plain)}
    return out | ({"plain": plain} if len(plain) < 100 else {})


def stream_vectors():
    v = Vectors("stream", _read_stream)
    for length in (0, 1, 31):
        for form, seal in (("bytes", stream.seal), ("frames", stream.seal_frames)):
            v.accept(f"{length} bytes", secret=SECRET, aad=AAD, form=form, data=seal(SECRET, AAD, _pattern(length)))
    for form, chunks in (("bytes", [[65536, 0, 1]]), ("bytes", [[65536, 0, 0], [1, 1, 1]]),
                         ("bytes", [[65536, 0, 0], [65536, 1, 0], [7, 2, 1]]),
                         ("frames", [[65536, 0, 0], [65536, 1, 1]])):
        v.accept("chunks: [length, counter, final] of the pattern i mod 251", secret=SECRET, aad=AAD, form=form,
                 chunks=chunks)

    good = stream.seal(SECRET, AAD, _pattern(31))
    other = stream.stream_keys(changed(SECRET, 0))[1]

    def bad(why, form="bytes", secret=SECRET, aad=AAD, **given):
        v.refuse(why, secret=secret, aad=aad, form=form, **given)
    bad("commitment changed", data=changed(good, 0))
    bad("commitment of another secret", data=other + good[32:])
    bad("ciphertext changed", data=changed(good, 37))
    bad("tag changed", data=changed(good, -1))
    bad("truncated", data=good[:-1])
    bad("no chunk", data=good[:32])
    bad("15 bytes of a chunk", data=good[:47])
    bad("nothing", data=b"")
    bad("one byte more", data=good + b"\0")
    bad("other aad", aad=changed(AAD, 0), data=good)
    bad("other secret", secret=changed(SECRET, 0), data=good)
    for why, form, chunks in (
            ("an empty last chunk after a full one", "bytes", [[65536, 0, 0], [0, 1, 1]]),
            ("the last chunk was not sealed as final (truncation at a boundary)", "bytes", [[65536, 0, 0]]),
            ("chunks exchanged", "bytes", [[65536, 1, 0], [65536, 0, 0], [1, 2, 1]]),
            ("a chunk missing", "bytes", [[65536, 0, 0], [1, 2, 1]]),
            ("a final chunk, then another", "bytes", [[65536, 0, 1], [1, 1, 1]]),
            ("65,537 bytes in one chunk", "bytes", [[65537, 0, 1]]),
            ("counter begins at 1", "bytes", [[5, 1, 1]]),
            ("a short chunk before the last", "frames", [[5, 0, 0], [5, 1, 1]]),
            ("an empty chunk before the last", "frames", [[0, 0, 0], [5, 1, 1]]),
            ("an empty last chunk after a full one", "frames", [[65536, 0, 0], [0, 1, 1]]),
            ("no final chunk", "frames", [[5, 0, 0]]),
            ("two final chunks", "frames", [[5, 0, 1], [5, 1, 1]]),
            ("65,537 bytes in one frame", "frames", [[65537, 0, 1]]),
            ("commitment only", "frames", [])):
        bad(why, form, chunks=chunks)
    frames = stream.seal_frames(SECRET, AAD, _pattern(31))
    bad("final flag 0 in the frame, sealed as 1", "frames", data=frames[:40] + b"\0" + frames[41:])
    bad("flag 2", "frames", data=frames[:40] + b"\2" + frames[41:])
    bad("frame length beyond 66,000", "frames", data=u32(66001) + b"\0")
    bad("truncated frame", "frames", data=frames[:-1])
    bad("commitment of 31 bytes", "frames", data=u32(31) + frames[4:35] + frames[36:])
    bad("an empty frame", "frames", data=frames + u32(0))
    return v


def _read_hpke(given):
    seed, info = given["seed"], given["info"]
    public = given.get("public") or xwing.public_key(seed)
    if "eseed" in given:
        enc, sender = hpke.sender(public, info, given["eseed"])
    else:
        enc, sender = given["enc"], None
    receiver = hpke.receiver(seed, info, enc)
    assert sender is None or sender.exporter_secret == receiver.exporter_secret
    return {"public": public, "enc": enc, "shared_secret": receiver.shared_secret, "suite": hpke.SUITE,
            "key_schedule_context": receiver.key_schedule_context, "secret": receiver.secret,
            "exporter_secret": receiver.exporter_secret, "export": receiver.export(given["context"])}


def hpke_vectors():
    v = Vectors("hpke", _read_hpke)
    enc = v.accept("both sides", seed=VAULT_SEED, info=bytes.fromhex("696e666f2001c989fecfc94daea3"),
                   context=b"capelet/1/stream", eseed=VAULT_ESEED)["enc"]
    v.accept("ML-KEM part damaged: implicit rejection, no error", seed=VAULT_SEED, info=b"", context=b"",
             enc=changed(enc, 7))
    v.accept("D7: X25519 share of zeros: a secret, no error", seed=VAULT_SEED, info=b"", context=b"",
             enc=enc[:-32] + bytes(32))
    v.refuse("enc of 1119 bytes", seed=VAULT_SEED, info=b"", context=b"", enc=enc[:-1])
    for why, public in (("coefficient 3329 in the ML-KEM key", BAD_VAULT_KEY),
                        ("public key of 1215 bytes", VAULT_KEY[:-1])):
        v.refuse(why, seed=VAULT_SEED, info=b"", context=b"", eseed=VAULT_ESEED, public=public)
    return v


def _read_sign1(given):
    item = decode(given["message"])
    payload = sign1.verify(item, given["public"], given["typ"], given["external_aad"])
    if "seed" in given:
        assert encode(sign1.sign(given["seed"], given["typ"], payload, given["external_aad"])) == given["message"]
    protected = sign1.protected_header(given["typ"])
    return {"protected": protected, "to_be_signed": sign1.to_be_signed(protected, given["external_aad"], payload),
            "payload": payload}


def sign1_vectors():
    v = Vectors("sign1", _read_sign1)
    payload = bytes.fromhex("d72d4fb7b891e4d5fecfc6ce415ee60643908955")
    aad = bytes.fromhex("7ad5de7445e40db810a1520bd34975cd8f059a648785d015aea8e98bd15a749a"
                        "40f429234476c54c28ff2ab5e745fac8")
    typ = "capelet/1/receipt"
    for name, external in ((typ, b""), ("capelet/1/request", aad)):
        v.accept(name, public=OWNER, typ=name, external_aad=external,
                 message=encode(sign1.sign(SIGN_SEED, name, payload, external)), seed=SIGN_SEED)
    good = sign1.sign(SIGN_SEED, typ, payload)
    protected, _, _, signature = good.item
    message = encode(good)

    def bad(why, item, basis="page", public=OWNER):
        v.refuse(why, basis, public=public, typ=typ, external_aad=b"",
                 message=item if isinstance(item, bytes) else encode(item))

    def parts(*replaced, **at):
        items = [protected, {}, payload, signature]
        for name, value in at.items():
            items[("protected", "unprotected", "payload", "signature").index(name)] = value
        return Tag18(items + list(replaced))

    def signed(header):
        return sign1.sign(SIGN_SEED, typ, payload, b"", header)
    bad("another typ is expected", sign1.sign(SIGN_SEED, "capelet/1/request", payload))
    bad("external_aad differs", sign1.sign(SIGN_SEED, typ, payload, aad))
    bad("payload changed", parts(payload=changed(payload, 0)))
    bad("signature changed", parts(signature=changed(signature, 3)))
    s = int.from_bytes(signature[32:], "little") + L
    bad("S + L", parts(signature=signature[:32] + s.to_bytes(32, "little")))
    bad("signature of 63 bytes", parts(signature=signature[:63]))
    bad("no tag", encode(good.item))
    bad("tag 98", b"\xd8\x62" + encode(good.item))
    bad("unprotected not empty", parts(unprotected={4: b""}))
    bad("unprotected as bytes", parts(unprotected=b""))
    bad("detached payload", parts(payload=None))
    bad("five items", parts(b""))
    bad("trailing byte", message + b"\0")
    bad("algorithm ES384, signed", signed(encode({1: -35, 16: typ})))
    bad("no typ, signed", signed(encode({1: -8})))
    bad("a kid in protected, signed", signed(encode({1: -8, 4: b"", 16: typ})))
    bad("protected not deterministic, signed", signed(b"\xb8\x02" + protected[1:]))
    to_sign = sign1.to_be_signed(protected, b"", payload)
    identity = (1).to_bytes(32, "little")
    bad("R of small order, the equation holds", parts(signature=ed25519_sign_with_r(SIGN_SEED, identity, to_sign)),
        "D1")
    # With the identity as the key, R = r B and S = r fit any message.
    r = int.from_bytes(fixed("r", 32), "little") % L
    any_message = parts(signature=point_encode(point_multiply(r, BASE)) + r.to_bytes(32, "little"))
    for name, key in (("", identity), (", not canonical", (2**255 - 18).to_bytes(32, "little")),
                      (", sign bit", (1 | 1 << 255).to_bytes(32, "little"))):
        bad(f"key of small order, the identity{name}: the equation holds for any message", any_message, public=key)
    bad("another key", good, public=OTHER_OWNER)
    return v


def all_vectors():
    return [cbor_vectors(), hash_vectors(), text_vectors(), stream_vectors(), hpke_vectors(), sign1_vectors()]
