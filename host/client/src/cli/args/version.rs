//! The arguments of `version`.

command! {
    /// shows the versions of this client and of its protocol
    #[argh(subcommand, name = "version")]
    Version {}
}

without_subcommands! { Version }
