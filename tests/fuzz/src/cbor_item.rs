//! A CBOR item as a tree that can be changed. Counts and lengths are not stored; `write` computes them.

/// One item. The content of a byte string that holds an array, a map or a tag is its one part.
#[derive(Clone)]
pub struct Item {
    /// The major type.
    pub major: u8,
    /// The value of a number, a tag or a simple value. The other types ignore it.
    pub argument: u64,
    /// The bytes of a string without a part.
    pub content: Vec<u8>,
    /// The items inside. In a map, keys and values alternate.
    pub parts: Vec<Item>,
}

impl Item {
    /// Removes the first item from `bytes` and returns it, or `None` if it is not CBOR or deeper than `depth`.
    pub fn read(bytes: &mut &[u8], depth: u8) -> Option<Self> {
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

    /// Encodes the item with the shortest arguments.
    pub fn write(&self) -> Vec<u8> {
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

    /// Counts the items in this tree, the root included.
    pub fn count(&self) -> usize {
        1 + self.parts.iter().map(Self::count).sum::<usize>()
    }

    /// Returns the item with this number; the root has number 0. It panics if `number` is not below `count`.
    pub fn at(&mut self, mut number: usize) -> &mut Self {
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
        self.parts[part.expect("the number is below the count")].at(number)
    }
}
