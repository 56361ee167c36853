//! The arguments of `run`.

command! {
    /// runs a function and prints its result, unchanged, on standard output
    #[argh(
        subcommand,
        name = "run",
        example = "{command_name} redact 'Call Ann at 555-0100'\n\
            {command_name} redact -f letter.cape --receipt letter.receipt\n\
            {command_name} redact - < letter.txt",
        note = "Encrypted input (a file of `encrypt`, or cape:…) is decrypted only inside the enclave. The function \
            reads the second and further -f as the files input/1, input/2 …"
    )]
    Run {
        /// a name in your catalogue, an id, or OWNER/ID
        #[argh(positional)]
        function: String,
        /// the input itself, or - for standard input
        #[argh(positional)]
        input: Option<String>,
        /// a file that contains the input, or - for standard input
        #[argh(option, short = 'f')]
        file: Vec<String>,
        /// the checksum that the function must have (default: from your catalogue)
        #[argh(option)]
        function_checksum: Option<String>,
        /// the function's version (default: from your catalogue)
        #[argh(option)]
        function_version: Option<u64>,
        /// SHA-384 that the KMS key's policy must have (default: any)
        #[argh(option)]
        key_policy_checksum: Option<String>,
        /// the file for the receipt (default: a file in receipts/ of your folder)
        #[argh(option)]
        receipt: Option<String>,
    }
}

without_subcommands! { Run }
