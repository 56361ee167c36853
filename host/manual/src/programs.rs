//! The programs that a user runs.

use crate::program::Program;

/// All programs.
pub fn all() -> Vec<Program> {
    vec![
        Program::of::<capelet::cli::args::capelet::Capelet>(
            "capelet",
            capelet::cli::args::environment::ENVIRONMENT,
            capelet::cli::args::environment::FILES,
        ),
        Program::of::<capelet_parent::cli::Arguments>("capelet-parent", &[], capelet_parent::cli::FILES),
        Program::of::<capelet_local::cli::Arguments>(
            "capelet-local",
            capelet_local::cli::ENVIRONMENT,
            capelet_local::cli::FILES,
        ),
        Program::of::<eif_build::cli::Args>("eif-build", &[], &[]),
    ]
}
