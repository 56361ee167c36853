//! The arguments of `config`.

command! {
    /// shows or sets defaults: url, output
    #[argh(
        subcommand,
        name = "config",
        example = "{command_name}\n{command_name} url capelet://enclave.example.org\n{command_name} url ''",
        note = "Options take precedence over the environment (CAPELET_URL, CAPELET_OUTPUT), and the environment takes \
            precedence over these defaults."
    )]
    Config {
        /// url or output, and its value; an empty value removes the default
        #[argh(positional, arg_name = "setting value")]
        setting: Vec<String>,
    }
}

without_subcommands! { Config }
