//! The command line as argh reads it: one struct for each command, and its help.

use argh::{ArgsInfo, FromArgs};

/// What every command takes, wherever it stands in the line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Globals {
    /// `-u`.
    pub url: Option<String>,
    /// `-o`.
    pub output: Option<String>,
    /// `-v`.
    pub verbose: bool,
}

impl Globals {
    /// What was said closer to the command goes before what was said farther from it.
    fn or(self, outer: Self) -> Self {
        Self {
            url: self.url.or(outer.url),
            output: self.output.or(outer.output),
            verbose: self.verbose || outer.verbose,
        }
    }
}

/// A command with `-u -o -v`, which argh wants in each of them.
macro_rules! command {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $outer:ident $(<$inner:ident>)?,)*
    }) => {
        #[derive(FromArgs, ArgsInfo, Debug, PartialEq)]
        $(#[$meta])*
        #[argh(help_triggers("-h", "--help", "help"))]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $outer $(<$inner>)?,)*
            /// the enclave: capelet://HOST[:PORT] or unix:/PATH (else CAPELET_URL, else `config url`, else the only
            /// address that is pinned)
            #[argh(option, short = 'u')]
            pub url: Option<String>,
            /// plain or json
            #[argh(option, short = 'o')]
            pub output: Option<String>,
            /// say more, on standard error
            #[argh(switch, short = 'v')]
            pub verbose: bool,
        }

        impl $name {
            fn globals(&self) -> Globals {
                Globals { url: self.url.clone(), output: self.output.clone(), verbose: self.verbose }
            }
        }
    };
}

/// Commands that are one of several.
macro_rules! commands {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident($of:ident),)* }) => {
        #[derive(FromArgs, ArgsInfo, Debug, PartialEq)]
        #[argh(subcommand)]
        $(#[$meta])*
        pub enum $name {
            $($(#[$variant_meta])* $variant($of),)*
        }

        impl $name {
            fn globals(&self) -> Globals {
                match self {
                    $(Self::$variant(command) => command.all_globals(),)*
                }
            }
        }
    };
}

/// For commands without commands of their own.
macro_rules! leaves {
    ($($name:ident)*) => {
        $(impl $name {
            fn all_globals(&self) -> Globals {
                self.globals()
            }
        })*
    };
}

/// For commands that have some.
macro_rules! branches {
    ($($name:ident)*) => {
        $(impl $name {
            /// See [`Globals`].
            pub fn all_globals(&self) -> Globals {
                self.command.globals().or(self.globals())
            }
        })*
    };
}

command! {
    /// Runs functions inside AWS Nitro Enclaves so that nobody else, the machine's owner included, sees code, input
    /// or result. Nothing is sent before the enclave has shown that it is the image you pinned.
    #[argh(
        example = "First say whom you trust, then deploy, encrypt and run:\n\
            \u{a0} {command_name} pin capelet://enclave.example.org --measurements measurements.json\n\
            \u{a0} {command_name} deploy redact/\n\
            \u{a0} {command_name} key create\n\
            \u{a0} {command_name} encrypt 'my secret' | {command_name} run redact -",
        note = "Results go to standard output, everything else to standard error. A failure ends with status 1 and \
            `Error: …` with a stable code in brackets; with -o json the code is in the result too. Everything that \
            is kept lies in CAPELET_HOME, or ~/.config/capelet."
    )]
    Capelet {
        /// what to do
        #[argh(subcommand)]
        command: Command,
    }
}

commands! {
    /// All commands.
    Command {
        /// See [`Pin`].
        Pin(Pin),
        /// See [`Attest`].
        Attest(Attest),
        /// See [`Pcrs`].
        Pcrs(Pcrs),
        /// See [`Verify`].
        Verify(Verify),
        /// See [`Checksum`].
        Checksum(Checksum),
        /// See [`Deploy`].
        Deploy(Deploy),
        /// See [`Run`].
        Run(Run),
        /// See [`Encrypt`].
        Encrypt(Encrypt),
        /// See [`Key`].
        Key(Key),
        /// See [`Contact`].
        Contact(Contact),
        /// See [`List`].
        List(List),
        /// See [`Delete`].
        Delete(Delete),
        /// See [`Receipt`].
        Receipt(Receipt),
        /// See [`Identity`].
        Identity(Identity),
        /// See [`Config`].
        Config(Config),
        /// See [`Version`].
        Version(Version),
    }
}

branches! { Capelet Key Contact Receipt Identity }
leaves! { Pin Attest Pcrs Verify Checksum Deploy Run Encrypt List Delete Config Version }
leaves! { KeyCreate KeyRenew KeyShow ContactAdd ContactFetch ContactList ContactRemove }
leaves! { ReceiptVerify ReceiptShow IdentityShow IdentityExport IdentityImport }

command! {
    /// says which images may answer at an address; without an address, shows what is pinned
    #[argh(
        subcommand,
        name = "pin",
        example = "{command_name} capelet://enclave.example.org --measurements measurements.json\n\
            {command_name} capelet://enclave.example.org -p 0:HEX,8:HEX\n\
            {command_name} --development unix:/tmp/capelet/enclave.sock\n\
            {command_name} capelet://enclave.example.org --revoke HEX",
        note = "Measurements come from a release's own page or from an image that you built, never from the address \
            itself; the one exception is a development root on this machine (--development)."
    )]
    Pin {
        /// the address
        #[argh(positional)]
        address: Option<String>,
        /// a release's measurements.json
        #[argh(option)]
        measurements: Option<String>,
        /// an .eif file, which is measured here
        #[argh(option)]
        eif: Option<String>,
        /// PCRs: 0:HEX, further ones after a comma or another -p
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// trust what answers now: a development root, on this machine only
        #[argh(switch)]
        development: bool,
        /// keep the images pinned before
        #[argh(switch)]
        add: bool,
        /// forget what was pinned before, root and all
        #[argh(switch)]
        replace: bool,
        /// PCR0 of an image that may no longer answer
        #[argh(option)]
        revoke: Option<String>,
    }
}

command! {
    /// opens a session and shows what was verified
    #[argh(subcommand, name = "attest", example = "{command_name}\n{command_name} -o json -u capelet://localhost")]
    Attest {}
}

command! {
    /// shows the PCRs of the enclave that answers, once verified
    #[argh(subcommand, name = "pcrs", example = "{command_name} -u capelet://localhost")]
    Pcrs {}
}

command! {
    /// judges a stored attestation document, which speaks of no connection
    #[argh(
        subcommand,
        name = "verify",
        example = "{command_name} document.cose -p 0:HEX --at 1762795210812",
        error_code(0, "Everything holds."),
        error_code(1, "Something does not; the code says what: no-pins, expired, not-yet-valid, bad-signature, \
            untrusted-root, pcr-mismatch, debug-mode, nonce-mismatch, malformed …")
    )]
    Verify {
        /// the document (a COSE_Sign1), or - for standard input
        #[argh(positional)]
        file: String,
        /// PCRs: 0:HEX, further ones after a comma or another -p
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// a root certificate, DER, in the place of Amazon's
        #[argh(option)]
        root: Option<String>,
        /// judge at this time, in milliseconds since 1970, instead of now
        #[argh(option)]
        at: Option<u64>,
        /// how old it may be, in seconds (300 if not said)
        #[argh(option)]
        max_age: Option<u64>,
        /// the nonce that it must repeat, hexadecimal
        #[argh(option)]
        nonce: Option<String>,
    }
}

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
        /// where to write the receipt (into receipts/ of your folder if not said)
        #[argh(option)]
        receipt: Option<String>,
    }
}

command! {
    /// encrypts to a vault, offline once its statement was fetched
    #[argh(
        subcommand,
        name = "encrypt",
        example = "{command_name} 'my secret'\n\
            {command_name} --to ann --for CHECKSUM -f letter.txt --out letter.cape",
        note = "Without --out the text form (cape:…) goes to standard output. To somebody else's vault you must say \
            which code may read it. Nobody is authenticated as the sender."
    )]
    Encrypt {
        /// the data itself, or - for standard input
        #[argh(positional)]
        data: Option<String>,
        /// whose vault: a contact, or an owner's key (yours if not said)
        #[argh(option)]
        to: Option<String>,
        /// a function's checksum, which may read it; once for each
        #[argh(option, long = "for")]
        for_function: Vec<String>,
        /// let whatever the vault's owner deploys read it
        #[argh(switch)]
        any_function_of_owner: bool,
        /// a file to encrypt, or -
        #[argh(option, short = 'f')]
        file: Option<String>,
        /// where to write the encrypted file
        #[argh(option)]
        out: Option<String>,
        /// exceptions that you accept, joined by commas
        #[argh(option)]
        accept: Option<String>,
        /// how old the vault's statement may be, in seconds (30 days if not said)
        #[argh(option)]
        max_age: Option<u64>,
    }
}

command! {
    /// makes, renews or shows your vault key
    #[argh(subcommand, name = "key")]
    Key {
        /// what to do
        #[argh(subcommand)]
        command: KeyCommand,
    }
}

commands! {
    /// Commands about vault keys.
    KeyCommand {
        /// See [`KeyCreate`].
        Create(KeyCreate),
        /// See [`KeyRenew`].
        Renew(KeyRenew),
        /// See [`KeyShow`].
        Show(KeyShow),
    }
}

command! {
    /// makes a vault key inside the enclave and countersigns it; takes up one that was interrupted
    #[argh(subcommand, name = "create")]
    KeyCreate {
        /// make another beside the one that is there
        #[argh(switch)]
        next_epoch: bool,
        /// exceptions that you accept, joined by commas
        #[argh(option)]
        accept: Option<String>,
    }
}

command! {
    /// has the enclave attest your vault key anew, so that others go on encrypting to it
    #[argh(subcommand, name = "renew")]
    KeyRenew {}
}

command! {
    /// shows your vault keys and how far each came
    #[argh(subcommand, name = "show")]
    KeyShow {}
}

command! {
    /// keeps the address book: names that you gave to owners' keys
    #[argh(subcommand, name = "contact")]
    Contact {
        /// what to do
        #[argh(subcommand)]
        command: ContactCommand,
    }
}

commands! {
    /// Commands about contacts.
    ContactCommand {
        /// See [`ContactAdd`].
        Add(ContactAdd),
        /// See [`ContactFetch`].
        Fetch(ContactFetch),
        /// See [`ContactList`].
        List(ContactList),
        /// See [`ContactRemove`].
        Remove(ContactRemove),
    }
}

command! {
    /// adds an owner, by the key that her `identity show` prints
    #[argh(subcommand, name = "add", example = "{command_name} ann KEY --fingerprint FINGERPRINT")]
    ContactAdd {
        /// the name that you give her
        #[argh(positional)]
        name: String,
        /// her key, 52 characters
        #[argh(positional)]
        key: String,
        /// her fingerprint, as she told you
        #[argh(option)]
        fingerprint: Option<String>,
    }
}

command! {
    /// fetches and verifies a vault statement, so that `encrypt` works offline
    #[argh(subcommand, name = "fetch")]
    ContactFetch {
        /// a contact, or an owner's key
        #[argh(positional)]
        name: String,
    }
}

command! {
    /// shows the address book
    #[argh(subcommand, name = "list")]
    ContactList {}
}

command! {
    /// removes a name
    #[argh(subcommand, name = "remove")]
    ContactRemove {
        /// the name
        #[argh(positional)]
        name: String,
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

command! {
    /// checks or shows a receipt, offline
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
