//! The real binary on real input, checked by looking at what it makes.

mod again;
mod bars;
mod captions;
mod clip;
mod containers;
mod cuts;
mod interlaced;
mod odd;
mod picture;
mod sound;
mod stages;
mod subtitles;
