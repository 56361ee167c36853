"""COSE_Sign1 (RFC 9052) with exactly the protected header {1: -8, 16: typ}."""

from cbor import Refused, Tag18, decode, encode
from primitives import ed25519_sign, ed25519_verify_strict


def protected_header(typ):
    return encode({1: -8, 16: typ})


def to_be_signed(protected, external_aad, payload):
    return encode(["Signature1", protected, external_aad, payload])


def sign(seed, typ, payload, external_aad=b"", protected=None):
    """Return the message as an item. Another `protected` is for vectors to refuse."""
    protected = protected_header(typ) if protected is None else protected
    return Tag18([protected, {}, payload, ed25519_sign(seed, to_be_signed(protected, external_aad, payload))])


def check_form(item):
    """Return [protected, unprotected, payload, signature] of tag 18."""
    parts = item.item if isinstance(item, Tag18) else None
    if not isinstance(parts, list) or [type(x) for x in parts] != [bytes, dict, bytes, bytes]:
        raise Refused("sign1: invalid form")
    if parts[1] or len(parts[3]) != 64:
        raise Refused("sign1: invalid form")
    return parts


def verify(item, public, typ, external_aad=b""):
    """Verify an item and return its payload. The verifier names the one typ that it expects."""
    protected, _, payload, signature = check_form(item)
    if protected != protected_header(typ):
        raise Refused("sign1: another protected header or typ")
    ed25519_verify_strict(public, signature, to_be_signed(protected, external_aad, payload))
    return payload


def verify_bytes(data, public, typ, external_aad=b""):
    return verify(decode(data), public, typ, external_aad)
