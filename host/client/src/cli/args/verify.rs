//! The arguments of `verify`.

command! {
    /// verifies a stored attestation document, which proves nothing about a connection
    #[argh(
        subcommand,
        name = "verify",
        example = "{command_name} document.cose -p 0:HEX --at 1762795210812",
        error_code(0, "The document is valid."),
        error_code(1, "The document is not valid. The code says why: no-pins, expired, not-yet-valid, bad-signature, \
            untrusted-root, pcr-mismatch, debug-mode, nonce-mismatch, not-a-document, nitrotpm-document, document-… \
            (the rule that the document breaks)")
    )]
    Verify {
        /// the document (a COSE_Sign1; also in base64 or in hexadecimal digits), or - for standard input
        #[argh(positional)]
        file: String,
        /// PCRs: 0:HEX; separate several by commas, or repeat -p
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// a root certificate (DER) instead of Amazon's
        #[argh(option, arg_name = "file")]
        root: Option<String>,
        /// verify for this time, in milliseconds since 1970 (default: now)
        #[argh(option)]
        at: Option<u64>,
        /// the greatest age, in seconds (default: 300)
        #[argh(option)]
        max_age: Option<u64>,
        /// the nonce that the document must contain, hexadecimal
        #[argh(option)]
        nonce: Option<String>,
    }
}

without_subcommands! { Verify }
