"""X-Wing (draft-connolly-cfrg-xwing-kem): ML-KEM-768 and X25519."""

import hashlib

import mlkem
from cbor import Refused
from primitives import x25519

KEY_BYTES, ENC_BYTES = mlkem.KEY_BYTES + 32, mlkem.CIPHERTEXT_BYTES + 32
LABEL = b"\\.//^\\"


def _expand(seed):
    if len(seed) != 32:
        raise Refused("x-wing: the length of the seed")
    expanded = hashlib.shake_256(seed).digest(96)
    ek, dk = mlkem.keygen(expanded[:32], expanded[32:64])
    return ek, dk, expanded[64:]


def public_key(seed):
    ek, _, x = _expand(seed)
    return ek + x25519(x)


def check_key(public):
    if len(public) != KEY_BYTES:
        raise Refused("x-wing: the length of the public key")
    mlkem.check_key(public[:-32])


def _combine(m_secret, x_secret, x_ciphertext, x_public):
    return hashlib.sha3_256(m_secret + x_secret + x_ciphertext + x_public + LABEL).digest()


def encapsulate(public, eseed):
    """Return (shared secret, enc). `eseed`: 32 bytes for ML-KEM, 32 for X25519."""
    check_key(public)
    m_secret, m_enc = mlkem.encapsulate(public[:-32], eseed[:32])
    x_enc = x25519(eseed[32:])
    return _combine(m_secret, x25519(eseed[32:], public[-32:]), x_enc, public[-32:]), m_enc + x_enc


def decapsulate(seed, enc):
    if len(enc) != ENC_BYTES:
        raise Refused("x-wing: the length of enc")
    _, dk, x = _expand(seed)
    m_secret = mlkem.decapsulate(dk, enc[:-32])
    return _combine(m_secret, x25519(x, enc[-32:]), enc[-32:], x25519(x))
