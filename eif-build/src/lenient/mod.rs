//! Showing image files of other builders, which [`crate::Image`] refuses.
//!
//! A [`Survey`] says how a file differs from the strict layout, and which PCRs AWS's tools compute for it. It is shown
//! to a person and used for nothing else. [`crate::measure()`], [`crate::verify()`], [`crate::sign()`] and
//! [`crate::attach()`] take an [`crate::Image`], which a survey cannot become.
//!
//! What a survey does not know is in [`NOT_KNOWN`].

pub mod report;
mod sections;
mod signature;

use serde_json::Value;
use sha2::{Digest, Sha384};

use crate::bzimage;
use crate::cpio::{self, MAX_ARCHIVE};
use crate::error::Error;
use crate::gzip;
use crate::image::command_line;
use crate::layout::{self, ORDER, Section};
use crate::pcr::{Pcr, extend_zeros};
use crate::signature::Signature;

use sections::{Header, Stop, by_offsets, deviations_of, in_sequence};

pub use sections::Found;
pub use signature::SectionSignature;

/// The largest size of a file, in bytes. It is held in memory.
pub const MAX_FILE: u64 = 2 << 30;
/// The largest size of a signature section that is decoded, in bytes.
const MAX_SIGNATURE: usize = 1 << 20;
/// The largest size of a metadata section that is decoded, in bytes.
const MAX_METADATA: usize = 64 << 10;

/// What a survey does not know, each as a sentence.
pub const NOT_KNOWN: [&str; 5] = [
    "how the Nitro hypervisor treats a deviation: its reader is not published",
    "whether another file has the same PCRs: they hash the parts without separators, and cover neither the header nor \
     the metadata",
    "what kernel and ramdisks do: only the first ramdisk is unpacked, and only to compare it with the strict form",
    "who issued the certificate, whether it is valid now, and whether it is the expected one",
    "whether the file boots",
];

/// How the shown sections were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// One after another, as AWS's tools do.
    Sequence,
    /// By the offsets in the file's header, because AWS's reader does not come to the end of the file.
    Offsets,
    /// One after another, up to where the file ends or becomes unreadable.
    Part,
}

/// The PCRs of the sections of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcrs {
    /// PCR0: kernel, command line and all ramdisks.
    pub pcr0: Pcr,
    /// PCR1: kernel, command line and the first ramdisk.
    pub pcr1: Pcr,
    /// PCR2: the ramdisks after the first.
    pub pcr2: Pcr,
}

impl Pcrs {
    /// Hashes the sections in the order in which they were found, duplicates included, as AWS's tools do.
    fn of(sections: &[Found<'_>]) -> Self {
        let [mut all, mut first, mut further] = [(); 3].map(|()| Sha384::new());
        let mut ramdisks = 0;
        for found in sections {
            match found.section() {
                Some(Section::Kernel | Section::CommandLine) => {
                    all.update(found.body);
                    first.update(found.body);
                }
                Some(Section::Ramdisk) => {
                    all.update(found.body);
                    if ramdisks == 0 { &mut first } else { &mut further }.update(found.body);
                    ramdisks += 1;
                }
                Some(Section::Metadata | Section::Signature) | None => {}
            }
        }
        Self { pcr0: extend_zeros(all), pcr1: extend_zeros(first), pcr2: extend_zeros(further) }
    }
}

/// The signature of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyedSignature {
    /// The last signature section, which AWS's tools verify.
    pub last: SectionSignature,
    /// PCR8. It hashes the certificates of all signature sections.
    pub pcr8: Pcr,
    /// Whether the signature is valid for the certificate's key and for the PCR0 of this survey, or why not.
    pub verdict: Result<(), Error>,
}

/// What is in a file, and how it differs from the strict layout.
#[derive(Debug)]
pub struct Survey<'a> {
    file: &'a [u8],
    header: Header,
    /// The CRC32 of the file.
    crc: u32,
    sections: Vec<Found<'a>>,
    found_by: FoundBy,
    deviations: Vec<Error>,
    pcrs: Result<Pcrs, Error>,
    pcrs_by_offsets: Option<Pcrs>,
    not_as_aws: Option<String>,
    metadata: Option<Value>,
    signature: Option<Result<SurveyedSignature, Error>>,
}

impl<'a> Survey<'a> {
    /// Reads a whole file.
    ///
    /// # Errors
    /// [`Error::FileTooLarge`], [`Error::NotAnEif`], and [`Error::Truncated`] if the file is shorter than its header.
    /// Everything else is a deviation.
    pub fn of(file: &'a [u8]) -> Result<Self, Error> {
        if file.len() as u64 > MAX_FILE {
            return Err(Error::FileTooLarge { limit: MAX_FILE });
        }
        let header = Header::parse(file)?;
        let sequence = in_sequence(file, &header);
        let by_offsets = by_offsets(file, &header);
        let crc = layout::crc(file);

        let mut deviations = header.deviations();
        if file.len() as u64 > layout::MAX_FILE {
            deviations.push(Error::FileTooLarge { limit: layout::MAX_FILE });
        }
        deviations.extend(sequence.deviations);
        if header.crc != crc {
            deviations.push(Error::WrongCrc { computed: crc, found: header.crc });
        }

        let pcrs_by_offsets = by_offsets.as_deref().ok().map(Pcrs::of);
        let (found_by, sections, pcrs) = match (&sequence.stop, by_offsets) {
            (None, _) => {
                let pcrs = Pcrs::of(&sequence.sections);
                (FoundBy::Sequence, sequence.sections, Ok(pcrs))
            }
            (Some(_), Ok(sections)) => {
                deviations.extend(deviations_of(&sections));
                let pcrs = Pcrs::of(&sections);
                (FoundBy::Offsets, sections, Ok(pcrs))
            }
            (Some(_), Err(error)) => (FoundBy::Part, sequence.sections, Err(error)),
        };

        let mut survey = Self {
            file,
            header,
            crc,
            sections,
            found_by,
            deviations,
            pcrs_by_offsets: pcrs_by_offsets.filter(|by_offsets| pcrs.as_ref() != Ok(by_offsets)),
            pcrs,
            not_as_aws: sequence.stop.map(|stop| match stop {
                Stop::Refused(error) => refusal(&error.to_string()),
                Stop::TooMany => {
                    "AWS's tools read more than the 32 sections in sequence to which this report is limited".into()
                }
            }),
            metadata: None,
            signature: None,
        };
        survey.read_parts();
        survey.read_signature();
        survey.deviations = distinct(survey.deviations);
        Ok(survey)
    }

    /// How the file differs from the strict layout. Empty exactly if [`crate::measure()`] accepts the file.
    pub fn deviations(&self) -> &[Error] {
        &self.deviations
    }

    /// The sections, at most 32.
    pub fn sections(&self) -> &[Found<'a>] {
        &self.sections
    }

    /// How the sections were found.
    pub fn found_by(&self) -> FoundBy {
        self.found_by
    }

    /// The PCRs of the sections. They are those that AWS's tools compute if [`Self::not_as_aws`] is `None`.
    ///
    /// # Errors
    /// [`Error::Truncated`] if the sections were found in part only.
    pub fn pcrs(&self) -> Result<&Pcrs, &Error> {
        self.pcrs.as_ref()
    }

    /// The PCRs by the offsets in the file's header. `None` if they are equal to [`Self::pcrs`], or if an offset leads
    /// out of the file.
    pub fn pcrs_by_offsets(&self) -> Option<&Pcrs> {
        self.pcrs_by_offsets.as_ref()
    }

    /// Why AWS's tools do not read the file, or read it differently, as a sentence. `None` if they read it as this
    /// survey does, as far as this crate knows them.
    pub fn not_as_aws(&self) -> Option<&str> {
        self.not_as_aws.as_deref()
    }

    /// The signature, or why none could be read. `None` if the file has no signature section.
    pub fn signature(&self) -> Option<&Result<SurveyedSignature, Error>> {
        self.signature.as_ref()
    }

    /// The content of the last metadata section. `None` if the file has no such section, or if the last one is not JSON
    /// or exceeds 64 KiB.
    pub fn metadata(&self) -> Option<&Value> {
        self.metadata.as_ref()
    }

    /// The first section of this type.
    fn first(&self, section: Section) -> Option<&'a [u8]> {
        self.all(section).next()
    }

    fn all(&self, section: Section) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.sections.iter().filter(move |found| found.section() == Some(section)).map(|found| found.body)
    }

    /// Compares the parts with their strict forms, except the signature.
    fn read_parts(&mut self) {
        let missing = ORDER.into_iter().filter(|section| *section != Section::Signature);
        let missing: Vec<_> = missing.filter(|section| self.first(*section).is_none()).collect();
        self.deviations.extend(missing.into_iter().map(|section| Error::MissingSection { section }));

        if self.first(Section::Metadata).is_some_and(|metadata| metadata != layout::METADATA) {
            self.deviations.push(Error::MetadataNotCanonical);
        }
        let kernel = self.first(Section::Kernel).map(bzimage::check_length);
        let line = self.first(Section::CommandLine).map(|line| command_line(line).map(drop));
        let ramdisk = self.first(Section::Ramdisk).map(check_ramdisk);
        self.deviations.extend([kernel, line, ramdisk].into_iter().flatten().filter_map(Result::err));

        let metadata = self.all(Section::Metadata).next_back();
        if let Some(metadata) = metadata.filter(|metadata| metadata.len() <= MAX_METADATA) {
            self.metadata = serde_json::from_slice(metadata).ok();
            if !self.metadata.as_ref().is_some_and(has_metadata_of_aws) {
                self.refuse("the metadata is not the JSON that they write");
            }
        }
    }

    fn read_signature(&mut self) {
        let Some(first) = self.first(Section::Signature) else { return };
        let read: Result<Vec<_>, _> = self
            .all(Section::Signature)
            .map(|section| if section.len() > MAX_SIGNATURE { Err(Error::SignatureMalformed) } else { Ok(section) })
            .map(|section| SectionSignature::read(section?))
            .collect();
        let surveyed = read.and_then(|mut read| {
            let certificates =
                read.iter().fold(Sha384::new(), |hash, signature| hash.chain_update(&signature.certificate));
            let last = read.pop().ok_or(Error::NotSigned)?;
            let verdict = self.pcrs.clone().and_then(|pcrs| last.verify(&pcrs.pcr0));
            Ok(SurveyedSignature { last, pcr8: extend_zeros(certificates), verdict })
        });

        let strict = Signature::from_section(first);
        let strict =
            strict.and_then(|signature| self.pcrs.as_ref().map_or(Ok(()), |pcrs| signature.verify(&pcrs.pcr0)));
        self.deviations.extend(strict.err());
        if let Err(error) = &surveyed {
            self.refuse(&error.to_string());
        } else if let Ok(SurveyedSignature { verdict: Err(error), .. }) = &surveyed {
            self.deviations.push(error.clone());
        }
        self.signature = Some(surveyed);
    }

    fn refuse(&mut self, reason: &str) {
        self.not_as_aws.get_or_insert(refusal(reason));
    }
}

fn refusal(reason: &str) -> String {
    format!("AWS's tools do not read this file: {reason}")
}

/// Checks that a ramdisk has the strict form.
fn check_ramdisk(ramdisk: &[u8]) -> Result<(), Error> {
    let archive = gzip::expand(ramdisk, MAX_ARCHIVE)?;
    cpio::read(&archive).map(drop)
}

/// Whether AWS's tools read this metadata. They require these members, or `null`.
fn has_metadata_of_aws(metadata: &Value) -> bool {
    let Value::Object(members) = metadata else { return metadata.is_null() };
    let are_strings =
        |value: &Value, names: &[&str]| names.iter().all(|name| value.get(name).is_some_and(Value::is_string));
    let build = ["BuildTime", "BuildTool", "BuildToolVersion", "OperatingSystem", "KernelVersion"];
    are_strings(metadata, &["ImageName", "ImageVersion"])
        && members.get("BuildMetadata").is_some_and(|value| are_strings(value, &build))
        && members.contains_key("DockerInfo")
        && members.contains_key("CustomMetadata")
}

/// The deviations without repetitions, in their order.
fn distinct(deviations: Vec<Error>) -> Vec<Error> {
    let mut distinct = Vec::new();
    for deviation in deviations {
        if !distinct.contains(&deviation) {
            distinct.push(deviation);
        }
    }
    distinct
}
