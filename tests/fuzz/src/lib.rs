//! What the fuzz targets share, and the rules that they assert ([`targets`]).
//!
//! Every parser that reads bytes from outside has a target. A target asserts the rules that apply to its format, and
//! its module states them. In general:
//!
//! 1. No input makes the parser panic.
//! 2. A value that a parser accepts is encoded to the same bytes again. Otherwise one value would have two encodings,
//!    and two digests.
//! 3. A parser behind a checksum, a signature or an authentication tag is reached too. The target computes it, with
//!    keys of its own. It also damages the result by one bit, and the damage must be detected.
//!
//! The binaries in `fuzz_targets/` call one function each. All other code is in this library, so that it is compiled
//! once. The layout is that of cargo-fuzz; `tests/fuzz.sh` needs only cargo.

mod ber;
mod cbor_item;
mod cbor_mutator;
mod certificates;
mod damage;
mod der;
mod enveloped_data;
mod identities;
mod kms;
mod platform;
mod script;
pub mod targets;
mod trickle;

pub use cbor_mutator::mutate_cbor;
