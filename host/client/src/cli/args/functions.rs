//! Functions: checksum, deploy, run, list, delete.

use super::Globals;
use argh::{ArgsInfo, FromArgs};

command! {
    /// computes a function's checksum, offline: what a data owner asks its owner for
    #[argh(subcommand, name = "checksum", example = "{command_name} redact/\n{command_name} redact.wasm")]
    Checksum {
        /// a folder with capelet.json, or a .wasm file
        #[argh(positional)]
        path: String,
    }
}

command! {
    /// seals a function for the enclave and stores it
    #[argh(
        subcommand,
        name = "deploy",
        example = "{command_name} redact/\n{command_name} redact.wasm -n redact --blind",
        note = "The same name again makes the next version. A folder has a capelet.json: {{\"entry\": \"FILE.wasm\"}} \
            and, if needed, \"kind\" (command or reactor), \"handler\", \"arguments\", \"nonce\"."
    )]
    Deploy {
        /// a folder with capelet.json, or a .wasm file
        #[argh(positional)]
        path: String,
        /// its name in your catalogue (the folder's or file's if not said)
        #[argh(option, short = 'n')]
        name: Option<String>,
        /// write a nonce into capelet.json first, so that nobody can guess the code by its checksum
        #[argh(switch)]
        blind: bool,
        /// a KMS key of your own account, by its ARN
        #[argh(option)]
        key: Option<String>,
        /// SHA-384 of the KMS key's policy, if it must be one that you read
        #[argh(option)]
        key_policy_checksum: Option<String>,
        /// exceptions that you accept, joined by commas
        #[argh(option)]
        accept: Option<String>,
    }
}

command! {
    /// runs a function; the result goes to standard output as it is
    #[argh(
        subcommand,
        name = "run",
        example = "{command_name} redact 'Call Ann at 555-0100'\n\
            {command_name} redact -f letter.cape --receipt letter.receipt\n\
            {command_name} redact - < letter.txt",
        note = "Input that is ciphertext (a file of `encrypt`, or cape:…) is opened inside the enclave only. A second \
            and further -f are files input/1, input/2 … to the function."
    )]
    Run {
        /// a name in your catalogue, or [OWNER/]ID
        #[argh(positional)]
        function: String,
        /// the input itself, or - for standard input
        #[argh(positional)]
        input: Option<String>,
        /// a file to take the input from, or -
        #[argh(option, short = 'f')]
        file: Vec<String>,
        /// which code it must be (from your catalogue if not said)
        #[argh(option)]
        function_checksum: Option<String>,
        /// which version (from your catalogue if not said)
        #[argh(option)]
        function_version: Option<u64>,
        /// SHA-384 of the KMS key's policy, if it must be one that you read
        #[argh(option)]
        key_policy_checksum: Option<String>,
        /// where to write the receipt (into receipts/ of your folder if not said)
        #[argh(option)]
        receipt: Option<String>,
    }
}

command! {
    /// compares what the store says you have with your own catalogue
    #[argh(subcommand, name = "list", example = "{command_name}\n{command_name} --limit 20 --offset 40")]
    List {
        /// how many to show
        #[argh(option)]
        limit: Option<usize>,
        /// how many to leave out first
        #[argh(option)]
        offset: Option<usize>,
    }
}

command! {
    /// asks the store to forget a function
    #[argh(subcommand, name = "delete", note = "Nobody can prove that a store forgot something.")]
    Delete {
        /// a name in your catalogue, or an id
        #[argh(positional)]
        function: String,
        /// which version (the newest in your catalogue if not said)
        #[argh(option)]
        function_version: Option<u64>,
    }
}

leaves! { Checksum Delete Deploy List Run }
