"""Identities, key shares, bundles, stored objects."""

import base64
import unicodedata

import sign1
import stream
import xwing
from cbor import Refused, decode
from primitives import ed25519_public, hkdf_expand, hkdf_extract, label_hash, sha256, sha384, u64
from schema import array, check, d32, d48, exactly, fixed_array, id16, is_arn, is_bytes, is_sign1, is_text, \
    is_uint, mapping, ms, parse, uint
from vault import RECORD as VAULT_RECORD, kid_of

AD = mapping({
    1: exactly("capelet/1/object"), 2: uint(1, 2), 3: d32, 4: id16, 5: is_uint, 6: d32, 7: is_arn, 8: id16,
    9: exactly(True), 10: d48})
HEAD = fixed_array(is_bytes, is_bytes, is_sign1)
FUNCTION_RECORD = mapping({
    1: exactly("capelet/1/function"), 2: d32, 3: id16, 4: is_uint, 5: d32, 6: exactly(False), 7: ms, 8: is_arn,
    9: d48})
MAX_FILES, MAX_ARGUMENTS, MAX_NAME, MAX_PATHS, MAX_BUNDLE = 4096, 64, 1024, 512 << 10, 64 << 20


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def identity_keys(secret):
    """Return (signing seed, owner, seal)."""
    seed = hkdf_expand(secret, b"capelet/1/sign")
    return seed, ed25519_public(seed), hkdf_expand(secret, b"capelet/1/seal")


def fingerprint(owner):
    return base64.b32encode(label_hash("capelet/1/owner", owner)[:20]).decode().lower()


def share_info(root_der, pcr0, kind, object_id, version):
    return b"capelet/1/share\0" + sha256(root_der) + pcr0 + bytes([kind]) + object_id + u64(version)


def _check_path(path):
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in path:
        raise Refused("bundle: a path that is not relative, or has an invalid part")
    if unicodedata.normalize("NFC", path) != path:
        raise Refused("bundle: a path that is not NFC")
    if len(path.encode()) > MAX_NAME:
        raise Refused("bundle: a path of more than 1,024 bytes")
    if parts[0] == "input":
        raise Refused("bundle: input belongs to a run's inputs")


def _short_text(item):
    return is_text(item) and len(item.encode()) <= MAX_NAME


MANIFEST = mapping({1: is_text}, {2: d32, 3: exactly(1), 4: _short_text, 5: array(_short_text, 1, MAX_ARGUMENTS)})
BUNDLE = fixed_array(MANIFEST, array(fixed_array(is_text, is_bytes), 1, MAX_FILES))


def checksum(bundle):
    return sha256(b"capelet/1/bundle\0", bundle)


def read_bundle(encoded):
    """Check a bundle and return its checksum."""
    if len(encoded) > MAX_BUNDLE:
        raise Refused("bundle: more than 64 MiB")
    manifest, files = parse("bundle", BUNDLE, encoded)
    paths = [path for path, _ in files]
    raw = [path.encode() for path in paths]
    for path in paths:
        _check_path(path)
    if any(a >= b for a, b in zip(raw, raw[1:])):
        raise Refused("bundle: paths that are unsorted or double")
    if sum(map(len, raw)) > MAX_PATHS:
        raise Refused("bundle: paths of more than 512 KiB")
    directories = {path[:i] for path in paths for i, c in enumerate(path) if c == "/"}
    if directories & set(paths):
        raise Refused("bundle: a file that is also a directory")
    if manifest[1] not in paths:
        raise Refused("bundle: the entry names no file")
    if 4 in manifest and (3 not in manifest or manifest[4] == "cape_handler"):
        raise Refused("bundle: a handler without a reactor, or the default one")
    return checksum(encoded)


def kms_context(ad):
    return base64url(sha256(b"capelet/1/context\0", ad))


def object_secret(data_key, share, ad, wrapped):
    info = b"capelet/1/object\0" + sha384(ad) + sha256(wrapped)
    return hkdf_expand(hkdf_extract(data_key, share), info)


def _check_record(ad, item):
    """The record's signature by object-ad[3]; record and AD agree; the PCR0 too."""
    if ad[2] == 1:
        record = parse("function-record", FUNCTION_RECORD, sign1.verify(item, ad[3], "capelet/1/function"))
        agree = [record[k] for k in (2, 3, 4, 5, 8)] == [ad[k] for k in (3, 4, 5, 6, 7)]
        image = record[9]
    else:
        record = parse("vault-record", VAULT_RECORD, sign1.verify(item, ad[3], "capelet/1/vault-owner"))
        agree = [record[k] for k in (2, 3, 4, 7)] == [ad[k] for k in (3, 5, 6, 7)] and ad[4] == record[4][:16]
        image = record[8]
    if not agree:
        raise Refused("object: record and AD disagree")
    if image != ad[10]:
        raise Refused("object: record and AD name different images")


def read_object(stored, data_key, share):
    """Return the parts of a stored object, opened."""
    head, sealed = stream.split_head(stored, b"CPLO")
    ad_bytes, wrapped, record = check("object-head", HEAD, decode(head))
    ad = parse("object-ad", AD, ad_bytes)
    _check_record(ad, record)
    if len(data_key) != 32 or len(share) != 32:
        raise Refused("cannot-open")
    secret = object_secret(data_key, share, ad_bytes, wrapped)
    try:
        content = stream.open_bytes(secret, sha384(head), sealed)
    except Refused:
        raise Refused("cannot-open") from None
    found = checksum(content) if ad[2] == 1 else kid_of(xwing.public_key(content))
    if found != ad[6]:
        raise Refused("object: other content")
    return {"ad": ad_bytes, "wrapped": wrapped, "record": record, "pcr0": ad[10], "kms_context": kms_context(ad_bytes),
            "stream_secret": secret, "aad": sha384(head), "content": content}
