//! Changes CBOR as CBOR: an item changes, goes, comes twice or takes another's place, and what is around it follows
//! (counts, lengths, byte strings that hold CBOR). By changing bytes alone hardly anything gets past these.

use libfuzzer_sys::fuzzer_mutate;

/// One item. Bytes that hold an array, a map or a tag have that as their one part.
#[derive(Clone)]
struct Item {
    major: u8,
    argument: u64,
    content: Vec<u8>,
    parts: Vec<Item>,
}

/// Half of the time `data[..size]` is changed as libFuzzer would, and always if it is no item.
pub fn mutate(data: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) | 1 << 32);
    let mut rest = &data[..size];
    let Some(mut root) = Item::read(&mut rest, 16).filter(|_| rest.is_empty() && random.below(2) == 0) else {
        return fuzzer_mutate(data, size, most);
    };
    let count = root.count();
    let other = root.at(random.below(count)).clone();
    root.at(random.below(count)).change(&other, &mut random);
    let bytes = root.write();
    if bytes.len() > most {
        return fuzzer_mutate(data, size, most);
    }
    data[..bytes.len()].copy_from_slice(&bytes);
    bytes.len()
}

impl Item {
    fn read(bytes: &mut &[u8], depth: u8) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        let (major, low) = (first >> 5, first & 31);
        let width = if low < 24 { 0 } else { 1 << (low - 24) & 0xf };
        let (argument, rest) = rest.split_at_checked(width)?;
        let argument = argument.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        let argument = if width == 0 { u64::from(low) } else { argument };
        *bytes = rest;
        let mut item = Self { major, argument, content: Vec::new(), parts: Vec::new() };
        let parts = match major {
            2 | 3 => {
                let (content, rest) = bytes.split_at_checked(usize::try_from(argument).ok()?)?;
                *bytes = rest;
                let mut inner = content;
                match Self::read(&mut inner, depth.checked_sub(1)?) {
                    Some(part) if major == 2 && part.major >= 4 && part.major < 7 && inner.is_empty() => {
                        item.parts.push(part);
                    }
                    _ => item.content = content.to_vec(),
                }
                0
            }
            4 => argument,
            5 => argument.checked_mul(2)?,
            6 => 1,
            _ => 0,
        };
        for _ in 0..parts {
            item.parts.push(Self::read(bytes, depth.checked_sub(1)?)?);
        }
        Some(item)
    }

    fn write(&self) -> Vec<u8> {
        let parts: Vec<u8> = self.parts.iter().flat_map(Self::write).collect();
        let count = self.parts.len() as u64;
        let argument = match self.major {
            2 | 3 => (self.content.len() + parts.len()) as u64,
            4 => count,
            5 => count / 2,
            _ => self.argument,
        };
        let width = [24, 1 << 8, 1 << 16, 1 << 32].iter().filter(|limit| argument >= **limit).count();
        let low = if width == 0 { argument as u8 } else { 23 + width as u8 };
        let digits = argument.to_be_bytes();
        let digits = &digits[8 - [0, 1, 2, 4, 8][width]..];
        [&[self.major << 5 | low], digits, &self.content, &parts].concat()
    }

    /// How many items there are, itself included.
    fn count(&self) -> usize {
        1 + self.parts.iter().map(Self::count).sum::<usize>()
    }

    /// The item of this number, itself being 0.
    fn at(&mut self, mut number: usize) -> &mut Self {
        if number == 0 {
            return self;
        }
        number -= 1;
        let part = self.parts.iter().position(|part| {
            let count = part.count();
            let here = number < count;
            number -= if here { 0 } else { count };
            here
        });
        self.parts[part.expect("fewer than there are")].at(number)
    }

    fn change(&mut self, other: &Self, random: &mut Random) {
        // In a map a part is key and value.
        let width = if self.major == 5 { 2 } else { 1 };
        let count = self.parts.len() / width;
        let [from, to] = [(); 2].map(|()| width * random.below(count.max(1)));
        match random.below(6) {
            0 if count > 0 => drop(self.parts.drain(from..from + width)),
            1 if count > 0 => {
                let twice = self.parts[from..from + width].to_vec();
                self.parts.splice(to..to, twice);
            }
            2 if count > 0 => (0..width).for_each(|part| self.parts.swap(from + part, to + part)),
            3 => *self = other.clone(),
            4 if !(2..6).contains(&self.major) => self.argument ^= 1 << random.below(64),
            _ if self.parts.is_empty() => {
                let size = self.content.len();
                self.content.resize(size + 64, 0);
                let size = fuzzer_mutate(&mut self.content, size, size + 64);
                self.content.truncate(size);
                self.argument = [0, 1, 2, 23, 24, 255, 256, 65_536, u64::MAX][random.below(9)];
            }
            _ => self.major = random.below(7) as u8,
        }
    }
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
