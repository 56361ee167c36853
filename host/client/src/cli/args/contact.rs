//! The arguments of `contact` and its subcommands.

command! {
    /// manages the address book: your names for owners' keys
    #[argh(subcommand, name = "contact")]
    Contact {
        /// the subcommand
        #[argh(subcommand)]
        command: ContactCommand,
    }
}

subcommands! {
    /// The subcommands of `contact`.
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
    /// adds an owner, by the key that their `identity show` prints
    #[argh(subcommand, name = "add", example = "{command_name} ann KEY --fingerprint FINGERPRINT")]
    ContactAdd {
        /// your name for the owner
        #[argh(positional)]
        name: String,
        /// the owner's key, 52 characters
        #[argh(positional)]
        key: String,
        /// the owner's fingerprint, as the owner told it to you
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

with_subcommands! { Contact }
without_subcommands! { ContactAdd ContactFetch ContactList ContactRemove }
