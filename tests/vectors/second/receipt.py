"""Receipts, and bundles of a receipt with the salts that the caller discloses."""

import sign1
import session
from cbor import Refused
from primitives import sha256, sha384
from schema import array, d32, d48, exactly, fixed_array, id16, is_bytes, is_sign1, is_uint, mapping, ms, null_d32, \
    parse, uint
from vault import header_commitment, split_file

STATUSES = {0, *range(17, 25), *range(37, 40)}
RECEIPT = mapping({
    1: exactly("capelet/1/receipt"), 2: d48, 3: d48, 4: fixed_array(d32, id16, is_uint, d32), 5: d32,
    6: array(fixed_array(d32, null_d32), 0, 64), 7: null_d32, 8: is_uint, 9: fixed_array(ms, ms), 10: uint(1, 9)})
BUNDLE = fixed_array(is_bytes, is_bytes, is_sign1, array(null_d32), array(null_d32))


def commitment(salt, data):
    return sha256(b"capelet/1/commitment\0", salt, data)


def file_commitment(salt, encoded):
    header_bytes, header, enc, sealed = split_file(encoded)
    return header_commitment(header[4], salt, header_bytes, enc, sealed[:32])


def read_receipt(encoded, claims_bytes):
    """Check the form of a receipt and what holds within it."""
    receipt = parse("receipt", RECEIPT, encoded)
    if receipt[2] != sha384(claims_bytes):
        raise Refused("receipt: of another session")
    if receipt[8] not in STATUSES:
        raise Refused("receipt: a status that no started run has")
    if (receipt[7] is not None) != (receipt[8] == 0):
        raise Refused("receipt: there is an output exactly if the run completed")
    return receipt


def _compare(kind, expected, salt, data, compute):
    if expected is None and salt is not None:
        raise Refused(f"receipt: a salt for {kind} that is not there")
    if data is not None and salt is not None and compute(salt, data) != expected:
        raise Refused(f"receipt: other data for {kind}")


def read_receipt_bundle(encoded, data, files):
    """Return (claims' SHA-384, receipt's bytes, commitments, second commitments).

    `data` is [output, inputs...] and `files` one per input, None where it is not at hand. A commitment is
    recomputed where there is data and a salt.
    """
    _, claims_bytes, item, salts, salts_ct = parse("receipt-bundle", BUNDLE, encoded)
    claims = session.read_claims(claims_bytes)
    payload = sign1.verify(item, claims[6], "capelet/1/receipt")
    receipt = read_receipt(payload, claims_bytes)
    first = [receipt[7], *(pair[0] for pair in receipt[6])]
    second = [pair[1] for pair in receipt[6]]
    if len(salts) != len(first) or len(salts_ct) != len(second):
        raise Refused("receipt: one salt for the output and one for each input; one second salt for each input")
    for expected, salt, content in zip(first, salts, data):
        _compare("a commitment", expected, salt, content, commitment)
    for expected, salt, content in zip(second, salts_ct, files):
        _compare("a second commitment", expected, salt, content, file_commitment)
    return sha384(claims_bytes), payload, first, second
