//! The arguments of `delete`.

command! {
    /// asks the store to delete a function
    #[argh(subcommand, name = "delete", example = "{command_name} redact\n{command_name} redact --function-version 2 --yes",
        note = "The command asks first, on a terminal. Nobody can prove that a store has deleted something.")]
    Delete {
        /// a name in your catalogue, or an id
        #[argh(positional)]
        function: String,
        /// the function's version (default: the newest in your catalogue)
        #[argh(option, arg_name = "number")]
        function_version: Option<u64>,
        /// do not ask; required without a terminal
        #[argh(switch, short = 'y')]
        yes: bool,
    }
}

without_subcommands! { Delete }
