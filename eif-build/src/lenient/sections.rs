//! Finding the sections of a file in any layout that AWS's format allows.
//!
//! There are two ways, which lead to different sections in some files. AWS's tools read the sections one after another
//! and look at the sizes in front of them. QEMU's model of the hypervisor follows the offsets and sizes in the file's
//! header.

use crate::error::Error;
use crate::fields::{Fields, slice};
use crate::layout::{self, HEADER_SIZE, ORDER, SECTION_HEADER_SIZE, SLOTS, Section};

/// The header of the file, with any values.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) version: u16,
    pub(super) flags: u16,
    pub(super) default_memory: u64,
    pub(super) default_cpus: u64,
    pub(super) reserved: u16,
    pub(super) count: u16,
    pub(super) offsets: [u64; SLOTS],
    pub(super) sizes: [u64; SLOTS],
    pub(super) unused: u32,
    pub(super) crc: u32,
}

impl Header {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::NotAnEif`], [`Error::Truncated`].
    pub(super) fn parse(file: &[u8]) -> Result<Self, Error> {
        if !file.starts_with(&layout::MAGIC) {
            return Err(Error::NotAnEif);
        }
        let mut fields = Fields::new(slice(file, 0, HEADER_SIZE as u64)?);
        let _magic: [u8; 4] = fields.take()?;
        Ok(Self {
            version: fields.u16()?,
            flags: fields.u16()?,
            default_memory: fields.u64()?,
            default_cpus: fields.u64()?,
            reserved: fields.u16()?,
            count: fields.u16()?,
            offsets: fields.slots()?,
            sizes: fields.slots()?,
            unused: fields.u32()?,
            crc: fields.u32()?,
        })
    }

    /// The number of sections by the header, as far as it has room for them.
    fn slots(&self) -> usize {
        usize::from(self.count).min(SLOTS)
    }

    /// How the header differs from that of the strict layout.
    pub(super) fn deviations(&self) -> Vec<Error> {
        let unused = |slots: &[u64; SLOTS]| slots.iter().skip(self.slots()).all(|value| *value == 0);
        let constants = [
            ("default_mem", self.default_memory == layout::DEFAULT_MEMORY),
            ("default_cpus", self.default_cpus == layout::DEFAULT_CPUS),
            ("reserved", self.reserved == 0),
            ("section_offsets", unused(&self.offsets)),
            ("section_sizes", unused(&self.sizes)),
            ("unused", self.unused == 0),
        ];
        let mut found = Vec::new();
        if self.version != layout::VERSION {
            found.push(Error::UnsupportedVersion { found: self.version });
        }
        if self.flags != layout::FLAGS {
            found.push(Error::UnknownFlags { found: self.flags });
        }
        let differing = constants.into_iter().filter(|(_, holds)| !holds);
        found.extend(differing.map(|(field, _)| Error::HeaderNotCanonical { field }));
        if usize::from(self.count) > SLOTS {
            found.push(Error::SectionCount { found: self.count });
        }
        found
    }
}

/// A section as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The number of its type. [`Found::section`] knows 1 to 5.
    pub number: u16,
    /// The flags in the header in front of it.
    pub flags: u16,
    /// The offset of the header in front of it.
    pub at: u64,
    /// The bytes, without the header.
    pub body: &'a [u8],
}

impl Found<'_> {
    /// The type of the section. `None` if it is unknown.
    pub fn section(&self) -> Option<Section> {
        Section::from_number(self.number)
    }
}

/// The header in front of a section.
#[derive(Clone, Copy)]
struct Head {
    number: u16,
    flags: u16,
    size: u64,
}

impl Head {
    fn read(file: &[u8], at: u64) -> Result<Self, Error> {
        let mut fields = Fields::new(slice(file, at, SECTION_HEADER_SIZE as u64)?);
        Ok(Self { number: fields.u16()?, flags: fields.u16()?, size: fields.u64()? })
    }
}

/// The sections in sequence.
pub(super) struct Sequence<'a> {
    /// The sections that are complete.
    pub(super) sections: Vec<Found<'a>>,
    /// Why AWS's reader does not come to the end. `None` if it does.
    pub(super) stop: Option<Stop>,
    /// How the sections, and their headers, differ from the strict layout.
    pub(super) deviations: Vec<Error>,
}

/// Why a reader that goes through the sections in sequence ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// AWS's reader refuses the file here.
    Refused(Error),
    /// There are more sections than a header has room for. This reader goes no further, AWS's does.
    TooMany,
}

/// Reads the sections as AWS's tools do: one after another, until fewer bytes are left than a section's header has.
pub(super) fn in_sequence<'a>(file: &'a [u8], header: &Header) -> Sequence<'a> {
    let mut read = Sequence { sections: Vec::new(), stop: None, deviations: Vec::new() };
    let mut order = Order::default();
    let size = file.len() as u64;
    let mut at = HEADER_SIZE as u64;
    // Where the last section ends that the header counts.
    let mut counted_end = at;
    for slot in 0.. {
        let is_counted = slot < header.slots();
        let offset = header.offsets.get(slot).copied().filter(|_| is_counted);
        if let Some(found) = offset.filter(|found| *found != at) {
            read.deviations.push(Error::WrongOffset { slot, expected: at, found });
        }
        let Ok(head) = Head::read(file, at) else {
            if is_counted {
                read.deviations.push(Error::Truncated { needed: at + SECTION_HEADER_SIZE as u64, size });
            }
            break;
        };
        if slot == SLOTS {
            read.stop = Some(Stop::TooMany);
            break;
        }
        let stated = header.sizes.get(slot).copied().filter(|_| is_counted);
        read.deviations.extend(order.deviations(slot, head, stated));
        let body_at = at + SECTION_HEADER_SIZE as u64;
        let body = match (Section::from_number(head.number), slice(file, body_at, head.size)) {
            (None, _) => {
                read.stop = Some(Stop::Refused(Error::UnknownSection { slot, found: head.number }));
                break;
            }
            (_, Err(error)) => {
                read.deviations.push(error.clone());
                read.stop = Some(Stop::Refused(error));
                break;
            }
            (_, Ok(body)) => body,
        };
        read.sections.push(Found { number: head.number, flags: head.flags, at, body });
        at = body_at + head.size;
        if is_counted {
            counted_end = at;
        }
    }
    if counted_end != size && read.sections.len() >= header.slots() {
        read.deviations.push(Error::TrailingBytes { end: counted_end, size });
    }
    read
}

/// Reads the sections at the offsets and with the sizes in the file's header, in the header's order.
///
/// # Errors
/// [`Error::Truncated`] if a section is not within the file.
pub(super) fn by_offsets<'a>(file: &'a [u8], header: &Header) -> Result<Vec<Found<'a>>, Error> {
    let slots = header.offsets.iter().zip(&header.sizes).take(header.slots());
    slots
        .map(|(at, size)| {
            let head = Head::read(file, *at)?;
            let body = slice(file, at.saturating_add(SECTION_HEADER_SIZE as u64), *size)?;
            Ok(Found { number: head.number, flags: head.flags, at: *at, body })
        })
        .collect()
}

/// How sections that were found by the header's offsets differ from the strict layout.
pub(super) fn deviations_of(sections: &[Found<'_>]) -> Vec<Error> {
    let mut order = Order::default();
    let heads =
        sections.iter().map(|found| Head { number: found.number, flags: found.flags, size: found.body.len() as u64 });
    heads.enumerate().flat_map(|(slot, head)| order.deviations(slot, head, None)).collect()
}

/// The order of the sections so far.
#[derive(Default)]
struct Order {
    seen: Vec<Section>,
}

impl Order {
    /// How the next section differs from the strict layout. `stated` is its size by the file's header.
    fn deviations(&mut self, slot: usize, head: Head, stated: Option<u64>) -> Vec<Error> {
        let Some(section) = Section::from_number(head.number) else {
            return vec![Error::UnknownSection { slot, found: head.number }];
        };
        let mut found = Vec::new();
        if self.seen.contains(&section) {
            found.push(Error::DuplicateSection { section });
        } else {
            // A duplicate does not make the sections behind it another deviation.
            if ORDER.get(self.seen.len()) != Some(&section) {
                found.push(Error::SectionOrder { slot, found: section });
            }
            self.seen.push(section);
        }
        if head.flags != layout::FLAGS {
            found.push(Error::UnknownFlags { found: head.flags });
        }
        if let Some(header) = stated.filter(|stated| *stated != head.size) {
            found.push(Error::SectionSize { section, header, section_header: head.size });
        }
        if head.size == 0 {
            found.push(Error::EmptySection { section });
        }
        if head.size > section.limit() {
            found.push(Error::SectionTooLarge { section, size: head.size, limit: section.limit() });
        }
        found
    }
}
