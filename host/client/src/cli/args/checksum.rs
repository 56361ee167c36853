//! The arguments of `checksum`.

command! {
    /// computes a function's checksum, offline; senders ask the function's owner for it
    #[argh(subcommand, name = "checksum", example = "{command_name} redact/\n{command_name} redact.wasm")]
    Checksum {
        /// a folder with capelet.json, or a .wasm file
        #[argh(positional)]
        path: String,
    }
}

without_subcommands! { Checksum }
