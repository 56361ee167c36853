//! The arguments of `key` and its subcommands.

command! {
    /// makes, renews or shows your vault key
    #[argh(subcommand, name = "key")]
    Key {
        /// the subcommand
        #[argh(subcommand)]
        command: KeyCommand,
    }
}

subcommands! {
    /// The subcommands of `key`.
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
    /// makes a vault key inside the enclave and countersigns it; also completes an interrupted `key create`
    #[argh(subcommand, name = "create")]
    KeyCreate {
        /// make a further key and keep the present one; a new image needs this once, because it cannot use the key of
        /// another image
        #[argh(switch)]
        next_epoch: bool,
        /// the exceptions that you accept, separated by commas
        #[argh(option, arg_name = "exceptions")]
        accept: Option<String>,
    }
}

command! {
    /// has the enclave attest your vault key again, so that others can continue to encrypt to it
    #[argh(subcommand, name = "renew")]
    KeyRenew {
        /// the exceptions that you accept, separated by commas
        #[argh(option, arg_name = "exceptions")]
        accept: Option<String>,
    }
}

command! {
    /// shows your vault keys and their states
    #[argh(subcommand, name = "show")]
    KeyShow {}
}

with_subcommands! { Key }
without_subcommands! { KeyCreate KeyRenew KeyShow }
