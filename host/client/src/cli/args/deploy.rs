//! The arguments of `deploy`.

command! {
    /// encrypts a function to the enclave, which stores it
    #[argh(
        subcommand,
        name = "deploy",
        example = "{command_name} redact/\n{command_name} redact.wasm -n redact --blind",
        note = "Deploying under an existing name makes the next version. A folder has a capelet.json: \
            {{\"entry\": \"FILE.wasm\"}} and, optionally, \"kind\" (command or reactor), \"handler\", \"arguments\", \
            \"nonce\"."
    )]
    Deploy {
        /// a folder with capelet.json, or a .wasm file
        #[argh(positional)]
        path: String,
        /// the function's name in your catalogue (default: the name of the folder or file)
        #[argh(option, short = 'n')]
        name: Option<String>,
        /// write a nonce into capelet.json first, so that nobody can guess the code from its checksum
        #[argh(switch)]
        blind: bool,
        /// the ARN of a KMS key in your own account
        #[argh(option, arg_name = "arn")]
        key: Option<String>,
        /// SHA-384 that the KMS key's policy must have (default: any)
        #[argh(option, arg_name = "checksum")]
        key_policy_checksum: Option<String>,
        /// the exceptions that you accept, separated by commas
        #[argh(option, arg_name = "exceptions")]
        accept: Option<String>,
    }
}

without_subcommands! { Deploy }
