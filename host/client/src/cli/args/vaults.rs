//! Vault keys, whose they are, and what is encrypted to them.

use super::Globals;
use argh::{ArgsInfo, FromArgs};

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

branches! { Contact Key }
leaves! { ContactAdd ContactFetch ContactList ContactRemove Encrypt KeyCreate KeyRenew KeyShow }
