//! The real binary on real input, checked by looking at what it makes.

mod clip;
