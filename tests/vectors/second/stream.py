"""The encrypted stream, the frames, and a head in front of a body."""

from cbor import Refused
from primitives import gcm_open, gcm_seal, hkdf_expand, u32, u64

CHUNK, TAG, MAX_CHUNKS = 65536, 16, 1 << 24
MAX_HEAD = 65532
# The most bytes of content that a frame has: inside TLS, between enclave and parent, and in a body between the two.
FRAME_LIMITS = {"client": 66000, "parent": 300000, "body": 65536}


def stream_keys(secret):
    """Return (key, commitment)."""
    return hkdf_expand(secret, b"capelet/1/key"), hkdf_expand(secret, b"capelet/1/commit")


def _nonce(counter, final):
    return u64(counter) + bytes([0, 0, 0, final])


def seal_chunk(secret, aad, plain, counter, final):
    return gcm_seal(stream_keys(secret)[0], _nonce(counter, final), aad, plain)


def seal_chunks(secret, aad, plain):
    """Return [(ciphertext, final)]. An empty plaintext is one empty chunk."""
    parts = [plain[i:i + CHUNK] for i in range(0, len(plain), CHUNK)] or [b""]
    last = len(parts) - 1
    return [(seal_chunk(secret, aad, part, i, i == last), int(i == last)) for i, part in enumerate(parts)]


def as_bytes(commitment, chunks):
    return commitment + b"".join(data for data, _ in chunks)


def as_frames(commitment, chunks):
    return frame(commitment) + b"".join(frame(bytes([final]) + data) for data, final in chunks)


def seal(secret, aad, plain):
    return as_bytes(stream_keys(secret)[1], seal_chunks(secret, aad, plain))


def seal_frames(secret, aad, plain):
    return as_frames(stream_keys(secret)[1], seal_chunks(secret, aad, plain))


def _open(secret, aad, commitment, chunks):
    key, expected = stream_keys(secret)
    if commitment != expected:
        raise Refused("stream: another commitment")
    if not 1 <= len(chunks) <= MAX_CHUNKS:
        raise Refused("stream: no chunk, or too many")
    plain, last = [], len(chunks) - 1
    for counter, (data, final) in enumerate(chunks):
        length = len(data) - TAG
        if not 0 <= length <= CHUNK:
            raise Refused("stream: the length of a chunk")
        if final != (counter == last):
            raise Refused("stream: the last chunk, and only this, is final")
        if length < CHUNK and counter != last:
            raise Refused("stream: a short chunk before the last")
        if length == 0 and counter != 0:
            raise Refused("stream: an empty chunk that is not the first")
        part = gcm_open(key, _nonce(counter, final), aad, data)
        if part is None:
            raise Refused("stream: a chunk does not open")
        plain.append(part)
    return b"".join(plain)


def open_bytes(secret, aad, data):
    """Open a stream as it lies in a file."""
    if len(data) < 32 + TAG:
        raise Refused("stream: shorter than a commitment and a tag")
    rest, size = data[32:], CHUNK + TAG
    parts = [rest[i:i + size] for i in range(0, len(rest), size)]
    return _open(secret, aad, data[:32], [(part, int(i == len(parts) - 1)) for i, part in enumerate(parts)])


def open_frames(secret, aad, data):
    """Open a stream as it travels inside TLS."""
    frames = []
    while data:
        length = frame_length(data[:4], "client")
        if length > len(data) - 4:
            raise Refused("frame: truncated")
        frames.append(data[4:4 + length])
        data = data[4 + length:]
    if not frames or len(frames[0]) != 32:
        raise Refused("frame: the commitment has 32 bytes")
    if any(not f or f[0] > 1 for f in frames[1:]):
        raise Refused("frame: a chunk begins with 0 or 1")
    return _open(secret, aad, frames[0], [(f[1:], f[0]) for f in frames[1:]])


def frame(content):
    return u32(len(content)) + content


def frame_length(data, side):
    """Read the length in front of a frame. `side` is a key of FRAME_LIMITS."""
    if len(data) != 4:
        raise Refused("frame: truncated")
    length = int.from_bytes(data, "big")
    if length > FRAME_LIMITS[side]:
        raise Refused("frame: longer than its limit")
    return length


def with_head(head, body=b"", magic=b""):
    return magic + u32(len(head)) + head + body


def split_head(data, magic=b""):
    """Return (head, body)."""
    if data[:len(magic)] != magic:
        raise Refused("head: another magic")
    data = data[len(magic):]
    length = int.from_bytes(data[:4], "big")
    if len(data) < 4:
        raise Refused("head: truncated")
    if length > MAX_HEAD:
        raise Refused("head: longer than 65,532 bytes")
    if length > len(data) - 4:
        raise Refused("head: truncated")
    return data[4:4 + length], data[4 + length:]
