//! The arguments of `attest`.

command! {
    /// opens a session and shows what was verified
    #[argh(subcommand, name = "attest", example = "{command_name}\n{command_name} -o json -u capelet://localhost")]
    Attest {}
}

without_subcommands! { Attest }
