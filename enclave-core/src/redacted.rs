//! How secrets look where they are printed.

/// Writes a type's name and none of its content where it is printed for debugging.
macro_rules! redacted {
    ($($name:ty),+) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    )+};
}
