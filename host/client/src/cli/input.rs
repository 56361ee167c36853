//! Reads what arguments name: files, root certificates, checksums, times.

use crate::clock;
use crate::error::Error;
use crate::files;
use crate::values::{Hex, SHA384_FORM};
use enclave_core::attestation::Root;
use enclave_core::{Checksum, UnixMillis};
use std::path::Path;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use zeroize::Zeroizing;

/// Reads a file, or standard input if `path` is `-`. More than `limit` bytes are an error.
pub(super) fn read_file_or_stdin(path: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Error> {
    files::read(Path::new(path), limit)
}

/// Parses the checksum of a function, which is the value of the option `name`.
pub(super) fn parse_checksum(name: &'static str, text: &str) -> Result<Checksum, Error> {
    let invalid = || Error::BadValue { name, value: text.to_owned(), want: "64 hexadecimal digits" };
    Hex::parse(text).map(|Hex(checksum)| checksum).ok_or_else(invalid)
}

/// Checks that a SHA-384, which is the value of the option `name`, is written correctly.
pub(super) fn check_sha384(name: &'static str, text: Option<&str>) -> Result<(), Error> {
    match text.filter(|text| Hex::<[u8; 48]>::parse(text).is_none()) {
        Some(text) => Err(Error::BadValue { name, value: text.to_owned(), want: SHA384_FORM }),
        None => Ok(()),
    }
}

/// The time of the option `--at`: RFC 3339, or milliseconds since 1970. `None` stands for the present time.
pub(super) fn time(text: Option<&str>) -> Result<UnixMillis, Error> {
    let Some(text) = text else { return Ok(clock::now()) };
    let millis = text.parse().ok().or_else(|| {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
    });
    let want = "a time since 1970: 2026-01-31T12:00:00Z (RFC 3339), or milliseconds since 1970";
    millis.map(UnixMillis::new).ok_or_else(|| Error::BadValue { name: "--at", value: text.to_owned(), want })
}

/// The greatest age of the option `--max-age`, in milliseconds: a duration with units, or seconds. `default` applies if
/// it was not given.
pub(super) fn max_age(text: Option<&str>, default: u64) -> Result<u64, Error> {
    let Some(text) = text else { return Ok(default) };
    let seconds = text.parse().ok().or_else(|| Some(humantime::parse_duration(text).ok()?.as_secs()));
    let want = "a duration such as 30d, 12h or 5m 30s, or a number of seconds";
    let invalid = || Error::BadValue { name: "--max-age", value: text.to_owned(), want };
    seconds.and_then(|seconds: u64| seconds.checked_mul(1000)).ok_or_else(invalid)
}

/// Reads a root certificate. `None` stands for Amazon's root.
pub(super) fn read_root(path: Option<&str>) -> Result<Root, Error> {
    /// The largest certificate, in bytes.
    const MAX_ROOT: u64 = 8192;
    match path {
        None => Ok(Root::aws()),
        Some(path) => {
            let der = files::read(Path::new(path), MAX_ROOT)?.to_vec();
            let root = Root::development(der)?;
            // The file may contain Amazon's root, which must not count as a development root.
            Ok(if root.is_development() { root } else { Root::aws() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_of_rfc_3339_and_in_milliseconds() {
        for (text, millis) in [
            ("1762795210812", Some(1_762_795_210_812)),
            ("0", Some(0)),
            ("2025-11-10T17:20:10Z", Some(1_762_795_210_000)),
            ("2025-11-10T17:20:10.812Z", Some(1_762_795_210_812)),
            ("2025-11-10t19:20:10.812+02:00", Some(1_762_795_210_812)),
            ("2024-02-29T00:00:00-00:00", Some(1_709_164_800_000)),
            ("9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
            // Without an offset, and with a space in place of T, the text could mean another time.
            ("2025-11-10T17:20:10", None),
            ("2025-02-29T00:00:00Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("2025-11-10", None),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(time(Some(text)).ok().map(UnixMillis::get), millis, "{text}");
        }
    }

    #[test]
    fn reads_ages_with_units_and_in_seconds() {
        const DAY: u64 = 86_400_000;
        for (text, millis) in [
            ("30d", Some(30 * DAY)),
            ("12h", Some(DAY / 2)),
            ("5m 30s", Some(330_000)),
            ("300", Some(300_000)),
            ("0", Some(0)),
            ("2 weeks", Some(14 * DAY)),
            ("18446744073709551615", None),
            ("18446744073709551615d", None),
            ("-1d", None),
            ("30x", None),
            ("", None),
        ] {
            assert_eq!(max_age(Some(text), 7).ok(), millis, "{text}");
        }
        assert_eq!(max_age(None, 7).ok(), Some(7));
    }
}
