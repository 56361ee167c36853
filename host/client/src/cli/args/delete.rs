//! The arguments of `delete`.

command! {
    /// asks the store to delete a function
    #[argh(subcommand, name = "delete", note = "Nobody can prove that a store has deleted something.")]
    Delete {
        /// a name in your catalogue, or an id
        #[argh(positional)]
        function: String,
        /// the function's version (default: the newest in your catalogue)
        #[argh(option, arg_name = "number")]
        function_version: Option<u64>,
    }
}

without_subcommands! { Delete }
