//! The arguments of `pcrs`.

command! {
    /// verifies the enclave and shows its PCRs
    #[argh(subcommand, name = "pcrs", example = "{command_name} -u capelet://localhost")]
    Pcrs {}
}

without_subcommands! { Pcrs }
