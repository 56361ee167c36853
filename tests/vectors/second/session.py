"""hello, claims, configuration, deployers, the secrets of a session's messages."""

import hpke
import xwing
from cbor import Refused
from primitives import label_hash, sha256, sha384, u32, u64
from schema import array, ascending, d32, d48, data, exactly, is_arn, is_uint, mapping, ms, null_d32, null_d48, \
    optional_null, parse

LIMITS = mapping({k: is_uint for k in range(1, 5)})
CONFIG = mapping({1: exactly("capelet/1/configuration"), 2: is_arn, 3: LIMITS, 4: null_d32})
KMS_STATE = mapping({1: is_arn, 2: null_d48, 3: null_d48, 4: ms})
HELLO = mapping({1: exactly(1), 2: d32, 3: array(is_uint, 1, 4)})
CONFIG_BYTES = data(0, 16384)
CLAIMS = mapping({
    1: exactly("capelet/1/session"), 2: d48, 3: d32, 4: exactly(1), 5: data(1216), 6: d32,
    7: CONFIG_BYTES, 8: optional_null(KMS_STATE), 9: is_uint})
MAX_DEPLOYERS = 65536


def read_config(encoded):
    """Return the configuration and its PCR16."""
    return parse("configuration", CONFIG, encoded), pcr16(encoded)


def pcr16(encoded):
    return sha384(bytes(48), sha384(encoded))


def read_deployers(encoded):
    """Return (config[4], salt, keys)."""
    if len(encoded) > MAX_DEPLOYERS:
        raise Refused("deployers: more than 65,536 bytes")
    items = parse("deployers", array(d32, 2), encoded)
    if not ascending(items[1:]):
        raise Refused("deployers: keys that are unsorted or double")
    return sha256(encoded), items[0], items[1:]


def check_configuration(encoded, kms_state, development):
    """The configuration is empty and kms-state is null only under a development root."""
    if encoded or not development:
        read_config(encoded)
    if kms_state is None and not development:
        raise Refused("claims: kms-state null only under a development root")


def read_claims(encoded, development=False):
    """The form alone: what a reader of a receipt can check."""
    claims = parse("session-claims", CLAIMS, encoded)
    xwing.check_key(claims[5])
    check_configuration(claims[7], claims[8], development)
    return claims


def user_data(claims):
    return label_hash("capelet/1/session", claims)


def session_info(claims):
    return b"capelet/1/session-info\0" + sha384(claims)


def read_session(hello, exporter, claims, development):
    """The client's checks of the claims: its own hello, its own TLS connection, a suite that it offered."""
    offered = parse("hello", HELLO, hello)[3]
    parsed = read_claims(claims, development)
    if parsed[2] != sha384(hello):
        raise Refused("claims: another hello")
    if parsed[3] != sha256(exporter):
        raise Refused("claims: another TLS connection")
    if parsed[4] not in offered:
        raise Refused("claims: a suite that was not offered")
    return parsed


def request_secret(context, n):
    return context.export(b"capelet/1/request-secret" + u64(n))


def response_secret(context, n):
    return context.export(b"capelet/1/response-secret" + u64(n))


def salt(context, n, i):
    return context.export(b"capelet/1/salt" + u64(n) + u32(i))


def salt_ct(context, n, i):
    return context.export(b"capelet/1/salt-ct" + u64(n) + u32(i))


def receive(seed, claims, enc):
    return hpke.receiver(seed, session_info(claims), enc)
