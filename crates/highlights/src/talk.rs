//! All that is known of a talk before clips are scored.

use domain::{Segment, Transcript};

use crate::{
    cues::Cues,
    embed::{EmbedError, Embedder},
    meaning::Meaning,
    salience::{brought_up, salience},
    sound::{SentenceSound, SoundProfile},
    standing::{Opening, finishes, is_punctuated, opening, pointing},
    sums::Sums,
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
    brought_up: Sums<f64>,
    /// The chance that each sentence begins a new matter.
    pub(crate) changes: Vec<f64>,
    /// Logarithms of the chances that they do not.
    same: Sums<f64>,
    /// What each sentence does: asks, counts, explains.
    cues: Sums<Cues>,
    /// How each sentence sounds against the whole talk, where the sound is known.
    sound: Option<Sums<SentenceSound>>,
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
        let changes = changes(segments, &lexicon, meaning);
        Self {
            salience: salience(&lexicon, meaning, &pointing(&texts, language)),
            brought_up: Sums::of(brought_up(&lexicon)),
            // the first one, which is sure to, is never inside a run
            same: Sums::of((0..changes.len()).map(|at| (1.0 - changes[at].min(0.99)).ln())),
            changes,
            cues: Sums::of(texts.iter().map(|text| Cues::of(text, language))),
            sound: sound.map(|sound| Sums::of(sound.sentences(segments))),
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
        self.cues.over(first, last)
    }

    /// How many matters the sentences `first` to `last` bring up.
    pub(crate) fn brought_up(&self, first: usize, last: usize) -> f64 {
        self.brought_up.over(first, last)
    }

    /// The chance that no new matter begins after sentence `first` and up to `last`.
    pub(crate) fn one_matter(&self, first: usize, last: usize) -> f64 {
        if first == last {
            return 1.0;
        }
        self.same.over(first + 1, last).exp()
    }

    /// How the sentences `first` to `last` sound: a mean over them for all but the reaction, which is a sum.
    pub(crate) fn sound(&self, first: usize, last: usize) -> Option<SentenceSound> {
        let sum = self.sound.as_ref()?.over(first, last);
        let count = (last - first + 1) as f64;
        Some(SentenceSound {
            loudness: sum.loudness / count,
            movement: sum.movement / count,
            rate: sum.rate / count,
            reaction_s: sum.reaction_s,
        })
    }
}

fn texts(transcript: &Transcript) -> Vec<&str> {
    transcript
        .segments
        .iter()
        .map(|segment| segment.text.as_str())
        .collect()
}
