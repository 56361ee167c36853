"""Requests, their parameters, responses."""

import sign1
from cbor import Refused, decode
from primitives import label_hash, sha256, sha384
from schema import array, ascending, check, d32, d48, exactly, fixed_array, id16, is_arn, is_bytes, is_params, \
    is_sign1, is_text, is_uint, mapping, ms, null_d32, null_d48, optional_null, parse, uint, either
from stream import split_head

BODY = fixed_array(is_uint, d32)
KEY_SHARE = fixed_array(uint(1, 2), d32, id16, is_uint, d32)
REQUEST = mapping({
    1: is_uint, 2: uint(1, 9), 3: id16, 4: ms, 5: d32, 6: is_params, 7: array(KEY_SHARE, 0, 64),
    8: optional_null(BODY)})
RESPONSE = mapping({1: is_uint, 2: d48, 3: is_uint, 4: is_params}, {5: is_sign1, 6: BODY})
INPUT = either(fixed_array(exactly(0), is_uint), fixed_array(exactly(1), is_uint, is_uint))

# Per verb: its name, and per key of the map the field's name and form.
PARAMS = {
    1: ("deploy", {1: ("id", id16), 2: ("version", is_uint), 3: ("checksum", d32), 4: ("arn", is_arn),
                   5: ("policy_sha384", null_d48), 6: ("describe_sha384", null_d48), 7: ("record", is_sign1)}),
    2: ("run", {1: ("owner", d32), 2: ("id", id16), 3: ("version", is_uint), 4: ("checksum", d32),
                5: ("inputs", array(INPUT, 1, 64))}),
    3: ("list", {1: ("kind", uint(1, 2))}),
    4: ("delete", {1: ("kind", uint(1, 3)), 2: ("id", id16), 3: ("version", is_uint)}),
    5: ("statement", {1: ("owner", d32), 2: ("kid", null_d32)}),
    6: ("vault-create", {1: ("epoch", is_uint), 2: ("nonce", d32), 3: ("previous_kid", null_d32), 4: ("arn", is_arn),
                         5: ("policy_sha384", null_d48), 6: ("describe_sha384", null_d48)}),
    7: ("vault-confirm", {1: ("record", is_sign1)}),
    8: ("vault-attest", {1: ("kid", d32), 2: ("epoch", is_uint), 3: ("nonce", d32), 4: ("previous_kid", null_d32)}),
}
POLICY = either(mapping({}), mapping({1: is_arn}), mapping({2: fixed_array(d32, is_uint)}))
POLICY_BODY = mapping({1: optional_null(is_text), 2: optional_null(is_bytes)})
GRANTS = array(is_text)
DESCRIBE = mapping({1: is_text, 2: is_text, 3: is_text, 4: is_text, 5: is_text,
                    6: lambda item: type(item) is bool, 7: optional_null(is_text), 8: GRANTS})


def read_policy_params(encoded):
    params = parse("policy", POLICY, encoded)
    if 1 in params:
        return {"arn": params[1]}
    if 2 in params:
        return {"owner": params[2][0], "epoch": params[2][1]}
    return {}


def read_policy_body(encoded):
    """Return (policy text or None, describe's bytes or None)."""
    body = parse("policy body", POLICY_BODY, encoded)
    if body[2] is not None:
        parse("describe", DESCRIBE, body[2])
    return body[1], body[2]


def read_params(verb, encoded):
    """Return the parameters of a verb by name."""
    if verb == 9:
        return read_policy_params(encoded)
    if verb not in PARAMS:
        raise Refused("params: no such verb")
    name, fields = PARAMS[verb]
    params = parse(name, mapping({key: form for key, (_, form) in fields.items()}), encoded)
    if verb == 4 and params[1] == 3 and params[2] != bytes(16):
        raise Refused("delete: the id of a statement is 16 zero bytes")
    return {fields[key][0]: value for key, value in params.items()}


def digest(request):
    """The request digest is over the map, which is the sign1's payload."""
    return label_hash("capelet/1/request-digest", request)


def check_body(name, described, body):
    """`described` is None, or [length, SHA-256]."""
    if described is None:
        if body:
            raise Refused(f"{name}: a body that nothing describes")
    elif described != [len(body), sha256(body)]:
        raise Refused(f"{name}: another body")


def read_request(plain, claims, n):
    """Return (request's bytes, request, body) from the plaintext of a request stream."""
    head, body = split_head(plain)
    message = decode(head)
    payload = sign1.check_form(message)[2]
    request = parse("request", REQUEST, payload)
    sign1.verify(message, request[5], "capelet/1/request", sha384(claims))
    if request[1] != n:
        raise Refused("request: another number")
    if not ascending([share[:4] for share in request[7]]):
        raise Refused("request: key shares that are unsorted, or one object twice")
    check_body("request", request[8], body)
    return payload, request, body


def read_response(plain, request, n):
    """Return (response, body). `request` is the request's map as bytes."""
    head, body = split_head(plain)
    response = check("response", RESPONSE, decode(head))
    if response[1] != n:
        raise Refused("response: another number")
    if response[2] != digest(request):
        raise Refused("response: to another request")
    check_body("response", response.get(6), body)
    return response, body
