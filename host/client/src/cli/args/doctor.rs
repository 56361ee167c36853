//! The arguments of `doctor`.

command! {
    /// checks your set-up and says for each finding what to do; nothing is made or changed
    #[argh(
        subcommand,
        name = "doctor",
        example = "{command_name}\n{command_name} --offline -o json",
        note = "A finding begins with `ok`, `skipped`, `warning` or `problem` and the name of the check: versions, folders, \
            settings, address, pins, state, identity, catalogue, backup, statement, connection, clock, attestation, kms. \
            The remedy is in the next line. A problem ends the command with status 1 and the code problems-found; a \
            warning does not."
    )]
    Doctor {
        /// open no connection
        #[argh(switch)]
        offline: bool,
    }
}

without_subcommands! { Doctor }
