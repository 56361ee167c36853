//! The environment variables that `capelet` reads and the files that it keeps, as its man page explains them.

/// Environment variables, each with what it is for.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("CAPELET_HOME", "the folder with all of your files, in place of `capelet` in your configuration folder"),
    ("CAPELET_URL", "the enclave's address if no option `-u` names one"),
    ("CAPELET_OUTPUT", "plain or json, if no option `-o` says which"),
    ("XDG_CONFIG_HOME", "your configuration folder, in place of `~/.config`; it must be an absolute path"),
];

/// Files, each with what is in it. All of them can be read by their owner alone.
pub const FILES: &[(&str, &str)] = &[
    ("~/.config/capelet/", "your folder, if CAPELET_HOME does not name another one"),
    ("identity.json", "your identity: anyone who has this file is you; `capelet identity export` makes a backup"),
    ("catalogue.json", "your functions and vault keys"),
    ("accepted.json", "the texts of the KMS keys that you accepted"),
    ("trust.json", "pins and roots, for each address"),
    ("contacts.json", "your names for other owners' keys"),
    ("config.json", "the defaults that `capelet config` sets"),
    ("seen.json", "the highest versions that others have shown, so that older ones are refused"),
    ("statements/", "vault statements that were fetched"),
    ("receipts/", "the receipts of runs without `--receipt`"),
];
