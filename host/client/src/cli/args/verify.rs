//! The arguments of `verify`.

command! {
    /// verifies a stored attestation document, which proves nothing about a connection
    #[argh(
        subcommand,
        name = "verify",
        example = "{command_name} document.cose -p 0:HEX --at 2025-11-10T17:20:10Z",
        error_code(0, "The document is valid."),
        error_code(1, "The document is not valid. The code says why: no-pins, expired, not-yet-valid, bad-signature, \
            untrusted-root, pcr-mismatch, debug-mode, nonce-mismatch, not-a-document, nitrotpm-document, document-… \
            (the rule that the document breaks)")
    )]
    Verify {
        /// the document (a COSE_Sign1; also in base64, in hexadecimal digits, or as one of these in JSON), or - for standard input
        #[argh(positional)]
        file: String,
        /// PCRs: 0:HEX; separate several by commas, or repeat -p
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// a root certificate (DER) instead of Amazon's
        #[argh(option, arg_name = "file")]
        root: Option<String>,
        /// verify for this time: 2026-01-31T12:00:00Z (RFC 3339), or milliseconds since 1970 (default: now)
        #[argh(option, arg_name = "time")]
        at: Option<String>,
        /// the greatest age: 30d, 12h, 5m, or seconds (default: 5m)
        #[argh(option, arg_name = "duration")]
        max_age: Option<String>,
        /// the nonce that the document must contain, hexadecimal
        #[argh(option)]
        nonce: Option<String>,
    }
}

without_subcommands! { Verify }
