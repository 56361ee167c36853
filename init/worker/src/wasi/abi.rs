//! Numbers of WASI preview 1 that are used here.

/// `errno`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Errno {
    /// Not an open descriptor, or not one for this.
    Badf = 8,
    /// The file exists.
    Exist = 20,
    /// An address outside the memory.
    Fault = 21,
    /// An argument that is not of its kind.
    Inval = 28,
    /// No randomness.
    Io = 29,
    /// A directory where a file is needed.
    Isdir = 31,
    /// Too many descriptors.
    Mfile = 33,
    /// A longer path than any may be.
    Nametoolong = 37,
    /// No such file.
    Noent = 44,
    /// A file where a directory is needed.
    Notdir = 54,
    /// Not a socket.
    Notsock = 57,
    /// Not supported.
    Notsup = 58,
    /// A value that its field cannot hold.
    Overflow = 61,
    /// The files are read-only.
    Rofs = 69,
    /// Not seekable.
    Spipe = 70,
    /// Out of the directory.
    Notcapable = 76,
}

/// `filetype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FileType {
    /// What preview 1 has no word for: the output's pipe.
    Unknown = 0,
    /// A directory.
    Directory = 3,
    /// A file.
    RegularFile = 4,
}

/// `rights`.
pub mod rights {
    /// Read.
    pub const FD_READ: u64 = 1 << 1;
    /// Seek.
    pub const FD_SEEK: u64 = 1 << 2;
    /// Set flags.
    pub const FD_FDSTAT_SET_FLAGS: u64 = 1 << 3;
    /// Tell.
    pub const FD_TELL: u64 = 1 << 5;
    /// Write.
    pub const FD_WRITE: u64 = 1 << 6;
    /// Advise.
    pub const FD_ADVISE: u64 = 1 << 7;
    /// Open.
    pub const PATH_OPEN: u64 = 1 << 13;
    /// List.
    pub const FD_READDIR: u64 = 1 << 14;
    /// Read links.
    pub const PATH_READLINK: u64 = 1 << 15;
    /// Attributes of a path.
    pub const PATH_FILESTAT_GET: u64 = 1 << 18;
    /// Attributes of a descriptor.
    pub const FD_FILESTAT_GET: u64 = 1 << 21;
    /// Poll.
    pub const POLL_FD_READWRITE: u64 = 1 << 27;
}

/// `oflags`.
pub mod oflags {
    /// Make it if it is not there.
    pub const CREAT: u32 = 1;
    /// Fail if it is no directory.
    pub const DIRECTORY: u32 = 2;
    /// Fail if it is there.
    pub const EXCL: u32 = 4;
    /// Empty it.
    pub const TRUNC: u32 = 8;
}

/// `fdflags` that change nothing here and may be set: append, nonblock.
pub const FDFLAGS_SETTABLE: u32 = 1 | 4;
