//! All that is known of a talk before clips are scored.

use domain::{Segment, Transcript};

use crate::{
    salience::{brought_up, salience},
    sound::{SentenceSound, SoundProfile},
    standing::{is_punctuated, pointing},
    topics::changes,
    words::Lexicon,
};

/// A talk sentence by sentence.
pub(crate) struct Talk<'a> {
    /// Its sentences.
    pub(crate) segments: &'a [Segment],
    /// BCP 47 tag of its language.
    pub(crate) language: &'a str,
    /// Length of the source in milliseconds.
    pub(crate) duration_ms: u64,
    /// Whether the ends of sentences are marked.
    pub(crate) punctuated: bool,
    /// Its content words.
    pub(crate) lexicon: Lexicon,
    /// How much each sentence matters, 0 to 1.
    pub(crate) salience: Vec<f64>,
    /// How many matters each sentence brings up.
    pub(crate) brought_up: Vec<f64>,
    /// The chance that each sentence begins a new matter.
    pub(crate) changes: Vec<f64>,
    /// How each sentence sounds against the whole talk, where the sound is known.
    pub(crate) sound: Option<Vec<SentenceSound>>,
}

impl<'a> Talk<'a> {
    /// Reads a transcript that has at least one sentence.
    pub(crate) fn new(transcript: &'a Transcript, sound: Option<&SoundProfile>) -> Self {
        let segments = &transcript.segments;
        let language = transcript.language.as_str();
        let texts: Vec<&str> = segments
            .iter()
            .map(|segment| segment.text.as_str())
            .collect();
        let lexicon = Lexicon::new(&texts, language);
        Self {
            salience: salience(&lexicon, &pointing(&texts, language)),
            brought_up: brought_up(&lexicon),
            changes: changes(segments, &lexicon),
            sound: sound.map(|sound| sound.sentences(segments)),
            punctuated: is_punctuated(segments),
            duration_ms: transcript.duration_ms,
            segments,
            language,
            lexicon,
        }
    }

    /// The text of the sentences `first` to `last`.
    pub(crate) fn text(&self, first: usize, last: usize) -> String {
        let texts: Vec<&str> = self.segments[first..=last]
            .iter()
            .map(|segment| segment.text.trim())
            .collect();
        texts.join(" ")
    }
}
