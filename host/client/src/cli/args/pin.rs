//! The arguments of `pin`.

command! {
    /// pins the images that may answer at an address; without an address and options, shows the pins
    #[argh(
        subcommand,
        name = "pin",
        example = "{command_name} capelet://enclave.example.org --measurements measurements.json\n\
            {command_name} capelet://enclave.example.org -p 0:HEX,8:HEX\n\
            {command_name} --development unix:/tmp/capelet/enclave.sock\n\
            {command_name} unix:/tmp/qemu/enclave.sock --measurements measurements.json --root chain/root.der\n\
            {command_name} capelet://enclave.example.org --revoke HEX",
        note = "Take measurements from the release's page or from an image that you built, never from the address \
            itself. The only exception is a development root on this machine (--development)."
    )]
    Pin {
        /// the enclave's address; -u names it too
        #[argh(positional)]
        address: Option<String>,
        /// a release's measurements.json
        #[argh(option, arg_name = "file")]
        measurements: Option<String>,
        /// an .eif file, which this command measures
        #[argh(option, arg_name = "file")]
        eif: Option<String>,
        /// PCRs: 0:HEX; separate several by commas, or repeat -p
        #[argh(option, short = 'p')]
        pcr: Vec<String>,
        /// a development root certificate (DER) instead of Amazon's
        #[argh(option, arg_name = "file")]
        root: Option<String>,
        /// trust the enclave that answers now; only with a development root, and only on this machine
        #[argh(switch)]
        development: bool,
        /// keep the images that are already pinned
        #[argh(switch)]
        add: bool,
        /// remove the earlier pins and the earlier root; asks first, on a terminal
        #[argh(switch)]
        replace: bool,
        /// do not ask; --replace requires it without a terminal, if something is pinned
        #[argh(switch, short = 'y')]
        yes: bool,
        /// PCR0 of an image that must no longer answer
        #[argh(option, arg_name = "pcr0")]
        revoke: Option<String>,
    }
}

without_subcommands! { Pin }
