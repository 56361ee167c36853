//! Damage to one bit, which a checksum, a signature or an authentication tag must detect.

/// Returns `bytes` with one bit flipped. `data` chooses the bit, so that one input always damages the same bit.
pub fn flip_bit(bytes: &[u8], data: &[u8]) -> Vec<u8> {
    let chosen = data.iter().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    let (mut bytes, bits) = (bytes.to_vec(), bytes.len() as u64 * 8);
    let bit = chosen % bits;
    bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
    bytes
}
