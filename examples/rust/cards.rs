//! Hides payment card numbers in a text: 13 to 19 digits, in groups or not, whose last fits the others (Luhn).

/// The most bytes of input and output together, beyond which memory is not asked for.
const LARGEST: usize = 128 << 20;

/// Where the worker puts the input; 0 if that is too much.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    let mut place = Vec::new();
    if length > LARGEST || place.try_reserve_exact(length).is_err() {
        return std::ptr::null_mut();
    }
    Vec::leak(place).as_mut_ptr()
}

/// Takes the input over; gives the result's pointer in the high half, its length in the low.
///
/// # Safety
/// `at` is what `allocate(length)` gave, and is filled.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cape_handler(at: *mut u8, length: usize) -> u64 {
    // SAFETY: the caller's promise, above.
    let input = unsafe { std::slice::from_raw_parts(at, length) };
    let result = Vec::leak(hide(input));
    (result.as_ptr() as u64) << 32 | result.len() as u64
}

fn hide(text: &[u8]) -> Vec<u8> {
    let mut result = text.to_vec();
    let mut at = 0;
    while at < text.len() {
        let digits = run(&text[at..]);
        // A number ends where a group of digits does; two may follow each other.
        let ends = |count: usize| digits.get(count).is_none_or(|next| *next > digits[count - 1] + 1);
        let found = (13..=19.min(digits.len())).rev().find(|count| ends(*count) && luhn(text, at, &digits[..*count]));
        if let Some(count) = found {
            // The last four stay, as on a receipt.
            for digit in &digits[..count - 4] {
                result[at + digit] = b'*';
            }
        }
        let group = text[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        at += found.map_or(group.max(1), |count| digits[count - 1] + 1);
    }
    result
}

/// Where the digits are of a number that begins here, one more than a card has at most; single spaces and hyphens
/// between them do not end it.
fn run(text: &[u8]) -> Vec<usize> {
    let mut digits: Vec<usize> = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        match (byte, digits.last()) {
            _ if digits.len() == 20 => break,
            (b'0'..=b'9', _) => digits.push(at),
            (b' ' | b'-', Some(last)) if last + 1 == at => {}
            _ => break,
        }
    }
    digits
}

fn luhn(text: &[u8], start: usize, digits: &[usize]) -> bool {
    let mut sum = 0;
    for (place, at) in digits.iter().rev().enumerate() {
        let digit = u32::from(text[start + at] - b'0');
        sum += if place % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 };
    }
    sum % 10 == 0
}
