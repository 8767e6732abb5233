//! Bad input: one clear line, the right exit code, nothing left behind, and soon.

mod addresses;
mod arguments;
mod clocks;
mod files;
mod machine;
mod playlists;
mod resumption;
mod servers;
mod signals;
mod streams;
mod trial;
