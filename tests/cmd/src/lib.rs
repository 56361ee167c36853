//! Only tests: the command lines of all programs, as data files.
