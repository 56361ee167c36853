//! The arguments of `receipt` and its subcommands.

command! {
    /// verifies a receipt, shows it, or discloses only a part of it; works offline
    #[argh(subcommand, name = "receipt")]
    Receipt {
        /// the subcommand
        #[argh(subcommand)]
        command: ReceiptCommand,
    }
}

subcommands! {
    /// The subcommands of `receipt`.
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
        example = "{command_name} letter.receipt --input letter.txt --result redacted.txt\n\
            {command_name} letter.receipt --input letter.cape\n\
            {command_name} letter.receipt -u capelet://enclave.example.org --function-checksum HEX --caller ann",
        note = "A receipt proves nothing about other runs. The pins of the address -u apply, or those that -p names; \
            without both, the pins of any address. The receipt of a failed run ends with status 1, unless \
            --allow-failed is given."
    )]
    ReceiptVerify {
        /// the receipt
        #[argh(positional)]
        file: String,
        /// a file with the result to compare
        #[argh(option, arg_name = "file")]
        result: Option<String>,
        /// a file with an input to compare, as plaintext or encrypted as it was sent; repeat for each input, in order
        #[argh(option, arg_name = "file")]
        input: Vec<String>,
        /// PCRs: 0:HEX; separate several by commas, or repeat -p
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// a root certificate (DER) instead of Amazon's; needs -p
        #[argh(option, arg_name = "file")]
        root: Option<String>,
        /// accept a development root
        #[argh(switch)]
        development: bool,
        /// accept the receipt of a failed run
        #[argh(switch)]
        allow_failed: bool,
        /// every --input is data in the clear, however it begins
        #[argh(switch)]
        plain: bool,
        /// every --input must be encrypted
        #[argh(switch)]
        ciphertext: bool,
        /// the function that must have run: ID or OWNER/ID
        #[argh(option)]
        function: Option<String>,
        /// the checksum that the function must have had
        #[argh(option, arg_name = "checksum")]
        function_checksum: Option<String>,
        /// who must have called it: a contact, or an owner's key
        #[argh(option, arg_name = "owner")]
        caller: Option<String>,
    }
}

command! {
    /// makes a copy of a receipt that discloses only what you name
    #[argh(
        subcommand,
        name = "disclose",
        example = "{command_name} letter.receipt --out public.receipt --result\n\
            {command_name} letter.receipt --out public.receipt --input 1\n\
            {command_name} letter.receipt --out public.receipt --ciphertext 1",
        note = "Anyone who has the copy can compare only what it discloses. They cannot guess the rest from its \
            commitments, because the copy does not contain the salts. --ciphertext shows to those who have the encrypted \
            file that it was used, and not what is in it."
    )]
    ReceiptDisclose {
        /// the receipt
        #[argh(positional)]
        file: String,
        /// the file for the copy, or - for standard output
        #[argh(option, arg_name = "file")]
        out: String,
        /// disclose the result
        #[argh(switch)]
        result: bool,
        /// the number of an input to disclose as the function saw it, from 1; repeat for each
        #[argh(option, arg_name = "number")]
        input: Vec<usize>,
        /// the number of an input whose encrypted file to disclose, from 1; repeat for each
        #[argh(option, arg_name = "number")]
        ciphertext: Vec<usize>,
    }
}

command! {
    /// shows a receipt's content without verifying it
    #[argh(subcommand, name = "show")]
    ReceiptShow {
        /// the receipt
        #[argh(positional)]
        file: String,
    }
}

with_subcommands! { Receipt }
without_subcommands! { ReceiptDisclose ReceiptShow ReceiptVerify }
