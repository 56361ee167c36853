"""Vectors of what is stored, published or measured: configuration, bundles, objects, vaults, files."""

import objects
import session
import sign1
import stream
import vault
from cbor import Raw, encode
from primitives import hkdf_expand, sha384, u64
from values import ARN, BAD_VAULT_KEY, BUNDLE, BUNDLE_NONCE, CHECKSUM, CHECKSUMS, CONFIG, CONFIG_BYTES, DATA_KEY, \
    DEPLOYERS, DESCRIBE_DIGEST, DOCUMENT, EPOCH, FUNCTION_SHARE, ID, IDENTITY, KID, KMS_STATE, LATER, NOW, \
    OBJECT_SALT, OTHER_ARN, OTHER_KID, OTHER_OWNER, OTHER_PCR0, OTHER_ROOT, OTHER_SIGN_SEED, OTHER_VAULT_SEED, OWNER, \
    PCR0, POLICY_DIGEST, ROOT, SIGN_SEED, UUID, VAULT_ESEED, VAULT_KEY, VAULT_SEED, VAULT_SHARE, VERSION, WRAPPED, \
    changed, fixed, share
from vectors import Vectors


def without(item, key):
    return {k: v for k, v in item.items() if k != key}


def not_deterministic(item):
    """The map with its number of entries in two bytes."""
    encoded = encode(item)
    return b"\xb8" + bytes([encoded[0] & 31]) + encoded[1:]


def configuration_vectors():
    v = Vectors("configuration", lambda given: {"pcr16": session.read_config(given["data"])[1]})
    v.accept("with deployers", data=CONFIG_BYTES)
    v.accept("anybody may deploy", data=encode(CONFIG | {4: None}))
    for prefix in ("arn:aws-cn:kms:cn-north-1", "arn:aws-us-gov:kms:us-gov-east-1", "arn:aws:kms:eu-isoe-west-12",
                   "arn:aws-eusc:kms:eusc-de-east-1"):
        v.accept("another region", data=encode(CONFIG | {2: f"{prefix}:138395648162:key/{UUID}"}))

    def bad(why, item, basis="page"):
        v.refuse(why, basis, data=item if isinstance(item, bytes) else encode(item))
    bad("other type string", CONFIG | {1: "capelet/1/config"})
    bad("unknown key", CONFIG | {5: 0})
    for key in CONFIG:
        bad(f"key {key} missing", without(CONFIG, key))
    bad("missing limit", CONFIG | {3: without(CONFIG[3], 4)})
    bad("a fifth limit", CONFIG | {3: CONFIG[3] | {5: 1}})
    bad("negative limit", CONFIG | {3: CONFIG[3] | {1: -1}})
    bad("31 bytes", CONFIG | {4: DEPLOYERS[:31]})
    bad("false for null", CONFIG | {4: False})
    bad("trailing byte", CONFIG_BYTES + b"\0")
    bad("not deterministic", not_deterministic(CONFIG))
    bad("ARN as bytes", CONFIG | {2: ARN.encode()})
    for why, arn, basis in (
            ("ARN of more than 200 characters", ARN.replace("central", "central" + "-central" * 20), "page"),
            ("alias ARN", "arn:aws:kms:eu-central-1:138395648162:alias/a", "page"),
            ("partition aws-iso", ARN.replace("arn:aws", "arn:aws-iso"), "page"),
            ("a region of partition aws-cn", ARN.replace("eu-central-1", "cn-north-1"), "page"),
            ("a region of partition aws-us-gov", ARN.replace("eu-central-1", "us-gov-east-1"), "page"),
            ("a region of partition aws-eusc", ARN.replace("eu-central-1", "eusc-de-east-1"), "page"),
            ("a region of partition aws", ARN.replace("arn:aws", "arn:aws-eusc"), "page"),
            ("newline at the end", ARN + "\n", "page"),
            ("11 digits", ARN.replace("138395648162", "13839564816"), "page"),
            ("a digit of another script", ARN.replace(":1383", ":\u0661383"), "page"),
            ("no region number", ARN.replace("-central-1", "-central"), "page"),
            ("service ssm", ARN.replace(":kms:", ":ssm:"), "page"),
            ("upper-case UUID", ARN.replace(UUID, UUID.upper()), "D4"),
            ("multi-region key", ARN.replace(UUID, "mrk-" + UUID.replace("-", "")), "D4")):
        bad(why, CONFIG | {2: arn}, basis)
    return v


def _counted_list(salt, count):
    return encode([salt, *(i.to_bytes(32, "big") for i in range(1, count + 1))])


def _read_deployers(given):
    if "count" in given:
        digest, salt, keys = session.read_deployers(_counted_list(given["salt"], given["count"]))
        assert len(keys) == given["count"]
        return {"digest": digest, "salt": salt}
    digest, salt, keys = session.read_deployers(given["data"])
    return {"digest": digest, "salt": salt, "keys": keys}


def deployers_vectors():
    v = Vectors("deployers", _read_deployers)
    salt = fixed("salt of the deployers", 32)
    keys = sorted([OWNER, OTHER_OWNER, fixed("a third deployer", 32)])
    v.accept("three keys", data=encode([salt, *keys]))
    v.accept("one key", data=encode([salt, OWNER]))
    v.accept("another salt, another digest", data=encode([changed(salt, 0), *keys]))
    v.accept("a salt that is greater than every key", data=encode([b"\xff" * 32, *keys]))
    v.accept("1,926 keys, 65,521 bytes: key i is i in 32 bytes, big-endian, from 1", salt=salt, count=1926)

    def bad(why, item):
        v.refuse(why, data=item if isinstance(item, bytes) else encode(item))
    good = encode([salt, *keys])
    bad("keys unsorted", [salt, keys[1], keys[0], keys[2]])
    bad("keys descending", [salt, *reversed(keys)])
    bad("a key twice", [salt, keys[0], keys[1], keys[1]])
    bad("the old form without salt, one key", [OWNER])
    bad("salt only", [salt])
    bad("an empty array", [])
    bad("salt of 31 bytes", [salt[:31], *keys])
    bad("salt of 33 bytes", [salt + b"\0", *keys])
    bad("key of 31 bytes", [salt, keys[0], keys[1][:31]])
    bad("salt null", [None, *keys])
    bad("salt as text", ["0" * 32, *keys])
    bad("a key as text", [salt, "0" * 32])
    bad("keys in an array of their own", [salt, keys])
    bad("a map", {0: salt, 1: keys[0]})
    bad("trailing byte", good + b"\0")
    bad("truncated", good[:-1])
    bad("empty", b"")
    bad("length of the array in two bytes", b"\x98\x04" + good[1:])
    bad("array of indefinite length", b"\x9f" + good[1:] + b"\xff")
    v.refuse("1,927 keys, 65,555 bytes", salt=salt, count=1927)
    return v


def bundle_vectors():
    v = Vectors("bundle", lambda given: {"checksum": objects.read_bundle(given["bundle"])})
    v.accept("five files", bundle=BUNDLE)
    v.accept("one file", bundle=encode([{1: "f", 2: BUNDLE_NONCE}, [["f", b""]]]))
    v.accept("without a nonce", bundle=encode([{1: "f"}, [["f", b"x"]]]))
    v.accept("a reactor with a handler and arguments",
             bundle=encode([{1: "f", 3: 1, 4: "handle", 5: ["--flag", "é"]}, [["f", b""], ["inputs", b""]]]))
    v.accept("64 arguments; a path of 1,024 bytes",
             bundle=encode([{1: "f", 5: ["a"] * 64}, [["f", b""], ["p" * 1024, b""]]]))

    def bad(why, files, manifest=None, basis="page"):
        v.refuse(why, basis, bundle=encode([{1: "a"} if manifest is None else manifest, files]))
    a = [["a", b""]]
    bad("no file", [])
    bad("paths unsorted", [["b", b""], ["a", b""]])
    bad("a path twice", a + a)
    bad("not NFC", a + [["e\u0301", b""]])
    bad("sorted by UTF-16", a + [["\U00010000", b""], ["\uff5e", b""]])
    bad("text content", [["a", "x"]])
    bad("path as bytes", a + [[b"b", b""]])
    bad("three parts", [["a", b"", 0]])
    v.refuse("three items", bundle=encode([{1: "a"}, a, 0]))
    v.refuse("trailing byte", bundle=BUNDLE + b"\0")
    v.refuse("manifest not deterministic", bundle=encode([Raw(not_deterministic({1: "a"})), a]))
    for why, path in (("absolute path", "/b"), ("parent directory", "a.d/../b"), ("empty part", "a.d//b"),
                      ("a part that is .", "a.d/./b"), ("an empty path", ""), ("a path that ends with /", "b/"),
                      ("NUL in a path", "b\0")):
        bad(why, sorted(a + [[path, b""]]), basis="D17")
    bad("a file that is also a directory", [["a", b""], ["a-b", b""], ["a/b", b""]], basis="D17")
    bad("a path of 1,025 bytes", a + [["p" * 1025, b""]])
    bad("the path input", a + [["input", b""]])
    bad("a path that begins with input/", a + [["input/1", b""]])
    bad("manifest that is no map", a, b"", "D16")
    bad("no entry", a, {2: BUNDLE_NONCE})
    bad("entry as bytes", a, {1: b"a"})
    bad("entry names no file", a, {1: "b"})
    bad("nonce of 31 bytes", a, {1: "a", 2: BUNDLE_NONCE[:31]})
    bad("a command that says so with 0", a, {1: "a", 3: 0})
    bad("kind 2", a, {1: "a", 3: 2})
    bad("kind true", a, {1: "a", 3: True})
    bad("a handler without a reactor", a, {1: "a", 4: "handle"})
    bad("the default handler, said", a, {1: "a", 3: 1, 4: "cape_handler"})
    bad("a handler of 1,025 bytes", a, {1: "a", 3: 1, 4: "h" * 1025})
    bad("an empty list of arguments", a, {1: "a", 5: []})
    bad("65 arguments", a, {1: "a", 5: ["a"] * 65})
    bad("an argument of 1,025 bytes", a, {1: "a", 5: ["x" * 1025]})
    bad("an argument as bytes", a, {1: "a", 5: [b"x"]})
    bad("unknown key in the manifest", a, {1: "a", 6: 0})
    return v


def _read_identity(given):
    seed, owner, seal = objects.identity_keys(given["identity"])
    info = objects.share_info(given["root_der"], given["pcr0"], given["kind"], given["id"], given["version"])
    assert info == b"capelet/1/share\0" + info[16:48] + given["pcr0"] + bytes([given["kind"]]) + given["id"] + \
        u64(given["version"])
    return {"sign_seed": seed, "owner": owner, "fingerprint": objects.fingerprint(owner), "seal": seal,
            "share_info": info, "share": hkdf_expand(seal, info)}


def identity_vectors():
    v = Vectors("identity", _read_identity)
    base = {"identity": IDENTITY, "root_der": ROOT, "pcr0": PCR0, "kind": 1, "id": ID, "version": 1}
    for name, change in (("function", {}), ("vault key", {"kind": 2}), ("another root", {"root_der": OTHER_ROOT}),
                         ("another image", {"pcr0": OTHER_PCR0}), ("another id", {"id": KID[:16]}),
                         ("another version", {"version": 2**64 - 1})):
        v.accept(name, **base | change)
    shares = [case["out"]["share"] for case in v.accepted]
    assert len(set(shares)) == len(shares)
    return v


FUNCTION_RECORD = {1: "capelet/1/function", 2: OWNER, 3: ID, 4: VERSION, 5: CHECKSUM, 6: False, 7: NOW, 8: ARN, 9: PCR0}
FUNCTION_AD = {1: "capelet/1/object", 2: 1, 3: OWNER, 4: ID, 5: VERSION, 6: CHECKSUM, 7: ARN, 8: OBJECT_SALT, 9: True,
               10: PCR0}
VAULT_RECORD = {1: "capelet/1/vault-owner", 2: OWNER, 3: EPOCH, 4: KID, 5: fixed("SHA-384 of a document", 48),
                6: fixed("SHA-384 of claims", 48), 7: ARN, 8: PCR0}
VAULT_AD = FUNCTION_AD | {2: 2, 4: KID[:16], 5: EPOCH, 6: KID}


def signed(record, seed=SIGN_SEED, typ=None):
    return sign1.sign(seed, typ or record[1], encode(record))


def make_object(ad, record, the_share, content, more=()):
    """`ad` is a map or bytes, `record` an item. Return the stored object, with `more` items in its head."""
    ad = encode(ad) if isinstance(ad, dict) else ad
    head = encode([ad, WRAPPED, record, *more])
    secret = objects.object_secret(DATA_KEY, the_share, ad, WRAPPED)
    return stream.with_head(head, stream.seal(secret, sha384(head), content), b"CPLO")


def function_object(ad=None, record=None, content=BUNDLE, seed=SIGN_SEED, typ=None):
    return make_object(FUNCTION_AD if ad is None else ad,
                       signed(FUNCTION_RECORD if record is None else record, seed, typ), FUNCTION_SHARE, content)


def vault_object(ad=None, record=None, content=VAULT_SEED, seed=SIGN_SEED, typ=None):
    return make_object(VAULT_AD if ad is None else ad,
                       signed(VAULT_RECORD if record is None else record, seed, typ), VAULT_SHARE, content)


def object_vectors():
    v = Vectors("object", lambda given: objects.read_object(given["stored"], given["data_key"], given["share"]))
    good = function_object()
    v.accept("function", data_key=DATA_KEY, share=FUNCTION_SHARE, stored=good)
    v.accept("vault key", data_key=DATA_KEY, share=VAULT_SHARE, stored=vault_object())
    other = share(1, ID, VERSION, OTHER_PCR0)
    stored = make_object(FUNCTION_AD | {10: OTHER_PCR0}, signed(FUNCTION_RECORD | {9: OTHER_PCR0}), other, BUNDLE)
    v.accept("function, sealed by another image", data_key=DATA_KEY, share=other, stored=stored)

    def bad(why, stored, basis="page", data_key=DATA_KEY, the_share=FUNCTION_SHARE):
        v.refuse(why, basis, data_key=data_key, share=the_share, stored=stored)
    bad("cannot-open: another share", good, the_share=changed(FUNCTION_SHARE, 0))
    bad("cannot-open: the share of another image", good, the_share=other)
    bad("cannot-open: no share", good, the_share=b"")
    bad("cannot-open: another data key", good, data_key=changed(DATA_KEY, 0))
    bad("cannot-open: data key of 31 bytes", good, data_key=DATA_KEY[:31])
    bad("cannot-open: data key of 33 bytes", good, data_key=DATA_KEY + b"\0")
    bad("cannot-open: stream damaged", changed(good, -1))
    bad("cannot-open: no stream", good[:-(32 + len(BUNDLE) + 16)])
    bad("another magic", b"CPLT" + good[4:])
    bad("head of 65,533 bytes", good[:4] + bytes.fromhex("0000fffd") + good[8:])
    bad("record by somebody else", function_object(seed=OTHER_SIGN_SEED))
    bad("record with another typ", function_object(typ="capelet/1/receipt"))
    bad("a vault's record for a function", make_object(FUNCTION_AD, signed(VAULT_RECORD), FUNCTION_SHARE, BUNDLE))
    bad("AD of a vault, record of a function", function_object(FUNCTION_AD | {2: 2}))
    for why, change in (("version in AD differs from the record's", {5: VERSION + 1}), ("id differs", {4: KID[:16]}),
                        ("ARN differs", {7: OTHER_ARN}), ("checksum differs", {6: CHECKSUMS[0]}),
                        ("PCR0 in AD differs from the record's", {10: OTHER_PCR0})):
        bad(why, function_object(FUNCTION_AD | change))
    bad("owner differs, and signs", function_object(FUNCTION_AD | {3: OTHER_OWNER}, seed=OTHER_SIGN_SEED))
    bad("other content than the checksum's", function_object(content=BUNDLE[:-1] + b"z"))
    bad("the record's checksum differs", function_object(record=FUNCTION_RECORD | {5: CHECKSUMS[0]}))
    bad("the record's PCR0 differs", function_object(record=FUNCTION_RECORD | {9: OTHER_PCR0}))
    for why, change in (("share not used", {9: False}), ("1 for true", {9: 1}), ("kind 3", {2: 3}), ("kind 0", {2: 0}),
                        ("PCR0 in AD of 47 bytes", {10: PCR0[:47]}), ("PCR0 in AD of 32 bytes", {10: PCR0[:32]}),
                        ("PCR0 in AD null", {10: None}), ("PCR0 in AD as text", {10: "0" * 48}),
                        ("unknown key in AD", {11: 0}), ("salt of 15 bytes", {8: OBJECT_SALT[:15]})):
        bad(why, function_object(FUNCTION_AD | change))
    bad("PCR0 in AD missing", function_object(without(FUNCTION_AD, 10)))
    bad("the old form, neither AD nor record with PCR0",
        function_object(without(FUNCTION_AD, 10), without(FUNCTION_RECORD, 9)))
    bad("PCR0 in the record missing", function_object(record=without(FUNCTION_RECORD, 9)))
    for why, change in (("0 for false in the record", {6: 0}), ("public", {6: True}),
                        ("PCR0 in the record of 49 bytes", {9: PCR0 + b"\0"}), ("PCR0 in the record null", {9: None}),
                        ("unknown key in the record", {10: 0})):
        bad(why, function_object(record=FUNCTION_RECORD | change))
    record = signed(FUNCTION_RECORD)
    bad("four items in the head", make_object(FUNCTION_AD, record, FUNCTION_SHARE, BUNDLE, [0]))
    bad("record as bytes", make_object(FUNCTION_AD, encode(record), FUNCTION_SHARE, BUNDLE))
    bad("AD not deterministic", function_object(not_deterministic(FUNCTION_AD)))

    def bad_vault(why, basis="page", **given):
        bad(why, vault_object(**given), basis, the_share=VAULT_SHARE)
    bad_vault("a seed of another key", content=OTHER_VAULT_SEED)
    bad_vault("a seed of 31 bytes", content=VAULT_SEED[:31])
    bad_vault("kind 3 with a vault's record", ad=VAULT_AD | {2: 3})
    bad_vault("the record's owner differs", record=VAULT_RECORD | {2: OTHER_OWNER})
    bad_vault("the record's ARN differs", record=VAULT_RECORD | {7: OTHER_ARN})
    bad_vault("the record's kid differs after 16 bytes", record=VAULT_RECORD | {4: changed(KID, 16)})
    bad_vault("id is not kid[0..16]", ad=VAULT_AD | {4: ID})
    bad_vault("version is not the epoch", "D13", ad=VAULT_AD | {5: EPOCH + 1})
    bad_vault("PCR0 of the vault's record differs", record=VAULT_RECORD | {8: OTHER_PCR0})
    bad_vault("PCR0 of the vault's AD differs", ad=VAULT_AD | {10: OTHER_PCR0})
    bad_vault("PCR0 in the vault's record missing", record=without(VAULT_RECORD, 8))
    bad_vault("PCR0 in the vault's record of 47 bytes", record=VAULT_RECORD | {8: PCR0[:47]})
    bad_vault("PCR0 in the vault's AD missing", ad=without(VAULT_AD, 10))
    bad_vault("the vault's old form", ad=without(VAULT_AD, 10), record=without(VAULT_RECORD, 8))
    return v


def _read_file(given):
    out = vault.open_file(given["file"], given["seed"])
    if "eseed" in given:
        public = vault.xwing.public_key(given["seed"])
        header = vault.split_file(given["file"])[1]
        assert vault.make_file(public, header, given["eseed"], out["plain"]) == given["file"]
    return out


CT_HEADER = {1: "capelet/1/ciphertext", 2: 1, 3: OWNER, 4: KID, 5: CHECKSUMS}
SECRET_TEXT = b"a secret"


def make_file(header=None, plain=SECRET_TEXT):
    return vault.make_file(VAULT_KEY, CT_HEADER if header is None else header, VAULT_ESEED, plain)


def ciphertext_vectors():
    v = Vectors("ciphertext", _read_file)
    checksums = [bytes.fromhex("9596535af42b22ef24e7d11ecf480d8abaa2bbaa6d81fdf52b4b22e968678e94"),
                 bytes.fromhex("bbd92a000e6805981f55fca70eae5ceb144b43dacc35d467260c0095497f9e8d")]
    header = CT_HEADER | {5: checksums}
    good = make_file(header)
    v.accept("two checksums", seed=VAULT_SEED, file=good, eseed=VAULT_ESEED)
    v.accept("any function of the owner, empty", seed=VAULT_SEED, file=make_file(header | {5: 0}, b""),
             eseed=VAULT_ESEED)

    def bad(why, file, basis="page", seed=VAULT_SEED):
        v.refuse(why, basis, seed=seed, file=file)
    enc_at = 8 + len(encode(header))
    bad("another vault's seed", good, seed=OTHER_VAULT_SEED)
    bad("another magic", b"CPLO" + good[4:])
    bad("header owner changed", changed(good, 60))
    bad("enc changed", changed(good, enc_at + 5))
    bad("commitment changed", changed(good, enc_at + 1120))
    bad("stream changed", changed(good, -1))
    bad("truncated in enc", good[:900])
    bad("no chunk", good[:enc_at + 1152])
    bad("length of 2^32-1", good[:4] + b"\xff" * 4 + good[8:])
    for why, change, basis in (
            ("suite 2", {2: 2}, "page"), ("no checksum", {5: []}, "page"),
            ("checksum of 31 bytes", {5: [checksums[0][:31], checksums[1]]}, "page"), ("null for 0", {5: None}, "page"),
            ("false for 0", {5: False}, "page"), ("1 for 0", {5: 1}, "page"), ("true for suite 1", {2: True}, "page"),
            ("unknown key", {6: 0}, "page"), ("another type string", {1: "capelet/1/object"}, "page"),
            ("checksums descending", {5: checksums[::-1]}, "D5"), ("a checksum twice", {5: checksums[:1] * 2}, "D5"),
            ("kid of another key, sealed to this one", {4: OTHER_KID}, "D15")):
        bad(why, make_file(header | change), basis)
    bad("header not deterministic", make_file(Raw(not_deterministic(header))))
    return v


VAULT_CLAIMS = {1: "capelet/1/vault", 2: OWNER, 3: EPOCH, 4: 1, 5: VAULT_KEY, 6: KID, 7: None, 8: LATER,
                9: CONFIG_BYTES, 10: KMS_STATE, 11: [PCR0]}


def make_statement(claims=None, record=None, seed=SIGN_SEED, typ=None, document=DOCUMENT):
    """The record's changes come on top of a record that fits the claims. A change to None leaves the key out."""
    claims_bytes = encode(VAULT_CLAIMS | (claims or {}))
    full = {1: "capelet/1/vault-owner", 2: OWNER, 3: EPOCH, 4: KID, 5: sha384(DOCUMENT), 6: sha384(claims_bytes),
            7: ARN, 8: PCR0} | (record or {})
    return encode([document, claims_bytes, signed({k: v for k, v in full.items() if v is not None}, seed, typ)])


def _read_statement(given):
    document, claims_bytes, claims, record = vault.read_statement(given["statement"], given["development"])
    return {"user_data": vault.vault_user_data(claims_bytes), "claims_sha384": sha384(claims_bytes),
            "document_sha384": sha384(document), "owner": claims[2], "epoch": claims[3], "kid": claims[6],
            "images": claims[11], "image": record[8]}


def statement_vectors():
    v = Vectors("statement", _read_statement)
    two, many = sorted([PCR0, OTHER_PCR0]), sorted([PCR0, *(fixed(f"image {i}", 48) for i in range(16))])
    assert many.index(PCR0) < 16
    v.accept("first epoch", statement=make_statement(), development=False)
    v.accept("a key that the enclave could not read", development=False,
             statement=make_statement({10: KMS_STATE | {2: None, 3: None}}))
    v.accept("with a previous kid, under a development root", development=True,
             statement=make_statement({7: OTHER_KID, 9: b"", 10: None}))
    v.accept("two images, the record's is the first", development=False,
             statement=make_statement({11: two}, {8: two[0]}))
    v.accept("two images, the record's is the second", development=False,
             statement=make_statement({11: two}, {8: two[1]}))
    v.accept("16 images", development=False, statement=make_statement({11: many[:16]}))

    def bad(why, statement=None, basis="page", **given):
        v.refuse(why, basis, statement=statement or make_statement(**given), development=False)
    bad("another document", document=changed(DOCUMENT, 0))
    bad("record by somebody else", seed=OTHER_SIGN_SEED)
    bad("typ of a function", typ="capelet/1/function")
    bad("kid is not the key's", claims={6: OTHER_KID}, record={4: OTHER_KID})
    bad("epoch differs", record={3: EPOCH + 1})
    bad("kid of the record differs", record={4: OTHER_KID})
    bad("record of other claims", record={6: DESCRIBE_DIGEST})
    bad("record of another document", record={5: POLICY_DIGEST})
    bad("owner of the record differs", record={2: OTHER_OWNER})
    bad("suite 2", claims={4: 2})
    bad("kms-state null, not a development root", claims={10: None})
    bad("ML-KEM key out of range", claims={5: BAD_VAULT_KEY, 6: vault.kid_of(BAD_VAULT_KEY)},
        record={4: vault.kid_of(BAD_VAULT_KEY)})
    bad("record and kms-state name different keys", basis="D14", record={7: OTHER_ARN})
    bad("configuration empty, not a development root", basis="D8", claims={9: b""})
    bad("images empty", claims={11: []})
    bad("images descending", claims={11: two[::-1]})
    bad("an image twice", claims={11: [PCR0, PCR0]})
    bad("17 images", claims={11: many})
    bad("image of 47 bytes", claims={11: [PCR0[:47]]})
    bad("image of 32 bytes", claims={11: [PCR0[:32]]})
    bad("image as text", claims={11: ["0" * 48]})
    bad("images null", claims={11: None})
    bad("one image, not in an array", claims={11: PCR0})
    bad("unknown key in the claims", claims={12: 0})
    bad("the record's image is not one of the claims'", record={8: OTHER_PCR0})
    bad("the record's image is not one of the claims' two",
        claims={11: sorted([fixed("image 1", 48), OTHER_PCR0])})
    bad("the record without image", record={8: None})
    bad("the record's image of 47 bytes", record={8: PCR0[:47]})
    old = encode(without(VAULT_CLAIMS, 11))
    record = VAULT_RECORD | {5: sha384(DOCUMENT), 6: sha384(old)}
    bad("images missing", encode([DOCUMENT, old, signed(record)]))
    bad("the old form, neither claims nor record with images", encode([DOCUMENT, old, signed(without(record, 8))]))
    bad("record as bytes", encode([DOCUMENT, encode(VAULT_CLAIMS), encode(signed(record))]))
    bad("four items", encode([DOCUMENT, encode(VAULT_CLAIMS), signed(record), None]))
    return v


def all_vectors():
    return [configuration_vectors(), deployers_vectors(), bundle_vectors(), identity_vectors(), object_vectors(),
            ciphertext_vectors(), statement_vectors()]
