"""Vault keys: claims, records, statements; encrypted files and their text form."""

import base64
import re

import hpke
import sign1
import stream
import xwing
from cbor import Refused, encode
from primitives import label_hash, sha256, sha384
from schema import array, ascending, d32, d48, data, either, exactly, fixed_array, is_arn, is_bytes, \
    is_sign1, is_uint, mapping, ms, null_d32, optional_null, parse
from session import CONFIG_BYTES, KMS_STATE, check_configuration

CLAIMS = mapping({
    1: exactly("capelet/1/vault"), 2: d32, 3: is_uint, 4: exactly(1), 5: data(1216), 6: d32, 7: null_d32, 8: ms,
    9: CONFIG_BYTES, 10: optional_null(KMS_STATE), 11: array(d48, 1, 16)})
RECORD = mapping({
    1: exactly("capelet/1/vault-owner"), 2: d32, 3: is_uint, 4: d32, 5: d48, 6: d48, 7: is_arn, 8: d48})
STATEMENT = fixed_array(is_bytes, is_bytes, is_sign1)
HEADER = mapping({
    1: exactly("capelet/1/ciphertext"), 2: exactly(1), 3: d32, 4: d32, 5: either(array(d32, 1, 1024), exactly(0))})


def kid_of(public):
    return sha256(b"capelet/1/kid\0", public)


def read_vault_claims(encoded, development=False):
    claims = parse("vault-claims", CLAIMS, encoded)
    xwing.check_key(claims[5])
    if kid_of(claims[5]) != claims[6]:
        raise Refused("vault: another kid")
    if not ascending(claims[11]):
        raise Refused("vault: images that are unsorted or double")
    check_configuration(claims[9], claims[10], development)
    return claims


def read_statement(encoded, development):
    """Check a statement but for its document, and return (document, claims' bytes, claims, record)."""
    document, claims_bytes, item = parse("statement", STATEMENT, encoded)
    claims = read_vault_claims(claims_bytes, development)
    record = parse("vault-record", RECORD, sign1.verify(item, claims[2], "capelet/1/vault-owner"))
    if [record[2], record[3], record[4]] != [claims[2], claims[3], claims[6]]:
        raise Refused("vault: record and claims disagree")
    if record[5] != sha384(document) or record[6] != sha384(claims_bytes):
        raise Refused("vault: a record of another document or claims")
    if claims[10] is not None and record[7] != claims[10][1]:
        raise Refused("vault: record and kms-state name different keys")
    if record[8] not in claims[11]:
        raise Refused("vault: the record's image is not one of the claims'")
    return document, claims_bytes, claims, record


def vault_user_data(claims):
    return label_hash("capelet/1/vault", claims)


def file_info(header):
    return b"capelet/1/file-info\0" + sha384(header)


def split_file(encoded):
    """Return (header's bytes, header, enc, stream) of an encrypted file."""
    header_bytes, rest = stream.split_head(encoded, b"CPLT")
    header = parse("ct-header", HEADER, header_bytes)
    if header[5] != 0 and not ascending(header[5]):
        raise Refused("ct-header: checksums that are unsorted or double")
    if len(rest) < xwing.ENC_BYTES + 32:
        raise Refused("file: truncated")
    return header_bytes, header, rest[:xwing.ENC_BYTES], rest[xwing.ENC_BYTES:]


def make_file(public, header, eseed, plain):
    header_bytes = encode(header)
    enc, context = hpke.sender(public, file_info(header_bytes), eseed)
    sealed = stream.seal(context.export(b"capelet/1/stream"), sha384(header_bytes), plain)
    return stream.with_head(header_bytes, enc + sealed, b"CPLT")


def open_file(encoded, seed):
    """The kid is compared before anything is opened."""
    header_bytes, header, enc, sealed = split_file(encoded)
    if header[4] != kid_of(xwing.public_key(seed)):
        raise Refused("file: another kid")
    context = hpke.receiver(seed, file_info(header_bytes), enc)
    secret = context.export(b"capelet/1/stream")
    return {"header": header_bytes, "kid": header[4], "info": file_info(header_bytes),
            "exporter_secret": context.exporter_secret, "stream_secret": secret, "aad": sha384(header_bytes),
            "plain": stream.open_bytes(secret, sha384(header_bytes), sealed), "text": to_text(encoded)}


def to_text(data):
    return "cape:" + base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_text(text):
    """Read the text form: base64url without padding, unused bits zero."""
    if not text.startswith("cape:"):
        raise Refused("text: does not begin with cape:")
    body = text[5:]
    if re.fullmatch(r"[A-Za-z0-9_-]*", body) is None or len(body) % 4 == 1:
        raise Refused("text: a character or a length that base64url does not have")
    data = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    if to_text(data) != text:
        raise Refused("text: the unused bits are not zero")
    return data


def header_commitment(kid, salt, header_bytes, enc, commitment):
    """The second commitment of a ciphertext input: to the file, not to what is in it."""
    return sha256(b"capelet/1/commitment-ct\0", salt, kid, sha384(header_bytes, enc, commitment))
