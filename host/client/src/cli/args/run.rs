//! The arguments of `run`.

command! {
    /// runs a function and prints its result, unchanged, on standard output
    #[argh(
        subcommand,
        name = "run",
        example = "{command_name} redact -f letter.txt\n\
            {command_name} redact -f letter.cape --receipt letter.receipt\n\
            {command_name} redact - < letter.txt\n\
            {command_name} redact --plain -f untrusted.txt",
        note = "Encrypted input (a file of `encrypt`, or cape:…) is decrypted only inside the enclave. Without --plain \
            and --ciphertext, an input is taken as encrypted if it begins like one. The function reads the second and \
            further -f as the files input/1, input/2 … On a terminal, characters that would command it are escaped."
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
        /// every input is data in the clear, however it begins
        #[argh(switch)]
        plain: bool,
        /// every input must be encrypted
        #[argh(switch)]
        ciphertext: bool,
        /// the checksum that the function must have (default: from your catalogue)
        #[argh(option, arg_name = "checksum")]
        function_checksum: Option<String>,
        /// the function's version (default: from your catalogue)
        #[argh(option, arg_name = "number")]
        function_version: Option<u64>,
        /// SHA-384 that the KMS key's policy must have (default: any)
        #[argh(option, arg_name = "checksum")]
        key_policy_checksum: Option<String>,
        /// the file for the receipt, which contains the salts of its commitments (default: a file in receipts/ of your folder)
        #[argh(option, arg_name = "file")]
        receipt: Option<String>,
    }
}

without_subcommands! { Run }
