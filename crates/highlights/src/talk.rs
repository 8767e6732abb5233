//! All that is known of a talk before clips are scored.

use domain::{Segment, Transcript};

use crate::{
    cues::Cues,
    embed::{EmbedError, Embedder},
    meaning::Meaning,
    salience::{brought_up, salience},
    sound::{SentenceSound, SoundProfile},
    standing::{Opening, finishes, is_punctuated, opening, pointing},
    topics::changes,
    words::Lexicon,
};

/// A talk sentence by sentence.
pub(crate) struct Talk<'a> {
    /// Its sentences.
    pub(crate) segments: &'a [Segment],
    /// Length of the source in milliseconds.
    pub(crate) duration_ms: u64,
    /// How each sentence takes up what was before.
    pub(crate) openings: Vec<Opening>,
    /// Whether each sentence comes to an end.
    pub(crate) finished: Vec<bool>,
    /// Its content words.
    pub(crate) lexicon: Lexicon,
    /// How much each sentence matters, 0 to 1.
    pub(crate) salience: Vec<f64>,
    /// How many matters each sentence brings up.
    pub(crate) brought_up: Vec<f64>,
    /// The chance that each sentence begins a new matter.
    pub(crate) changes: Vec<f64>,
    /// What each sentence does: asks, counts, explains.
    pub(crate) cues: Vec<Cues>,
    /// How each sentence sounds against the whole talk, where the sound is known.
    pub(crate) sound: Option<Vec<SentenceSound>>,
}

impl<'a> Talk<'a> {
    /// Reads a transcript that has at least one sentence.
    ///
    /// # Errors
    /// When the embedding model cannot be run.
    pub(crate) fn new(
        transcript: &'a Transcript,
        sound: Option<&SoundProfile>,
        embedder: &Embedder,
    ) -> Result<Self, EmbedError> {
        let texts = texts(transcript);
        let lexicon = Lexicon::new(&texts, &transcript.language);
        let meaning = Meaning::of(&texts, &lexicon, &transcript.language, embedder)?;
        Ok(Self::with_meaning(transcript, sound, lexicon, &meaning))
    }

    /// As [`Self::new`], with the meaning of the sentences known already.
    pub(crate) fn with_meaning(
        transcript: &'a Transcript,
        sound: Option<&SoundProfile>,
        lexicon: Lexicon,
        meaning: &Meaning,
    ) -> Self {
        let segments = &transcript.segments;
        let language = transcript.language.as_str();
        let texts = texts(transcript);
        let punctuated = is_punctuated(segments);
        Self {
            salience: salience(&lexicon, meaning, &pointing(&texts, language)),
            brought_up: brought_up(&lexicon),
            changes: changes(segments, &lexicon, meaning),
            cues: texts.iter().map(|text| Cues::of(text, language)).collect(),
            sound: sound.map(|sound| sound.sentences(segments)),
            openings: texts.iter().map(|text| opening(text, language)).collect(),
            finished: texts
                .iter()
                .map(|text| finishes(text, punctuated))
                .collect(),
            duration_ms: transcript.duration_ms,
            segments,
            lexicon,
        }
    }

    /// What the sentences `first` to `last` do.
    pub(crate) fn cues(&self, first: usize, last: usize) -> Cues {
        self.cues[first..=last]
            .iter()
            .fold(Cues::default(), |sum, &cues| sum + cues)
    }
}

fn texts(transcript: &Transcript) -> Vec<&str> {
    transcript
        .segments
        .iter()
        .map(|segment| segment.text.as_str())
        .collect()
}
