//! Every bound on what comes from outside, in one place: its value, why it is that, and the test that stands at it.
//!
//! README, `OpenAPI` and error messages take their numbers from here, and a test of the package `tests` checks that each
//! named test exists.

/// One bound, as documents show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Name of the constant.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// What it is counted in, such as `bytes`.
    pub unit: &'static str,
    /// What is bounded, for a reader of the documents.
    pub what: &'static str,
    /// Why it is this value.
    pub reason: &'static str,
    /// Name of the test function that stands at the limit.
    pub test: &'static str,
}

/// Defines each limit as a constant and as a row of [`ALL`].
macro_rules! limits {
    ($($what:literal, $name:ident: $type:ty = $value:expr, $unit:literal, because $reason:literal, tested by $test:ident;)*) => {
        $(
            #[doc = $what]
            #[doc = ""]
            #[doc = concat!("In ", $unit, ". ", $reason)]
            pub const $name: $type = $value;
        )*

        /// Every limit, in the order of this file.
        pub const ALL: &[Limit] = &[
            $(Limit {
                name: stringify!($name),
                value: $name as u64,
                unit: $unit,
                what: $what,
                reason: $reason,
                test: stringify!($test),
            },)*
        ];
    };
}

limits! {
    // Submissions

    // Plans and rendering

    // Texts that come from a source, a planner or a person

    // Media: sizes, lengths, and what decoding may use

    // Captions and transcripts

    // Records, events and pages

    // Callbacks, uploads and shares
}
