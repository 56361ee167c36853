//! Whom to trust, and what was verified.

use super::Globals;
use argh::{ArgsInfo, FromArgs};

command! {
    /// says which images may answer at an address; without an address, shows what is pinned
    #[argh(
        subcommand,
        name = "pin",
        example = "{command_name} capelet://enclave.example.org --measurements measurements.json\n\
            {command_name} capelet://enclave.example.org -p 0:HEX,8:HEX\n\
            {command_name} --development unix:/tmp/capelet/enclave.sock\n\
            {command_name} unix:/tmp/qemu/enclave.sock --measurements measurements.json --root chain/root.der\n\
            {command_name} capelet://enclave.example.org --revoke HEX",
        note = "Measurements come from a release's own page or from an image that you built, never from the address \
            itself; the one exception is a development root on this machine (--development)."
    )]
    Pin {
        /// the address
        #[argh(positional)]
        address: Option<String>,
        /// a release's measurements.json
        #[argh(option)]
        measurements: Option<String>,
        /// an .eif file, which is measured here
        #[argh(option)]
        eif: Option<String>,
        /// PCRs: 0:HEX, further ones after a comma or another -p
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// a development root, DER, in the place of Amazon's
        #[argh(option)]
        root: Option<String>,
        /// trust what answers now: a development root, on this machine only
        #[argh(switch)]
        development: bool,
        /// keep the images pinned before
        #[argh(switch)]
        add: bool,
        /// forget what was pinned before, root and all
        #[argh(switch)]
        replace: bool,
        /// PCR0 of an image that may no longer answer
        #[argh(option)]
        revoke: Option<String>,
    }
}

command! {
    /// opens a session and shows what was verified
    #[argh(subcommand, name = "attest", example = "{command_name}\n{command_name} -o json -u capelet://localhost")]
    Attest {}
}

command! {
    /// shows the PCRs of the enclave that answers, once verified
    #[argh(subcommand, name = "pcrs", example = "{command_name} -u capelet://localhost")]
    Pcrs {}
}

command! {
    /// judges a stored attestation document, which speaks of no connection
    #[argh(
        subcommand,
        name = "verify",
        example = "{command_name} document.cose -p 0:HEX --at 1762795210812",
        error_code(0, "Everything holds."),
        error_code(1, "Something does not; the code says what: no-pins, expired, not-yet-valid, bad-signature, \
            untrusted-root, pcr-mismatch, debug-mode, nonce-mismatch, malformed …")
    )]
    Verify {
        /// the document (a COSE_Sign1), or - for standard input
        #[argh(positional)]
        file: String,
        /// PCRs: 0:HEX, further ones after a comma or another -p
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// a root certificate, DER, in the place of Amazon's
        #[argh(option)]
        root: Option<String>,
        /// judge at this time, in milliseconds since 1970, instead of now
        #[argh(option)]
        at: Option<u64>,
        /// how old it may be, in seconds (300 if not said)
        #[argh(option)]
        max_age: Option<u64>,
        /// the nonce that it must repeat, hexadecimal
        #[argh(option)]
        nonce: Option<String>,
    }
}

leaves! { Attest Pcrs Pin Verify }
