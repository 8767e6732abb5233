//! Bad input: one clear line, the right exit code, nothing left behind.

mod files;
