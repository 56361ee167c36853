//! Why a check failed, or why it could not be made.

use std::error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::repo_path::{Outside, RepoPath};

#[derive(Debug)]
pub enum Error {
    /// argh did not understand the command line. The text is argh's.
    Usage(String),
    /// `cargo metadata` failed.
    Metadata(cargo_metadata::Error),
    /// A file or folder could not be read or written.
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    /// A path does not lie in the repository.
    Outside(Outside),
    /// A file of the repository is not in the format that it should have.
    Format { path: RepoPath, line: usize, reason: String },
    /// A program could not be started.
    Start { command: String, source: io::Error },
    /// A program ran and failed. `output` is what it wrote to standard error.
    Failed { command: String, output: String },
    /// A program ran, but its output is not what the caller can read.
    Output { command: String, reason: String },
    /// The check was made and found these faults.
    Faults(Vec<String>),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => f.write_str(message),
            Self::Metadata(source) => write!(f, "cannot list the packages of the workspace: {source}"),
            Self::Io { doing, path, source } => write!(f, "cannot {doing} {}: {source}", path.display()),
            Self::Outside(source) => source.fmt(f),
            Self::Format { path, line, reason } => write!(f, "{path}:{line}: {reason}"),
            Self::Start { command, source } => write!(f, "cannot start `{command}`: {source}"),
            Self::Failed { command, output } => write!(f, "`{command}` failed:\n{}", output.trim_end()),
            Self::Output { command, reason } => write!(f, "unexpected output of `{command}`: {reason}"),
            Self::Faults(faults) => {
                for fault in faults {
                    writeln!(f, "{fault}")?;
                }
                write!(f, "{} fault{}", faults.len(), if faults.len() == 1 { "" } else { "s" })
            }
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Metadata(source) => Some(source),
            Self::Outside(source) => Some(source),
            Self::Io { source, .. } | Self::Start { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<Outside> for Error {
    fn from(source: Outside) -> Self {
        Self::Outside(source)
    }
}
