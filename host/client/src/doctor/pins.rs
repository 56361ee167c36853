//! The enclave's address, and what is pinned.

use super::{Check, Finding};
use crate::address::Address;
use crate::error::Error;
use crate::home::Home;
use crate::home::trust::{Trust, TrustEntry};
use crate::url::Url;

/// Which address is used, and why.
pub(super) fn check_address(address: &Result<Address, Error>) -> Finding {
    match address {
        Ok(Address { url, source }) => Finding::ok(Check::Address, format!("{url}, {}", source.text())),
        Err(Error::NoUrl) => Finding::warning(
            Check::Address,
            "no enclave is named, and not exactly one is pinned",
            "give -u URL to each command, set CAPELET_URL, or run `capelet config url URL`",
        ),
        Err(error) => Finding::error(Check::Address, error),
    }
}

/// What is pinned, for each address. `used` is the address that commands use.
pub(super) fn check(home: &Home, used: Option<&Url>) -> Vec<Finding> {
    let trust: Trust = match home.load() {
        Ok(trust) => trust,
        Err(error) => return vec![Finding::error(Check::Pins, &error)],
    };
    if trust.all().is_empty() {
        let remedy = "run `capelet pin URL --measurements FILE` with the measurements of a release";
        return vec![Finding::problem(Check::Pins, "no image is pinned, so nothing is sent to any enclave", remedy)];
    }
    let mut found: Vec<_> = trust.all().iter().map(entry).collect();
    if let Some(url) = used.filter(|url| trust.find(url).is_none()) {
        found.push(Finding::error(Check::Pins, &Error::NoPins(url.to_string())));
    }
    found
}

/// What is pinned for one address.
fn entry(entry: &TrustEntry) -> Finding {
    let url = &entry.url;
    let root = match entry.root() {
        Ok(root) => root,
        Err(error) => return Finding::error(Check::Pins, &error),
    };
    if entry.pins.is_empty() {
        let remedy = format!("run `capelet pin {url} --measurements FILE` with those of a newer release");
        return Finding::problem(
            Check::Pins,
            format!("{url}: every image is revoked, so nothing is sent to it"),
            remedy,
        );
    }
    let images = match entry.pins.len() {
        1 => "1 image".to_owned(),
        count => format!("{count} images"),
    };
    let revoked = match entry.revoked.len() {
        0 => String::new(),
        count => format!(", {count} revoked"),
    };
    if root.is_development() {
        let text =
            format!("{url}: {images}{revoked}, under a development root, which proves nothing about other machines");
        let remedy = format!("for real data, run `capelet pin {url} --replace --measurements FILE`");
        return Finding::warning(Check::Pins, text, remedy);
    }
    Finding::ok(Check::Pins, format!("{url}: {images}{revoked}, under Amazon's root"))
}
