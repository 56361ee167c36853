"""ML-KEM-768 (FIPS 203), deterministic. Plain and slow: it is for test vectors only."""

import hashlib

from cbor import Refused

N, Q, K, ETA, DU, DV = 256, 3329, 3, 2, 10, 4
KEY_BYTES, CIPHERTEXT_BYTES = 384 * K + 32, 32 * (DU * K + DV)


def _bit_reverse(i):
    return int(f"{i:07b}"[::-1], 2)


ZETAS = [pow(17, _bit_reverse(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * _bit_reverse(i) + 1, Q) for i in range(128)]


def _g(data):
    digest = hashlib.sha3_512(data).digest()
    return digest[:32], digest[32:]


def _h(data):
    return hashlib.sha3_256(data).digest()


def _ntt(f):
    f, i, length = list(f), 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i + 1
            for j in range(start, start + length):
                t = zeta * f[j + length] % Q
                f[j], f[j + length] = (f[j] + t) % Q, (f[j] - t) % Q
        length //= 2
    return f


def _inverse_ntt(f):
    f, i, length = list(f), 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta, i = ZETAS[i], i - 1
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, zeta * (f[j + length] - t) % Q
        length *= 2
    return [x * 3303 % Q for x in f]


def _multiply(f, g):
    h = []
    for i in range(128):
        a0, a1, b0, b1 = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        h += [(a0 * b0 + a1 * b1 * GAMMAS[i]) % Q, (a0 * b1 + a1 * b0) % Q]
    return h


def _add(f, g):
    return [(a + b) % Q for a, b in zip(f, g)]


def _dot(fs, gs):
    total = [0] * N
    for f, g in zip(fs, gs):
        total = _add(total, _multiply(f, g))
    return total


def _sample_ntt(seed):
    stream, values, at = hashlib.shake_128(seed).digest(2016), [], 0
    while len(values) < N:
        c = stream[at:at + 3]
        at += 3
        values += [d for d in (c[0] + 256 * (c[1] % 16), c[1] // 16 + 16 * c[2]) if d < Q]
    return values[:N]


def _matrix(rho):
    return [[_sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def _sample_cbd(seed, counter):
    bits = int.from_bytes(hashlib.shake_256(seed + bytes([counter])).digest(64 * ETA), "little")
    result = []
    for i in range(N):
        four = bits >> 4 * i & 15
        result.append(((four & 1) + (four >> 1 & 1) - (four >> 2 & 1) - (four >> 3)) % Q)
    return result


def _pack(f, d):
    return sum(x << d * i for i, x in enumerate(f)).to_bytes(32 * d, "little")


def _unpack(data, d):
    bits = int.from_bytes(data, "little")
    return [bits >> d * i & (1 << d) - 1 for i in range(N)]


def _compress(f, d):
    return [((x << d) + Q // 2) // Q % (1 << d) for x in f]


def _decompress(f, d):
    return [(x * Q + (1 << d - 1)) >> d for x in f]


def _split(data, size):
    return [data[i:i + size] for i in range(0, len(data), size)]


def keygen(d, z):
    """Return (encapsulation key, decapsulation key): algorithms 13 and 16."""
    rho, sigma = _g(d + bytes([K]))
    matrix = _matrix(rho)
    s = [_ntt(_sample_cbd(sigma, i)) for i in range(K)]
    e = [_ntt(_sample_cbd(sigma, K + i)) for i in range(K)]
    ek = b"".join(_pack(_add(_dot(matrix[i], s), e[i]), 12) for i in range(K)) + rho
    return ek, b"".join(_pack(f, 12) for f in s) + ek + _h(ek) + z


def check_key(ek):
    """The modulus check of 7.2: every coefficient is below q."""
    if len(ek) != KEY_BYTES:
        raise Refused("ml-kem: the length of the key")
    if any(x >= Q for part in _split(ek[:-32], 384) for x in _unpack(part, 12)):
        raise Refused("ml-kem: a coefficient of the key is out of range")


def _encrypt(ek, m, r):
    t, matrix = [_unpack(part, 12) for part in _split(ek[:-32], 384)], _matrix(ek[-32:])
    y = [_ntt(_sample_cbd(r, i)) for i in range(K)]
    e1 = [_sample_cbd(r, K + i) for i in range(K)]
    e2 = _sample_cbd(r, 2 * K)
    u = [_add(_inverse_ntt(_dot([matrix[j][i] for j in range(K)], y)), e1[i]) for i in range(K)]
    v = _add(_add(_inverse_ntt(_dot(t, y)), e2), _decompress(_unpack(m, 1), 1))
    return b"".join(_pack(_compress(f, DU), DU) for f in u) + _pack(_compress(v, DV), DV)


def _decrypt(dk, c):
    u = [_decompress(_unpack(part, DU), DU) for part in _split(c[:32 * DU * K], 32 * DU)]
    v = _decompress(_unpack(c[32 * DU * K:], DV), DV)
    s = [_unpack(part, 12) for part in _split(dk, 384)]
    w = _inverse_ntt(_dot(s, [_ntt(f) for f in u]))
    return _pack(_compress([(a - b) % Q for a, b in zip(v, w)], 1), 1)


def encapsulate(ek, m):
    """Return (shared secret, ciphertext): algorithm 17."""
    check_key(ek)
    secret, r = _g(m + _h(ek))
    return secret, _encrypt(ek, m, r)


def decapsulate(dk, c):
    """Return the shared secret: algorithm 18, with implicit rejection."""
    ek, hash_ek, z = dk[384 * K:768 * K + 32], dk[-64:-32], dk[-32:]
    m = _decrypt(dk[:384 * K], c)
    secret, r = _g(m + hash_ek)
    if _encrypt(ek, m, r) != c:
        return hashlib.shake_256(z + c).digest(32)
    return secret
