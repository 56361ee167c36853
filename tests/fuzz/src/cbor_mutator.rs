//! A mutator that keeps its input valid CBOR.
//!
//! It changes, removes, duplicates or moves one item. The counts and lengths around the item follow, also those of byte
//! strings that hold CBOR. A mutator of bytes breaks these lengths, and parsers reject almost all of its inputs.

use crate::cbor_item::Item;
use libfuzzer_sys::fuzzer_mutate;

/// The deepest nesting that is read as CBOR.
const MAX_DEPTH: u8 = 16;

/// Changes `data[..size]` and returns the new size, as `libfuzzer_sys::fuzz_mutator!` requires. Half of the time, and
/// always if the input is not one CBOR item, libFuzzer's own mutator does it.
pub fn mutate_cbor(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) | 1 << 32);
    let mut rest = &data[..size];
    let item = Item::read(&mut rest, MAX_DEPTH).filter(|_| rest.is_empty() && random.below(2) == 0);
    let Some(mut root) = item else {
        return fuzzer_mutate(data, size, max_size);
    };
    let count = root.count();
    let other = root.at(random.below(count)).clone();
    change(root.at(random.below(count)), &other, &mut random);
    let bytes = root.write();
    if bytes.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
}

/// Changes one item. `other` is an item of the same input.
fn change(item: &mut Item, other: &Item, random: &mut Random) {
    // In a map, a key and its value stay together.
    let width = if item.major == 5 { 2 } else { 1 };
    let count = item.parts.len() / width;
    let [from, to] = [(); 2].map(|()| width * random.below(count.max(1)));
    match random.below(6) {
        0 if count > 0 => drop(item.parts.drain(from..from + width)),
        1 if count > 0 => {
            let copy = item.parts[from..from + width].to_vec();
            item.parts.splice(to..to, copy);
        }
        2 if count > 0 => (0..width).for_each(|part| item.parts.swap(from + part, to + part)),
        3 => *item = other.clone(),
        4 if !(2..6).contains(&item.major) => item.argument ^= 1 << random.below(64),
        _ if item.parts.is_empty() => {
            let size = item.content.len();
            item.content.resize(size + 64, 0);
            let size = fuzzer_mutate(&mut item.content, size, size + 64);
            item.content.truncate(size);
            item.argument = [0, 1, 2, 23, 24, 255, 256, 65_536, u64::MAX][random.below(9)];
        }
        _ => item.major = random.below(7) as u8,
    }
}

/// The generator xorshift64. libFuzzer requires that one seed always makes the same change.
struct Random(u64);

impl Random {
    /// Returns a number below `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
