//! The environment variables that `capelet` reads and the files that it keeps, as its man page explains them.

/// Environment variables, each with what it is for.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("CAPELET_HOME", "one folder for all of your files, in place of the three folders below"),
    ("CAPELET_URL", "the enclave's address if no option `-u` names one"),
    ("CAPELET_OUTPUT", "plain or json, if no option `-o` says which"),
    ("XDG_CONFIG_HOME", "the folder for configuration, in place of `~/.config`; a relative path is ignored"),
    ("XDG_DATA_HOME", "the folder for data, in place of `~/.local/share`; a relative path is ignored"),
    ("XDG_STATE_HOME", "the folder for state, in place of `~/.local/state`; a relative path is ignored"),
];

/// Files, each with what is in it. All of them can be read by their owner alone.
pub const FILES: &[(&str, &str)] = &[
    ("~/.config/capelet/", "what you chose; a folder of an earlier version, with an identity in it, has everything"),
    ("trust.json", "pins and roots, for each address"),
    ("contacts.json", "your names for other owners' keys"),
    ("config.json", "the defaults that `capelet config` sets"),
    ("~/.local/share/capelet/", "what nobody can make again"),
    ("identity.json", "your identity: anyone who has this file is you; `capelet identity export` makes a backup"),
    ("catalogue.json", "your functions and vault keys"),
    ("accepted.json", "the digests of the texts of KMS keys that you accepted"),
    ("policies/", "the texts of KMS keys, named by their digests"),
    ("receipts/", "the receipts of runs without `--receipt`"),
    ("~/.local/state/capelet/", "what is remembered, and what can be fetched again"),
    ("seen.json", "the highest versions that others have shown, so that older ones are refused"),
    ("backups.json", "when the identity was last exported, for `capelet doctor`"),
    ("statements/", "vault statements that were fetched"),
];
