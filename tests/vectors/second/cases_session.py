"""Vectors of what travels: sessions, requests, responses, parameters, frames, receipts."""

import hpke
import receipt
import request
import session
import sign1
import stream
import xwing
from cases_stored import FUNCTION_RECORD, SECRET_TEXT, VAULT_RECORD, make_file, not_deterministic, signed, without
from cbor import Raw, encode
from primitives import ed25519_public, sha256, sha384, u32
from values import ARN, CHECKSUM, CONFIG, CONFIG_BYTES, DESCRIBE_DIGEST, DOCUMENT, EPOCH, FUNCTION_SHARE, ID, KID, \
    KMS_STATE, NOW, OTHER_ARN, OTHER_KID, OTHER_OWNER, OTHER_SIGN_SEED, OWNER, POLICY_DIGEST, SIGN_SEED, VAULT_SHARE, \
    VERSION, changed, fixed, share
from vectors import Vectors

HELLO = {1: 1, 2: bytes.fromhex("fc942859ff1ba7e2f6cf3d87321513aac1da339c4d4cd56ab12968f908d2d7de"), 3: [1]}
EXPORTER = bytes.fromhex("e62245b712472c69a7e83dddbb0ecd8f93cd485e1c61909b0eb402c3870bd9da")
SESSION_SEED = bytes.fromhex("27f4db082f82bc5276e71f814c108015e3b6569587c5f9a142d9eaeaa58a3e20")
SESSION_ESEED = bytes.fromhex("612347bb613224c870887bbe68ab2537856adbbf13ea627a9d454e1c69566a7e"
                              "8804994f2076ce16dd755e19b00ff24988ee3e71b1fd86d96e3f9fc38d72fe14")
RECEIPT_SEED = fixed("receipt key", 32)
MEMORY = 3 << 28
CLAIMS = {1: "capelet/1/session", 2: sha384(encode(HELLO)), 3: sha256(EXPORTER), 4: 1,
          5: xwing.public_key(SESSION_SEED), 6: ed25519_public(RECEIPT_SEED), 7: CONFIG_BYTES, 8: KMS_STATE, 9: MEMORY}
CLAIMS_BYTES = encode(CLAIMS)
ENC, CONTEXT = hpke.sender(CLAIMS[5], session.session_info(CLAIMS_BYTES), SESSION_ESEED)


def _read_session(given):
    claims = given["claims"]
    parsed = session.read_session(given["hello"], given["exporter"], claims, given["development"])
    out = {"hello_sha384": sha384(given["hello"]), "claims_sha384": sha384(claims),
           "user_data": session.user_data(claims), "pcr16": session.pcr16(parsed[7]), "memory": parsed[9]}
    if "seed" not in given:
        return out
    info = session.session_info(claims)
    enc, context = hpke.sender(parsed[5], info, given["eseed"])
    assert session.receive(given["seed"], claims, enc).exporter_secret == context.exporter_secret
    messages = [{"n": n, "request": session.request_secret(context, n), "response": session.response_secret(context, n),
                 "salts": [session.salt(context, n, i) for i in (0, 1, 2**32 - 1)],
                 "salts_ct": [session.salt_ct(context, n, i) for i in (1, 2**32 - 1)]} for n in (0, 1, 256, 2**64 - 1)]
    return out | {"info": info, "enc": enc, "exporter_secret": context.exporter_secret, "frame": stream.frame(enc),
                  "messages": messages}


def session_vectors():
    v = Vectors("session", _read_session)
    hello = encode(HELLO)
    v.accept("a session", hello=hello, exporter=EXPORTER, claims=CLAIMS_BYTES, development=False, seed=SESSION_SEED,
             eseed=SESSION_ESEED)

    def accept(name, change, development=False):
        v.accept(name, hello=hello, exporter=EXPORTER, claims=encode(CLAIMS | change), development=development)
    accept("a key that the enclave could not read", {8: KMS_STATE | {2: None, 3: None}})
    accept("under a development root", {7: b"", 8: None}, True)
    accept("no memory to reserve", {9: 0})
    accept("2^64-1 bytes of memory", {9: 2**64 - 1})

    def bad(why, change=None, basis="page", given_hello=hello):
        claims = change if isinstance(change, bytes) else encode(CLAIMS | (change or {}))
        v.refuse(why, basis, hello=given_hello, exporter=EXPORTER, claims=claims, development=False)

    def bad_hello(why, change, drop=None):
        other = encode(without(HELLO | change, drop))
        bad(why, {2: sha384(other)}, given_hello=other)
    bad("another hello", given_hello=encode(HELLO | {2: fixed("another nonce", 32)}))
    bad("another TLS exporter", {3: sha256(changed(EXPORTER, 0))})
    bad_hello("suite not offered", {3: [2, 3]})
    bad_hello("a hello with five suites", {3: [1, 2, 3, 4, 5]})
    bad_hello("a hello without a suite", {3: []})
    bad_hello("a hello of version 2", {1: 2})
    bad_hello("a hello with a nonce of 31 bytes", {2: HELLO[2][:31]})
    bad_hello("a hello with an unknown key", {4: 0})
    bad_hello("a hello without a nonce", {}, 2)
    bad("kms-state null, not a development root", {8: None})
    bad("another type string", {1: "capelet/1/vault"})
    bad("unknown key", {10: 0})
    bad("true for suite 1", {4: True})
    bad("KEM key of 1215 bytes", {5: CLAIMS[5][:-1]})
    bad("receipt key as text", {6: "0" * 32})
    bad("KEM key with coefficient 3329", {5: bytes.fromhex("010d") + CLAIMS[5][2:]})
    bad("configuration with an unknown key", {7: encode(CONFIG | {5: 0})})
    bad("configuration empty, not a development root", {7: b""}, "D8")
    bad("configuration of more than 16,384 bytes", {7: bytes(16385)}, "D6")
    bad("memory missing: the old form", encode(without(CLAIMS, 9)))
    for why, value in (("as text", "1"), ("negative", -1), ("null", None), ("as bytes", b"\1"), ("true", True)):
        bad(f"memory {why}", {9: value})
    bad("not deterministic", not_deterministic(CLAIMS))
    return v


ENVELOPE_CLAIMS = b"claims, here only bytes " + bytes.fromhex("0e66937d5aa7490f")
REQUEST_SECRET = bytes.fromhex("1739e327051f35a4b618bcb04aa1198d31eff858b0a9ca8650752ececfbb82fa")
RESPONSE_SECRET = bytes.fromhex("ab0ba1a70610e548fc2f320b736d51aeff2916d7135db8315a1a4a60d9c5acd4")
FUNCTION_KEY_SHARE = [1, OWNER, ID, VERSION, FUNCTION_SHARE]
VAULT_KEY_SHARE = [2, OWNER, KID[:16], EPOCH, VAULT_SHARE]
RUN = {1: OWNER, 2: ID, 3: VERSION, 4: CHECKSUM}
INPUT, OUTPUT, FILE = b"input", b"output", make_file()


def described(body):
    return [len(body), sha256(body)]


REQUEST = {1: 1, 2: 2, 3: bytes.fromhex("40cdb958cfa4dcbb585d302d22794365"), 4: NOW + 600000, 5: OWNER,
           6: RUN | {5: [[0, len(INPUT)]]}, 7: [FUNCTION_KEY_SHARE, VAULT_KEY_SHARE], 8: described(INPUT)}
MIXED = REQUEST | {6: RUN | {5: [[0, len(INPUT)], [1, len(FILE), EPOCH]]}, 8: described(INPUT + FILE)}


def request_plain(message, body, seed=SIGN_SEED, typ="capelet/1/request", claims=ENVELOPE_CLAIMS):
    item = sign1.sign(seed, typ, message if isinstance(message, bytes) else encode(message), sha384(claims))
    return stream.with_head(encode(item), body)


def _read_request(given):
    payload, parsed, body = request.read_request(given["plain"], given["claims"], given["n"])
    aad = sha384(given["claims"])
    out = {"aad": aad, "request": payload, "digest": request.digest(payload), "body": body, "shares": parsed[7]}
    if "secret" in given:
        out["frames"] = stream.seal_frames(given["secret"], aad, given["plain"])
        assert stream.open_frames(given["secret"], aad, out["frames"]) == given["plain"]
    return out


def request_vectors():
    v = Vectors("request", _read_request)

    def accept(name, message, body=INPUT, secret=REQUEST_SECRET):
        given = {"secret": secret} if secret else {}
        v.accept(name, claims=ENVELOPE_CLAIMS, n=message[1], plain=request_plain(message, body), **given)
    accept("run", REQUEST)
    accept("without a body", REQUEST | {1: 0, 2: 3, 6: {1: 1}, 7: [], 8: None}, b"")
    accept("D10: with an empty body", REQUEST | {6: RUN | {5: [[0, 0]]}, 8: described(b"")}, b"")
    accept("run with a plain input and a ciphertext", MIXED, INPUT + FILE)
    first = [1, OWNER, ID, VERSION, FUNCTION_SHARE]
    owners = sorted([OWNER, OTHER_OWNER])
    for name, shares in (
            ("two shares, same id, another kind", [first, [2, OWNER, ID, VERSION, VAULT_SHARE]]),
            ("two shares, same id, another owner", [[1, owner, ID, VERSION, FUNCTION_SHARE] for owner in owners]),
            ("two shares, same id, another version", [first, [1, OWNER, ID, VERSION + 1, VAULT_SHARE]]),
            ("versions ascend as numbers", [[1, OWNER, ID, n, fixed("share", 32)] for n in (9, 10, 23, 24, 255, 256)]),
            ("the kind comes before the owner",
             [[1, owners[1], ID, 9, VAULT_SHARE], [2, owners[0], ID, 1, VAULT_SHARE]]),
            ("one share for two objects", [first, [1, OWNER, ID, VERSION + 1, FUNCTION_SHARE]])):
        accept(name, REQUEST | {7: shares}, secret=None)
    many = [[2, OWNER, i.to_bytes(16, "big"), 1, share(2, i.to_bytes(16, "big"), 1)] for i in range(65)]
    accept("64 shares", REQUEST | {7: many[:64]}, secret=None)

    def bad(why, message=None, body=INPUT, basis="page", **signing):
        plain = request_plain(message if isinstance(message, bytes) else REQUEST | (message or {}), body, **signing)
        v.refuse(why, basis, claims=ENVELOPE_CLAIMS, n=1, plain=plain)

    def bad_shares(why, *shares):
        bad(why, {7: list(shares)})
    good = request_plain(REQUEST, INPUT)
    bad("signed for another session", claims=b"claims of another session")
    bad("signed by another than the caller", seed=OTHER_SIGN_SEED)
    bad("typ of a receipt", typ="capelet/1/receipt")
    bad("another number", {1: 2})
    bad("verb 10", {2: 10})
    bad("verb 0", {2: 0})
    bad("id of 15 bytes", {3: REQUEST[3][:15]})
    bad("not-after missing", encode(without(REQUEST, 4)))
    bad("another body", body=b"inpuT")
    bad("body too long", body=INPUT + b"1")
    bad("a body that nothing describes", {8: None})
    bad("a body announced, none there", body=b"")
    bad("a body of another length, same digest", {8: [4, sha256(INPUT)]})
    bad("a text key in the parameters", {6: Raw(b"\xa1\x61a\0")})
    bad("a byte-string key in the parameters", {6: Raw(b"\xa1\x41a\0")})
    bad("a negative key in the parameters", {6: {-1: 0}})
    bad("parameters in an array", {6: []})
    bad("unknown key", {9: 0})
    bad("float", {6: Raw(bytes.fromhex("a101f93c00"))}, basis="D3")
    for why, plain, basis in (("head longer than the plaintext", good[:100], "page"),
                              ("head of 65,533 bytes", bytes.fromhex("0000fffd") + bytes(65533), "D9")):
        v.refuse(why, basis, claims=ENVELOPE_CLAIMS, n=1, plain=plain[:100])
    bad_shares("shares descending by kind", [2, OWNER, ID, 1, VAULT_SHARE], [1, OWNER, ID, 1, FUNCTION_SHARE])
    bad_shares("shares descending by owner", *([1, owner, ID, 1, FUNCTION_SHARE] for owner in owners[::-1]))
    bad_shares("shares descending by id", *([1, OWNER, i, 1, FUNCTION_SHARE] for i in sorted([ID, KID[:16]])[::-1]))
    bad_shares("shares descending by version", *([1, OWNER, ID, n, FUNCTION_SHARE] for n in (256, 255)))
    bad_shares("the same object twice", first, first)
    bad_shares("the same object twice, with different shares", first, first[:4] + [VAULT_SHARE])
    bad_shares("share of kind 0", [0, *first[1:]])
    bad_shares("share of kind 3", [3, *first[1:]])
    bad_shares("65 shares", *many)
    for why, index, value in (("owner of 31 bytes", 1, OWNER[:31]), ("id of 15 bytes", 2, ID[:15]),
                              ("id of 17 bytes", 2, ID + b"\0"), ("version negative", 3, -1),
                              ("version as bytes", 3, b"\3"), ("31 bytes", 4, FUNCTION_SHARE[:31]),
                              ("33 bytes", 4, FUNCTION_SHARE + b"\0"), ("null", 4, None), ("kind true", 0, True)):
        bad_shares(f"share with {why}", first[:index] + [value] + first[index + 1:])
    bad_shares("share of four items", first[:4])
    bad_shares("share of six items", first + [0])
    bad_shares("share as a map", dict(enumerate(first, 1)))
    pairs = sorted({ID: FUNCTION_SHARE, KID[:16]: VAULT_SHARE}.items())
    old_map = b"\xa2" + b"".join(encode(k) + encode(s) for k, s in pairs)
    bad("the old form: a map from id to share", {7: Raw(old_map)})
    bad("the old form, empty", {7: {}})
    bad("shares null", {7: None})
    return v


def _read_response(given):
    parsed, body = request.read_response(given["plain"], given["request"], given["n"])
    aad = request.digest(given["request"])
    out = {"aad": aad, "status": parsed[3], "body": body}
    if "secret" in given:
        out["frames"] = stream.seal_frames(given["secret"], aad, given["plain"])
    return out


REQUEST_BYTES = encode(REQUEST)
RESPONSE = {1: 1, 2: request.digest(REQUEST_BYTES), 3: 0, 4: {}, 6: described(OUTPUT)}


def response_plain(message, body=OUTPUT):
    return stream.with_head(encode(message), body)


def response_vectors():
    v = Vectors("response", _read_response)
    with_receipt = RESPONSE | {5: signed(RECEIPT | {3: RESPONSE[2]}, RECEIPT_SEED)}
    for name, message, body in (
            ("with a receipt", with_receipt, OUTPUT), ("without", without(RESPONSE, 6), b""),
            ("an exit status", {1: 1, 2: RESPONSE[2], 3: 23, 4: {1: 2}}, b""),
            ("an empty body", RESPONSE | {6: described(b"")}, b""),
            ("a status that this release does not know", {1: 1, 2: RESPONSE[2], 3: 4096, 4: {}}, b"")):
        v.accept(name, n=1, request=REQUEST_BYTES, plain=response_plain(message, body), secret=RESPONSE_SECRET)

    def bad(why, change=None, body=OUTPUT, drop=None):
        plain = response_plain(without(RESPONSE | (change or {}), drop), body)
        v.refuse(why, n=1, request=REQUEST_BYTES, plain=plain)
    bad("to another request", {2: DESCRIBE_DIGEST})
    bad("another number", {1: 0})
    bad("another body", body=b"outpuT")
    bad("a body that nothing describes", drop=6)
    bad("null for an absent body", {6: None}, b"")
    bad("null for an absent receipt", {5: None})
    bad("receipt as bytes", {5: encode(with_receipt[5])})
    bad("result missing", drop=4)
    bad("a negative key in the result", {4: {-1: 0}})
    bad("status negative", {3: -1})
    bad("unknown key", {7: 0})
    return v


POLICY_TEXT = '{"Version":"2012-10-17","Statement":[]}'
DESCRIBE = {1: "CUSTOMER", 2: "SYMMETRIC_DEFAULT", 3: "ENCRYPT_DECRYPT", 4: "Enabled", 5: "AWS_KMS", 6: False, 7: None,
            8: ['{"GrantId":"1"}']}


def _read_policy(given):
    if "params" in given:
        return request.read_policy_params(given["params"])
    policy, describe = request.read_policy_body(given["body"])
    return {"policy": policy, "policy_sha384": None if policy is None else sha384(policy.encode()),
            "describe": describe, "describe_sha384": None if describe is None else sha384(describe)}


def policy_vectors():
    v = Vectors("policy", _read_policy)
    describe = encode(DESCRIBE)
    for name, params in (("the configuration's key", {}), ("a key by its ARN", {1: ARN}),
                         ("the key of a stored statement", {2: [OWNER, EPOCH]})):
        v.accept(name, params=encode(params))
    for name, body in (("both texts", {1: POLICY_TEXT, 2: describe}), ("policy unreadable", {1: None, 2: describe}),
                       ("describe unreadable", {1: POLICY_TEXT, 2: None}), ("nothing readable", {1: None, 2: None})):
        v.accept(name, body=encode(body))
    for why, params in (
            ("both an ARN and a statement", {1: ARN, 2: [OWNER, EPOCH]}), ("unknown key", {3: 0}),
            ("key 0", {0: ARN}), ("ARN null", {1: None}), ("ARN as bytes", {1: ARN.encode()}),
            ("alias ARN", {1: "arn:aws:kms:eu-central-1:138395648162:alias/a"}), ("ARN empty", {1: ""}),
            ("multi-region ARN", {1: ARN.replace("key/", "key/mrk-")}), ("ARN in upper case", {1: ARN.upper()}),
            ("statement without an epoch", {2: [OWNER]}), ("statement with a kid", {2: [OWNER, EPOCH, KID]}),
            ("statement null", {2: None}), ("statement as a map", {2: {1: OWNER, 2: EPOCH}}),
            ("owner of 31 bytes", {2: [OWNER[:31], EPOCH]}), ("epoch negative", {2: [OWNER, -1]}),
            ("epoch null", {2: [OWNER, None]}), ("epoch as bytes", {2: [OWNER, b"\7"]}), ("an array", [])):
        v.refuse(why, params=encode(params))
    v.refuse("trailing byte", params=encode({}) + b"\0")
    v.refuse("empty", params=b"")
    for why, body in (
            ("body without policy", {2: describe}), ("body without describe", {1: POLICY_TEXT}), ("body empty map", {}),
            ("body with an unknown key", {1: POLICY_TEXT, 2: describe, 3: 0}),
            ("policy as bytes", {1: POLICY_TEXT.encode(), 2: describe}),
            ("describe as a map", {1: POLICY_TEXT, 2: DESCRIBE}),
            ("describe as text", {1: POLICY_TEXT, 2: "x"}), ("policy false", {1: False, 2: describe}),
            ("body as an array", [POLICY_TEXT, describe])):
        v.refuse(why, body=encode(body))
    v.refuse("body with a trailing byte", body=encode({1: None, 2: None}) + b"\0")
    v.refuse("body empty", body=b"")
    return v


def frame_vectors():
    v = Vectors("frame", lambda given: {"length": stream.frame_length(given["length"], given["side"])})
    for side, limit in (("client", 66000), ("parent", 300000), ("body", 65536)):
        v.accept(f"{side}: {limit}", side=side, length=u32(limit))
        v.accept(f"{side}: 1", side=side, length=u32(1))
        v.refuse(f"{side}: {limit + 1}", side=side, length=u32(limit + 1))
        v.refuse(f"{side}: 2^32-1", side=side, length=u32(2**32 - 1))
    v.accept("body: 0, the last frame of a body", side="body", length=u32(0))
    v.refuse("client: 300,000, the parent's limit", side="client", length=u32(300000))
    v.refuse("body: 66,000, the client's limit", side="body", length=u32(66000))
    return v


DEPLOY = {1: ID, 2: VERSION, 3: CHECKSUM, 4: ARN, 5: POLICY_DIGEST, 6: DESCRIBE_DIGEST, 7: signed(FUNCTION_RECORD)}
VAULT_NONCE = fixed("nonce of a vault's document", 32)
VAULT_CREATE = {1: EPOCH, 2: VAULT_NONCE, 3: None, 4: ARN, 5: POLICY_DIGEST, 6: DESCRIBE_DIGEST}
PARAMS = {1: DEPLOY, 2: RUN | {5: [[0, 5]]}, 3: {1: 1}, 4: {1: 1, 2: ID, 3: VERSION}, 5: {1: OWNER, 2: KID},
          6: VAULT_CREATE, 7: {1: signed(VAULT_RECORD)}, 8: {1: KID, 2: EPOCH, 3: VAULT_NONCE, 4: OTHER_KID}, 9: {}}
VERBS = dict(enumerate("deploy run list delete statement vault-create vault-confirm vault-attest policy".split(), 1))


def _wrong(value):
    """Values of another type or length, each with its name."""
    if isinstance(value, bytes):
        return [("one byte short", value[:-1]), ("one byte more", value + b"\0"), ("as text", "0" * len(value))]
    if isinstance(value, int):
        return [("negative", -1), ("as bytes", b"\1"), ("null", None)]
    if isinstance(value, str):
        return [("as bytes", value.encode()), ("another form", "alias/a"), ("null", None)]
    if isinstance(value, list):
        return [("empty", []), ("null", None), ("a map", {})]
    if value is None:
        return [("false", False), ("empty bytes", b"")]
    return [("as bytes", encode(value)), ("without its tag", value.item), ("null", None)]


def params_vectors():
    v = Vectors("params", lambda given: request.read_params(given["verb"], given["params"]))

    def accept(name, verb, **change):
        v.accept(f"{VERBS[verb]}{name}", verb=verb,
                 params=encode(PARAMS[verb] | {int(k[1:]): value for k, value in change.items()}))

    def bad(why, verb, params, basis="page"):
        v.refuse(f"{VERBS.get(verb, 'verb %d' % verb)}: {why}", basis, verb=verb,
                 params=params if isinstance(params, bytes) else encode(params))
    for verb in VERBS:
        accept("", verb)
    accept(", a key that could not be read", 1, k5=None, k6=None)
    accept(", policy unreadable", 1, k5=None)
    accept(", a plain input and a ciphertext", 2, k5=[[0, 5], [1, len(FILE), EPOCH]])
    accept(", an empty input", 2, k5=[[0, 0]])
    accept(", 64 inputs", 2, k5=[[0, i] for i in range(32)] + [[1, 1349, i] for i in range(32)])
    accept(", vault keys", 3, k1=2)
    accept(", a vault key", 4, k1=2, k2=KID[:16], k3=EPOCH)
    accept(", a statement", 4, k1=3, k2=bytes(16), k3=EPOCH)
    accept(", any kid", 5, k2=None)
    accept(" after another key", 6, k3=OTHER_KID)
    accept(", a key that could not be read", 6, k5=None, k6=None)
    accept(", no previous kid", 8, k4=None)
    accept(", a key by its ARN", 9, k1=ARN)
    accept(", the key of a stored statement", 9, k2=[OWNER, EPOCH])

    nullable = {1: (5, 6), 5: (2,), 6: (3, 5, 6), 8: (4,)}
    choices = {(6, 2): "D25", (8, 3): "D25", (1, 5): "D26", (1, 6): "D26", (6, 5): "D26", (6, 6): "D26",
               (1, 7): "D27", (7, 1): "D27"}
    for verb, base in PARAMS.items():
        bad("unknown key", verb, base | {len(base) + 3: 0})
        bad("key 0", verb, base | {0: 0})
        bad("an array", verb, [])
        bad("trailing byte", verb, encode(base) + b"\0")
        for key, value in base.items():
            bad(f"key {key} missing", verb, without(base, key))
            for name, other in _wrong(value):
                if other is not None or key not in nullable.get(verb, ()):
                    bad(f"key {key} {name}", verb, base | {key: other}, choices.get((verb, key), "page"))
    for verb, key in ((1, 5), (6, 3), (8, 4), (5, 2)):
        bad(f"key {key} false for null", verb, PARAMS[verb] | {key: False})
    for verb in (1, 6):
        bad("multi-region ARN", verb, PARAMS[verb] | {4: ARN.replace("key/", "key/mrk-")})
        bad("digest of 32 bytes", verb, PARAMS[verb] | {5: POLICY_DIGEST[:32]}, "D26")
    bad("not deterministic", 1, not_deterministic(DEPLOY))
    for why, entry in (("a plain input with an epoch", [0, 5, EPOCH]), ("a ciphertext without an epoch", [1, 5]),
                       ("an input of form 2", [2, 5]), ("an input of form 2 with an epoch", [2, 5, EPOCH]),
                       ("a ciphertext with four items", [1, 5, EPOCH, 0]), ("an input without a length", [0]),
                       ("an empty input entry", []), ("a negative length", [0, -1]), ("a length as bytes", [0, b"\5"]),
                       ("a ciphertext whose epoch is null", [1, 5, None]), ("an input that is a number", 5),
                       ("false for 0", [False, 5]), ("true for 1", [True, 5, EPOCH]), ("an input as a map", {0: 5})):
        bad(why, 2, RUN | {5: [[0, 5], entry]})
    bad("65 inputs", 2, RUN | {5: [[0, 1]] * 65}, "D24")
    bad("kind 0", 3, {1: 0})
    bad("kind 3", 3, {1: 3})
    bad("kind 0", 4, PARAMS[4] | {1: 0})
    bad("kind 4", 4, PARAMS[4] | {1: 4})
    bad("a statement whose id is not zero", 4, PARAMS[4] | {1: 3}, "D23")
    bad("the old form, without the previous kid", 8, without(PARAMS[8], 4))
    bad("both an ARN and a statement", 9, {1: ARN, 2: [OWNER, EPOCH]})
    bad("statement without an epoch", 9, {2: [OWNER]})
    bad("ARN null", 9, {1: None})
    bad("ARN of an alias", 9, {1: OTHER_ARN.replace("key/", "alias/")})
    for verb in (0, 10):
        bad("unknown verb", verb, {})
    return v


SALTS = [session.salt(CONTEXT, 1, i) for i in range(3)]
SALT_CT = session.salt_ct(CONTEXT, 1, 2)
COMMITMENTS = [receipt.commitment(s, d) for s, d in zip(SALTS, (OUTPUT, INPUT, SECRET_TEXT))]
COMMITMENT_CT = receipt.file_commitment(SALT_CT, FILE)
# One plain input, then one ciphertext.
RECEIPT = {1: "capelet/1/receipt", 2: sha384(CLAIMS_BYTES), 3: request.digest(encode(MIXED)),
           4: [OWNER, ID, VERSION, CHECKSUM], 5: OWNER, 6: [[COMMITMENTS[1], None], [COMMITMENTS[2], COMMITMENT_CT]],
           7: COMMITMENTS[0], 8: 0, 9: [NOW, NOW + 900], 10: 2}
FAILED = RECEIPT | {7: None, 8: 18}


def receipt_bundle(message, salts, salts_ct, **signing):
    signing = {"seed": RECEIPT_SEED} | signing
    return encode([DOCUMENT, CLAIMS_BYTES, signed(message, **signing), salts, salts_ct])


def _read_receipt(given):
    claims_sha384, payload, first, second = receipt.read_receipt_bundle(given["bundle"], given["data"], given["files"])
    return {"claims_sha384": claims_sha384, "receipt": payload, "commitments": first, "commitments_ct": second}


def receipt_vectors():
    v = Vectors("receipt", _read_receipt)
    none, no_ct, all_data, all_files = [None] * 3, [None] * 2, [OUTPUT, INPUT, SECRET_TEXT], [None, FILE]

    def accept(name, message, salts, salts_ct, data, files):
        v.accept(name, bundle=receipt_bundle(message, salts, salts_ct), data=data, files=files)
    accept("all disclosed", RECEIPT, SALTS, [None, SALT_CT], all_data, all_files)
    accept("the output kept back", RECEIPT, [None, *SALTS[1:]], [None, SALT_CT], [None, INPUT, SECRET_TEXT], all_files)
    accept("the ciphertext's second salt only", RECEIPT, none, [None, SALT_CT], none, all_files)
    accept("the ciphertext's first salt only", RECEIPT, [None, None, SALTS[2]], no_ct, [None, None, SECRET_TEXT], no_ct)
    accept("nothing disclosed", RECEIPT, none, no_ct, none, no_ct)
    plain = RECEIPT | {3: request.digest(REQUEST_BYTES), 6: [[COMMITMENTS[1], None]]}
    accept("a plain input", plain, SALTS[:2], [None], all_data[:2], [None])
    salts = [session.salt(CONTEXT, 1, i) for i in range(3)]
    two = [[receipt.commitment(s, d), None] for s, d in zip(salts[1:], (INPUT, b""))]
    accept("two plain inputs, one empty", RECEIPT | {6: two}, salts, no_ct, [OUTPUT, INPUT, b""], no_ct)
    again = session.salt_ct(CONTEXT, 1, 1)
    twice = [[receipt.commitment(SALTS[1], SECRET_TEXT), receipt.file_commitment(again, FILE)], RECEIPT[6][1]]
    accept("one file as two inputs: two commitments", RECEIPT | {6: twice}, [None, *SALTS[1:]], [again, SALT_CT],
           [None, SECRET_TEXT, SECRET_TEXT], [FILE, FILE])
    accept("a failed run without output", FAILED, [None, *SALTS[1:]], [None, SALT_CT], [None, INPUT, SECRET_TEXT],
           all_files)
    for status in (17, 24, 37, 39):
        accept(f"status {status}", FAILED | {8: status}, none, no_ct, none, no_ct)
    accept("64 inputs", RECEIPT | {6: [[COMMITMENTS[1], None]] * 64}, [None] * 65, [None] * 64, [None] * 65,
           [None] * 64)

    def bad(why, message=None, salts=none, salts_ct=no_ct, data=none, files=no_ct, basis="page", bundle=None,
            **signing):
        message = message if isinstance(message, dict) and 1 in message else RECEIPT | (message or {})
        v.refuse(why, basis, data=data, files=files,
                 bundle=receipt_bundle(message, salts, salts_ct, **signing) if bundle is None else bundle)
    open_all = {"salts": SALTS, "salts_ct": [None, SALT_CT], "data": all_data, "files": all_files}
    bad("other output", **open_all | {"data": [b"Output", INPUT, SECRET_TEXT]})
    bad("other input", **open_all | {"data": [OUTPUT, b"Input", SECRET_TEXT]})
    bad("another file: its commitment differs", **open_all | {"files": [None, changed(FILE, -(16 + 8 + 32))]})
    bad("another file: its enc differs", **open_all | {"files": [None, changed(FILE, -(16 + 8 + 32 + 1))]})
    bad("another file: its header differs", **open_all | {"files": [None, changed(FILE, 60)]})
    bad("another file: its kid differs", **open_all | {"files": [None, changed(FILE, 71)]})
    bad("a file that is truncated before the end of its commitment",
        **open_all | {"files": [None, FILE[:-(16 + 8 + 1)]]})
    bad("salts exchanged", **open_all | {"salts": [SALTS[1], SALTS[0], SALTS[2]]})
    bad("first and second salt exchanged", **open_all | {"salts": SALTS[:2] + [SALT_CT], "salts_ct": [None, SALTS[2]]})
    bad("salt of another message", salts=[session.salt(CONTEXT, 0, 0), None, None], data=[OUTPUT, None, None])
    bad("second salt of another message", salts_ct=[None, session.salt_ct(CONTEXT, 0, 2)], files=all_files)
    bad("second salt of another input", salts_ct=[None, again], files=all_files)
    bad("signed by another key", seed=OTHER_SIGN_SEED)
    bad("typ of a request", typ="capelet/1/request")
    bad("of another session", {2: DESCRIBE_DIGEST})
    for verb in (0, 10):
        bad(f"verb {verb}", {10: verb})
    bad("one salt too few", salts=SALTS[:2], basis="D18")
    bad("one salt too many", salts=none + [None], basis="D18")
    bad("a salt for an output that is not there", FAILED, salts=[SALTS[0], None, None], basis="D18")
    bad("a second salt for a plain input", salts_ct=[SALT_CT, SALT_CT])
    bad("a second salt for a plain input, nothing else", salts_ct=[SALT_CT, None])
    for why, count in (("none", 0), ("one too few", 1), ("one too many", 3)):
        bad(f"second salts: {why}", salts_ct=[None] * count)
    bad("second salts null", salts_ct=None)
    bad("second salt of 31 bytes", salts_ct=[None, SALT_CT[:31]])
    bad("salt of 31 bytes", salts=[SALTS[0][:31], None, None])
    bad("the old bundle of four entries", bundle=encode([DOCUMENT, CLAIMS_BYTES, signed(RECEIPT, RECEIPT_SEED), none]))
    bad("a bundle of six entries",
        bundle=encode([DOCUMENT, CLAIMS_BYTES, signed(RECEIPT, RECEIPT_SEED), none, no_ct, None]))
    bad("an output of a run with a failed status", {8: 18})
    bad("a completed run without output", {7: None}, basis="D22")
    for status in (1, 2, 3, 4, 5, 11, 16, 25, 31, 32, 36, 40, 2**64 - 1):
        bad(f"status {status}, which no started run has", FAILED | {8: status})
    bad("status negative", FAILED | {8: -1})
    bad("inputs of the old form", {6: [COMMITMENTS[1], COMMITMENTS[2]]})
    for why, entry in (("of one item", [COMMITMENTS[2]]), ("of three items", [COMMITMENTS[2], COMMITMENT_CT, None]),
                       ("without a first commitment", [None, COMMITMENT_CT]),
                       ("with a second commitment of 31 bytes", [COMMITMENTS[2], COMMITMENT_CT[:31]]),
                       ("with a second commitment of 48 bytes", [COMMITMENTS[2], POLICY_DIGEST]),
                       ("with false for null", [COMMITMENTS[2], False]), ("as a map", {1: COMMITMENTS[2], 2: None})):
        bad(f"an input {why}", {6: [[COMMITMENTS[1], None], entry]})
    bad("65 inputs", {6: [[COMMITMENTS[1], None]] * 65}, salts=[None] * 66, salts_ct=[None] * 65, data=[None] * 66,
        files=[None] * 65)
    bad("unknown key", {11: 0})
    bad("times of one item", {9: [NOW]})
    return v


def all_vectors():
    return [session_vectors(), request_vectors(), response_vectors(), params_vectors(), policy_vectors(),
            frame_vectors(), receipt_vectors()]
