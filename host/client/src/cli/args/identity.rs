//! The arguments of `identity` and its subcommands.

command! {
    /// shows, exports or imports your identity
    #[argh(subcommand, name = "identity")]
    Identity {
        /// the subcommand
        #[argh(subcommand)]
        command: IdentityCommand,
    }
}

subcommands! {
    /// The subcommands of `identity`.
    IdentityCommand {
        /// See [`IdentityShow`].
        Show(IdentityShow),
        /// See [`IdentityExport`].
        Export(IdentityExport),
        /// See [`IdentityImport`].
        Import(IdentityImport),
    }
}

command! {
    /// shows your key, which others need, and its fingerprint, with which they check the key
    #[argh(subcommand, name = "show")]
    IdentityShow {}
}

command! {
    /// writes your identity, your catalogue and the KMS key texts that you accepted into a file that a passphrase
    /// protects; export again after each `deploy` and `key create`
    #[argh(
        subcommand,
        name = "export",
        example = "{command_name} backup.capelet",
        note = "A passphrase has at least 12 characters. If you leave it empty on a terminal, one of 100 random bits is \
            generated and shown. Pins, contacts and receipts are not in the file."
    )]
    IdentityExport {
        /// the file to write
        #[argh(positional)]
        file: String,
        /// a file whose first line is the passphrase, or - for standard input; others must not be able to read the file
        /// (default: typed on the terminal)
        #[argh(option)]
        passphrase_file: Option<String>,
        /// replace a file that exists
        #[argh(switch)]
        force: bool,
    }
}

command! {
    /// imports an identity from a file of `identity export`
    #[argh(subcommand, name = "import")]
    IdentityImport {
        /// the file
        #[argh(positional)]
        file: String,
        /// a file whose first line is the passphrase, or - for standard input; others must not be able to read the file
        /// (default: typed on the terminal)
        #[argh(option)]
        passphrase_file: Option<String>,
    }
}

with_subcommands! { Identity }
without_subcommands! { IdentityExport IdentityImport IdentityShow }
