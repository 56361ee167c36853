//! The arguments of `encrypt`.

command! {
    /// encrypts to a vault; works offline once the vault's statement was fetched
    #[argh(
        subcommand,
        name = "encrypt",
        example = "{command_name} -f letter.txt\n\
            pass show letter | {command_name} -\n\
            {command_name} --to ann --for CHECKSUM -f letter.txt --out letter.cape",
        note = "Without --out, the text form (cape:…) is printed on standard output. For another owner's vault you must \
            name the functions that may read the data. The ciphertext does not authenticate its sender. Data that is \
            already encrypted is encrypted again. The address -u says which pins apply to the vault's statement."
    )]
    Encrypt {
        /// the data itself, or - for standard input
        #[argh(positional)]
        data: Option<String>,
        /// the vault's owner: a contact, or an owner's key (default: you)
        #[argh(option, arg_name = "owner")]
        to: Option<String>,
        /// the checksum of a function that may read the data; repeat for each
        #[argh(option, long = "for", arg_name = "checksum")]
        for_function: Vec<String>,
        /// allow every function that the vault's owner deploys to read the data
        #[argh(switch)]
        any_function_of_owner: bool,
        /// a file to encrypt, or - for standard input
        #[argh(option, short = 'f')]
        file: Option<String>,
        /// the file for the ciphertext, or - for standard output
        #[argh(option, arg_name = "file")]
        out: Option<String>,
        /// the exceptions that you accept, separated by commas
        #[argh(option, arg_name = "exceptions")]
        accept: Option<String>,
        /// the greatest age of the vault's statement: 30d, 12h, or seconds (default: 30d)
        #[argh(option, arg_name = "duration")]
        max_age: Option<String>,
    }
}

without_subcommands! { Encrypt }
