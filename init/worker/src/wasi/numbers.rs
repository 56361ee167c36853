//! The numbers of WASI preview 1 that the worker uses.

/// `errno`: the result of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Errno {
    /// The descriptor is not open, or does not support the call.
    Badf = 8,
    /// The file exists.
    Exist = 20,
    /// An address is outside the memory.
    Fault = 21,
    /// An argument is invalid.
    Inval = 28,
    /// Random bytes are not available.
    Io = 29,
    /// The call needs a file, but this is a directory.
    Isdir = 31,
    /// Too many descriptors are open.
    Mfile = 33,
    /// The path or the name is too long for its limit or its buffer.
    Nametoolong = 37,
    /// The file was not found.
    Noent = 44,
    /// The call needs a directory, but this is a file.
    Notdir = 54,
    /// This is not a socket.
    Notsock = 57,
    /// The call is not supported.
    Notsup = 58,
    /// The value does not fit into its field.
    Overflow = 61,
    /// The files are read-only.
    Rofs = 69,
    /// The descriptor has no position.
    Spipe = 70,
    /// The path leads out of its directory.
    Notcapable = 76,
}

/// `filetype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FileType {
    /// The output. Preview 1 has no type for a pipe.
    Unknown = 0,
    /// A directory.
    Directory = 3,
    /// A file.
    RegularFile = 4,
}

/// `rights`: what a descriptor may be used for.
pub mod rights {
    /// Reading.
    pub const FD_READ: u64 = 1 << 1;
    /// Seeking.
    pub const FD_SEEK: u64 = 1 << 2;
    /// Setting flags.
    pub const FD_FDSTAT_SET_FLAGS: u64 = 1 << 3;
    /// Reading the position.
    pub const FD_TELL: u64 = 1 << 5;
    /// Writing.
    pub const FD_WRITE: u64 = 1 << 6;
    /// Advising about access.
    pub const FD_ADVISE: u64 = 1 << 7;
    /// Opening a path.
    pub const PATH_OPEN: u64 = 1 << 13;
    /// Listing a directory.
    pub const FD_READDIR: u64 = 1 << 14;
    /// Reading a link.
    pub const PATH_READLINK: u64 = 1 << 15;
    /// Reading a path's attributes.
    pub const PATH_FILESTAT_GET: u64 = 1 << 18;
    /// Reading a descriptor's attributes.
    pub const FD_FILESTAT_GET: u64 = 1 << 21;
    /// Polling.
    pub const POLL_FD_READWRITE: u64 = 1 << 27;
}

/// `oflags`: flags of `path_open`.
pub mod oflags {
    /// Create the file if it does not exist.
    pub const CREAT: u32 = 1;
    /// Fail unless it is a directory.
    pub const DIRECTORY: u32 = 2;
    /// Fail if it exists.
    pub const EXCL: u32 = 4;
    /// Truncate it to length 0.
    pub const TRUNC: u32 = 8;
}

/// The `fdflags` that a function may set: append and nonblock. They change nothing here.
pub const FDFLAGS_SETTABLE: u32 = 1 | 4;
