"""HPKE (RFC 9180): base mode, X-Wing, HKDF-SHA256, export-only."""

import xwing
from primitives import hkdf_expand, hkdf_extract

SUITE = b"HPKE" + bytes.fromhex("647a0001ffff")


def labeled_extract(salt, label, ikm, suite=SUITE):
    return hkdf_extract(salt, b"HPKE-v1" + suite + label + ikm)


def labeled_expand(prk, label, info, length=32, suite=SUITE):
    return hkdf_expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


class Context:
    """The key schedule. Nothing but `export` is offered."""

    def __init__(self, shared_secret, info, suite=SUITE):
        self.shared_secret = shared_secret
        self.key_schedule_context = b"\0" + labeled_extract(b"", b"psk_id_hash", b"", suite) + \
            labeled_extract(b"", b"info_hash", info, suite)
        self.secret = labeled_extract(shared_secret, b"secret", b"", suite)
        self.suite = suite
        self.exporter_secret = labeled_expand(self.secret, b"exp", self.key_schedule_context, 32, suite)

    def export(self, context):
        return labeled_expand(self.exporter_secret, b"sec", context, 32, self.suite)


def sender(public, info, eseed):
    """Return (enc, context)."""
    shared_secret, enc = xwing.encapsulate(public, eseed)
    return enc, Context(shared_secret, info)


def receiver(seed, info, enc):
    return Context(xwing.decapsulate(seed, enc), info)
