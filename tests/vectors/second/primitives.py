"""SHA-2, HKDF-SHA256, AES-256-GCM, strict Ed25519 and X25519."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cbor import Refused


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def sha384(*parts):
    return hashlib.sha384(b"".join(parts)).digest()


def label_hash(label, data):
    """H(label, x) of the page."""
    return sha384(label.encode() + b"\0", data)


def u32(value):
    return value.to_bytes(4, "big")


def u64(value):
    return value.to_bytes(8, "big")


def hkdf_extract(salt, ikm):
    return hmac.new(salt, ikm, hashlib.sha256).digest()


def hkdf_expand(prk, info, length=32):
    output, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.new(prk, block + info + bytes([counter]), hashlib.sha256).digest()
        output += block
    return output[:length]


def gcm_seal(key, nonce, aad, plain):
    return AESGCM(key).encrypt(nonce, plain, aad)


def gcm_open(key, nonce, aad, data):
    """Return the plaintext, or None if the tag is wrong."""
    try:
        return AESGCM(key).decrypt(nonce, data, aad)
    except InvalidTag:
        return None


# Curve25519. Points are affine (x, y) on -x^2 + y^2 = 1 + d x^2 y^2.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1)


def _extended(point):
    x, y = point
    return x, y, 1, x * y % P


def _add_extended(a, b):
    e = (a[1] - a[0]) * (b[1] - b[0]) % P
    f = (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    w, x, y, z = f - e, d - c, d + c, f + e
    return w * x % P, y * z % P, x * y % P, w * z % P


def _affine(point):
    inverse = pow(point[2], -1, P)
    return point[0] * inverse % P, point[1] * inverse % P


def point_add(a, b):
    return _affine(_add_extended(_extended(a), _extended(b)))


def point_multiply(scalar, point):
    result, power = _extended(IDENTITY), _extended(point)
    while scalar:
        if scalar & 1:
            result = _add_extended(result, power)
        power = _add_extended(power, power)
        scalar >>= 1
    return _affine(result)


def _recover_x(y, sign):
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * SQRT_M1 % P
    if (x * x - square) % P:
        return None
    return x if x & 1 == sign else -x % P


BASE = (_recover_x(4 * pow(5, -1, P) % P, 0), 4 * pow(5, -1, P) % P)


def point_encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def point_decode(data):
    """Return the point, or None. As dalek does, y is reduced modulo p."""
    value = int.from_bytes(data, "little")
    y = (value & (1 << 255) - 1) % P
    x = _recover_x(y, value >> 255)
    return None if x is None else (x, y)


def is_small_order(point):
    return point_multiply(8, point) == IDENTITY


def _secret_scalar(seed):
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little") & (1 << 254) - 8 | 1 << 254
    return scalar, digest[32:]


def _challenge(r, public, message):
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L


def ed25519_public(seed):
    return point_encode(point_multiply(_secret_scalar(seed)[0], BASE))


def ed25519_sign(seed, message):
    scalar, prefix = _secret_scalar(seed)
    public = point_encode(point_multiply(scalar, BASE))
    nonce = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    r = point_encode(point_multiply(nonce, BASE))
    return r + ((nonce + _challenge(r, public, message) * scalar) % L).to_bytes(32, "little")


def ed25519_sign_with_r(seed, r, message):
    """Sign with the identity as R: S = k a, so that S B = R + k A holds. For a vector to refuse."""
    scalar, _ = _secret_scalar(seed)
    public = point_encode(point_multiply(scalar, BASE))
    return r + (_challenge(r, public, message) * scalar % L).to_bytes(32, "little")


def ed25519_verify_strict(public, signature, message):
    """As dalek's verify_strict: canonical S, neither A nor R of small order, S B = R + k A without cofactor."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L:
        raise Refused("signature: S is not canonical")
    a, r_point = point_decode(public), point_decode(r)
    if a is None or r_point is None:
        raise Refused("signature: not a point of the curve")
    if is_small_order(a):
        raise Refused("signature: key of small order")
    if is_small_order(r_point):
        raise Refused("signature: R of small order")
    k = _challenge(r, public, message)
    if point_multiply(s, BASE) != point_add(r_point, point_multiply(k, a)):
        raise Refused("signature: invalid")


def x25519(scalar, point=(9).to_bytes(32, "little")):
    """RFC 7748. A result of zeros is no error, as X-Wing has it."""
    k = int.from_bytes(scalar, "little") & (1 << 254) - 8 | 1 << 254
    x1 = (int.from_bytes(point, "little") & (1 << 255) - 1) % P
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for bit in reversed(range(255)):
        if swap ^ (k >> bit & 1):
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = k >> bit & 1
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a % P, c * b % P, a * a % P, b * b % P
        e = aa - bb
        x3, z3 = (da + cb) ** 2 % P, x1 * (da - cb) ** 2 % P
        x2, z2 = aa * bb % P, e * (aa + 121665 * e) % P
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, P - 2, P) % P).to_bytes(32, "little")
