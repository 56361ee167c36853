//! One's own: receipts, identity, settings.

use super::Globals;
use argh::{ArgsInfo, FromArgs};

command! {
    /// checks, shows or passes on a receipt, offline
    #[argh(subcommand, name = "receipt")]
    Receipt {
        /// what to do
        #[argh(subcommand)]
        command: ReceiptCommand,
    }
}

commands! {
    /// Commands about receipts.
    ReceiptCommand {
        /// See [`ReceiptVerify`].
        Verify(ReceiptVerify),
        /// See [`ReceiptDisclose`].
        Disclose(ReceiptDisclose),
        /// See [`ReceiptShow`].
        Show(ReceiptShow),
    }
}

command! {
    /// checks that a pinned image ran this function on this input for this caller and returned this result
    #[argh(
        subcommand,
        name = "verify",
        example = "{command_name} letter.receipt --input letter.txt --result redacted.txt",
        note = "It says nothing about other runs. Without -p what is pinned for any address counts."
    )]
    ReceiptVerify {
        /// the receipt
        #[argh(positional)]
        file: String,
        /// the result to compare
        #[argh(option)]
        result: Option<String>,
        /// an input to compare, in plain, in order; once for each
        #[argh(option)]
        input: Vec<String>,
        /// PCRs: 0:HEX, further ones after a comma or another -p
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// a root certificate, DER, in the place of Amazon's (with -p)
        #[argh(option)]
        root: Option<String>,
    }
}

command! {
    /// makes a copy for others by which nothing can be compared but what you name
    #[argh(
        subcommand,
        name = "disclose",
        example = "{command_name} letter.receipt --out public.receipt --result\n\
            {command_name} letter.receipt --out public.receipt --input 1",
        note = "What is left out cannot be guessed by its commitment: its salt is not there."
    )]
    ReceiptDisclose {
        /// the receipt
        #[argh(positional)]
        file: String,
        /// where to write the copy
        #[argh(option)]
        out: String,
        /// let the result be compared
        #[argh(switch)]
        result: bool,
        /// the number of an input to let be compared, from 1; once for each
        #[argh(option)]
        input: Vec<usize>,
    }
}

command! {
    /// shows what a receipt says, without judging it
    #[argh(subcommand, name = "show")]
    ReceiptShow {
        /// the receipt
        #[argh(positional)]
        file: String,
    }
}

command! {
    /// shows, exports or imports your identity
    #[argh(subcommand, name = "identity")]
    Identity {
        /// what to do
        #[argh(subcommand)]
        command: IdentityCommand,
    }
}

commands! {
    /// Commands about the identity.
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
    /// shows your key, which others need, and its fingerprint, by which they check it
    #[argh(subcommand, name = "show")]
    IdentityShow {}
}

command! {
    /// writes your identity into a file, under a passphrase
    #[argh(subcommand, name = "export", example = "{command_name} backup.capelet")]
    IdentityExport {
        /// the file to write
        #[argh(positional)]
        file: String,
        /// a file whose first line is the passphrase (asked for on the terminal if not said)
        #[argh(option)]
        passphrase_file: Option<String>,
    }
}

command! {
    /// takes an identity from a file of `identity export`
    #[argh(subcommand, name = "import")]
    IdentityImport {
        /// the file
        #[argh(positional)]
        file: String,
        /// a file whose first line is the passphrase (asked for on the terminal if not said)
        #[argh(option)]
        passphrase_file: Option<String>,
    }
}

command! {
    /// shows or sets what is usually said: url, output
    #[argh(
        subcommand,
        name = "config",
        example = "{command_name}\n{command_name} url capelet://enclave.example.org\n{command_name} url ''",
        note = "A flag goes before the environment (CAPELET_URL, CAPELET_OUTPUT), which goes before this."
    )]
    Config {
        /// url or output, and its value; an empty value unsets it
        #[argh(positional, arg_name = "setting value")]
        setting: Vec<String>,
    }
}

command! {
    /// shows the versions of this client and of its protocol
    #[argh(subcommand, name = "version")]
    Version {}
}

branches! { Identity Receipt }
leaves! { Config IdentityExport IdentityImport IdentityShow ReceiptDisclose ReceiptShow ReceiptVerify Version }
