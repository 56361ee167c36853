"""The fixed values that the vectors are made of. None of them is a secret of anybody."""

import hashlib

import objects
import xwing
from cbor import encode
from primitives import hkdf_expand, sha256
from vault import kid_of


def fixed(name, length):
    """Bytes that depend on the name alone."""
    return hashlib.shake_256(b"capelet vectors: " + name.encode()).digest(length)


def changed(data, index):
    """The same bytes, but for one bit of the byte at `index`."""
    index %= len(data)
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1:]


IDENTITY = bytes.fromhex("f47669b637dc56b85f4eb1b007d342086c2d7bf3ce05b77e22ace9c28a01d937")
SIGN_SEED, OWNER, SEAL = objects.identity_keys(IDENTITY)
OTHER_SEED = fixed("another owner", 32)
OTHER_OWNER = objects.identity_keys(OTHER_SEED)[1]
OTHER_SIGN_SEED = objects.identity_keys(OTHER_SEED)[0]
ROOT = b"a root certificate, here only bytes " + bytes.fromhex("2dda5034")
OTHER_ROOT = bytes.fromhex("f18180f5d11b1cc97184b1cd1a78bb19c0e6b91ce2ccb7c5ccb8b84f67decb163c50d532ab7b39db")
PCR0, OTHER_PCR0 = fixed("PCR0 of the image", 48), fixed("PCR0 of another image", 48)
ID = bytes.fromhex("59b898a6dbc33f7e20c655aa78b5d612")
VERSION, EPOCH = 3, 7
NOW, LATER = 1790000000000, 1800000000000

VAULT_SEED = bytes.fromhex("6f316af57d369431460929fa98e797a0305eac80270736dfccd7720f311b93e6")
VAULT_ESEED = bytes.fromhex("fa99c50e41309e914554cfda6e97d0747d6a700fca7102964d1c3b0576b30ea3"
                            "420b893315daae8926f9cb2ec444ace3189a049c4b2144937b29aca173339188")
OTHER_VAULT_SEED = bytes.fromhex("f9d5a14bef132155d09c1010dab4cbf38baf920afd6fe1d85891c053a53fe6f6")
VAULT_KEY = xwing.public_key(VAULT_SEED)
KID = kid_of(VAULT_KEY)
OTHER_KID = kid_of(xwing.public_key(OTHER_VAULT_SEED))
# A byte pair that makes the first coefficient of the key 3329, which ML-KEM refuses.
BAD_VAULT_KEY = bytes.fromhex("010d") + VAULT_KEY[2:]

DATA_KEY = bytes.fromhex("03dbb351996f6b854f19cc973fcffb4e77e87b6862e43fd3698f803c65defea8")
WRAPPED = bytes.fromhex("10a0c2d610d47a465d21d8f7d60c11d56ff60d366a476b0b0a885ad1850a9395"
                        "e1dfaf24383c16f4f9502cf11967e691a1520fcfcb051bb81561ca55")
OBJECT_SALT = bytes.fromhex("614f7b453de099ad980cc5e8b22a4a00")
DOCUMENT = b"an attestation document, opaque here " + bytes.fromhex("4bcecb78ea65a56d")

UUID = "ed0f7573-00bb-9320-1f0f-ed5af4b6b6f2"
ARN = f"arn:aws:kms:eu-central-1:138395648162:key/{UUID}"
OTHER_ARN = ARN[:-1] + "3"
LIMITS = {1: 30000, 2: 1 << 30, 3: 1 << 20, 4: 1 << 20}
DEPLOYERS = bytes.fromhex("8ab154a9e854509aac96d7f82c20309dc9d2d5ea9eecc20764f9f15f388a1be3")
CONFIG = {1: "capelet/1/configuration", 2: ARN, 3: LIMITS, 4: DEPLOYERS}
CONFIG_BYTES = encode(CONFIG)
POLICY_DIGEST, DESCRIBE_DIGEST = fixed("SHA-384 of a policy", 48), fixed("SHA-384 of describe", 48)
KMS_STATE = {1: ARN, 2: POLICY_DIGEST, 3: DESCRIBE_DIGEST, 4: NOW}

BUNDLE_NONCE = bytes.fromhex("b0c1e4d5aeafa2ff8b50927116e3104dde453e41bc08a2f383245c98c7d5ab0c")
BUNDLE = encode([{1: "main.py", 2: BUNDLE_NONCE}, [
    ["a", b""], ["a-b", b"x"], ["a.d/é", bytes.fromhex("c0fb130942b401fddb")], ["main.py", b"print()\n"],
    ["é", b"y"]]])
CHECKSUM = objects.checksum(BUNDLE)


def share(kind, object_id, version, pcr0=PCR0):
    return hkdf_expand(SEAL, objects.share_info(ROOT, pcr0, kind, object_id, version))


FUNCTION_SHARE = share(1, ID, VERSION)
VAULT_SHARE = share(2, KID[:16], EPOCH)
CHECKSUMS = sorted([sha256(b"one function"), sha256(b"another function")])
