"""Published answers that the primitives must give. `make.py` runs them before it makes anything."""

import hpke
import primitives
import xwing
from cbor import Refused

b = bytes.fromhex


def hkdf():
    """RFC 5869, A.1 and A.3."""
    for salt, info, ikm, okm in (
            (b("000102030405060708090a0b0c"), b("f0f1f2f3f4f5f6f7f8f9"), b"\x0b" * 22,
             "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
            (b"", b"", b"\x0b" * 22,
             "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8")):
        assert primitives.hkdf_expand(primitives.hkdf_extract(salt, ikm), info, 42) == b(okm)


def ed25519():
    """RFC 8032, 7.1, tests 1 to 3."""
    for seed, public, message, signature in (
            ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
             "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
             "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
             "d25bf5f0595bbe24655141438e7a100b"),
            ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
             "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
             "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
             "387b2eaeb4302aeeb00d291612bb0c00"),
            ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
             "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
             "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
             "4a7c15e9716ed28dc027beceea1ec40a")):
        assert primitives.ed25519_public(b(seed)) == b(public)
        assert primitives.ed25519_sign(b(seed), b(message)) == b(signature)
        primitives.ed25519_verify_strict(b(public), b(signature), b(message))
        try:
            primitives.ed25519_verify_strict(b(public), b(signature), b(message) + b"\0")
        except Refused:
            continue
        raise AssertionError("a signature of another message was accepted")


def x25519():
    """RFC 7748, 5.2: the first vector, and the scalar multiplication 1,000 times over."""
    assert primitives.x25519(b("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                             b("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")) == b(
        "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
    k = u = (9).to_bytes(32, "little")
    for _ in range(1000):
        k, u = primitives.x25519(k, u), k
    assert k == b("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51")


def hpke_key_schedule():
    """RFC 9180, A.1.1: the schedule does not depend on the KEM, but for the suite's identifier."""
    context = hpke.Context(b("fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc"),
                           b("4f6465206f6e2061204772656369616e2055726e"), b"HPKE" + b("002000010001"))
    assert context.key_schedule_context == b(
        "00725611c9d98c07c03f60095cd32d400d8347d45ed67097bbad50fc56da742d07"
        "cb6cffde367bb0565ba28bb02c90744a20f5ef37f30523526106f637abb05449")
    assert context.secret == b("12fff91991e93b48de37e7daddb52981084bd8aa64289c3788471d9a9712f397")
    assert context.exporter_secret == b("45ff1c2e220db587171952c0592d5f5ebe103f1561a2614e38f2ffd47e99e3f8")
    for info, value in ((b"", "3853fe2b4035195a573ffc53856e77058e15d9ea064de3e59f4961d0095250ee"),
                        (b"\0", "2e8f0b54673c7029649d4eb9d5e33bf1872cf76d623ff164ac185da9e88c21a5"),
                        (b"TestContext", "e9e43065102c3836401bed8c3c3c75ae46be1639869391d62c61f1ec7af54931")):
        assert context.export(info) == b(value)


def x_wing():
    """The X-Wing draft's appendix: it covers ML-KEM-768's key, ciphertext and secret, and X25519."""
    for seed, eseed, secret in (
            ("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
             "3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2"
             "35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2",
             "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384"),
            ("badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
             "17cda7cfad765f5623474d368ccca8af0007cd9f5e4c849f167a580b14aabdef"
             "aee7eef47cb0fca9767be1fda69419dfb927e9df07348b196691abaeb580b32d",
             "f2e86241c64d60f6649fbc6c5b7d17180b780a3f34355e64a85749949c45f150"),
            ("ef58538b8d23f87732ea63b02b4fa0f4873360e2841928cd60dd4cee8cc0d4c9",
             "22a96188d032675c8ac850933c7aff1533b94c834adbb69c6115bad4692d8619"
             "f90b0cdf8a7b9c264029ac185b70b83f2801f2f4b3f70c593ea3aeeb613a7f1b",
             "953f7f4e8c5b5049bdc771d1dffada0dd961477d1a2ae0988baa7ea6898d893f")):
        found, enc = xwing.encapsulate(xwing.public_key(b(seed)), b(eseed))
        assert found == b(secret) == xwing.decapsulate(b(seed), enc)


def check_all():
    for check in (hkdf, ed25519, x25519, hpke_key_schedule, x_wing):
        check()
