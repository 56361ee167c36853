//! The arguments of `list`.

command! {
    /// compares the store's list of your functions and keys with your own catalogue
    #[argh(subcommand, name = "list", example = "{command_name}\n{command_name} --limit 20 --offset 40")]
    List {
        /// how many entries to show
        #[argh(option, arg_name = "number")]
        limit: Option<usize>,
        /// how many entries to skip first
        #[argh(option, arg_name = "number")]
        offset: Option<usize>,
    }
}

without_subcommands! { List }
