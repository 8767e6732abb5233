//! The features of a talk that clips are scored by.

use domain::{Segment, Transcript};

use crate::{
    cues::Cues,
    embed::{EmbedError, Embedder},
    prefix_sums::PrefixSums,
    salience::{introductions, salience},
    semantics::Semantics,
    sound::{SentenceSound, SoundProfile},
    standalone::{Opening, is_complete, is_punctuated, opening, reference_shares},
    topic_boundaries::topic_boundaries,
    words::Lexicon,
};

/// A talk, with features for each sentence.
pub(crate) struct Talk<'a> {
    /// Its sentences.
    pub(crate) segments: &'a [Segment],
    /// Length of the source in milliseconds.
    pub(crate) duration_ms: u64,
    /// How each sentence depends on the one before.
    pub(crate) openings: Vec<Opening>,
    /// Whether each sentence is complete.
    pub(crate) finished: Vec<bool>,
    /// Its content words.
    pub(crate) lexicon: Lexicon,
    /// Salience of each sentence, 0 to 1.
    pub(crate) salience: Vec<f64>,
    /// Number of subjects that each sentence introduces.
    introductions: PrefixSums<f64>,
    /// Probability that each sentence begins a new topic.
    pub(crate) topic_boundaries: Vec<f64>,
    /// Log probability that it does not.
    continuity: PrefixSums<f64>,
    /// Lexical cues of each sentence.
    cues: PrefixSums<Cues>,
    /// How each sentence sounds compared with the whole talk, if the sound is known.
    sound: Option<PrefixSums<SentenceSound>>,
}

impl<'a> Talk<'a> {
    /// Extracts the features of a transcript with at least one sentence.
    ///
    /// # Errors
    /// When the embedding model fails.
    pub(crate) fn new(
        transcript: &'a Transcript,
        sound: Option<&SoundProfile>,
        embedder: &Embedder,
    ) -> Result<Self, EmbedError> {
        let texts = texts(transcript);
        let lexicon = Lexicon::new(&texts, &transcript.language);
        let semantics = Semantics::of(&texts, &lexicon, &transcript.language, embedder)?;
        Ok(Self::with_semantics(transcript, sound, lexicon, &semantics))
    }

    /// Like [`Self::new`], with given semantics.
    pub(crate) fn with_semantics(
        transcript: &'a Transcript,
        sound: Option<&SoundProfile>,
        lexicon: Lexicon,
        semantics: &Semantics,
    ) -> Self {
        let segments = &transcript.segments;
        let language = transcript.language.as_str();
        let texts = texts(transcript);
        let punctuated = is_punctuated(segments);
        let topic_boundaries = topic_boundaries(segments, &lexicon, semantics);
        Self {
            salience: salience(&lexicon, semantics, &reference_shares(&texts, language)),
            introductions: PrefixSums::of(introductions(&lexicon)),
            // clamped for the first sentence, whose probability is 1 and which is never inside a run
            continuity: PrefixSums::of(
                (0..topic_boundaries.len()).map(|at| (1.0 - topic_boundaries[at].min(0.99)).ln()),
            ),
            topic_boundaries,
            cues: PrefixSums::of(texts.iter().map(|text| Cues::of(text, language))),
            sound: sound.map(|sound| PrefixSums::of(sound.sentences(segments))),
            openings: texts.iter().map(|text| opening(text, language)).collect(),
            finished: texts
                .iter()
                .map(|text| is_complete(text, punctuated))
                .collect(),
            duration_ms: transcript.duration_ms,
            segments,
            lexicon,
        }
    }

    /// Lexical cues of the sentences `first` to `last`.
    pub(crate) fn cues(&self, first: usize, last: usize) -> Cues {
        self.cues.over(first, last)
    }

    /// Number of subjects that the sentences `first` to `last` introduce.
    pub(crate) fn introductions(&self, first: usize, last: usize) -> f64 {
        self.introductions.over(first, last)
    }

    /// Probability that no new topic begins after sentence `first` and up to `last`.
    pub(crate) fn topic_continuity(&self, first: usize, last: usize) -> f64 {
        if first == last {
            return 1.0;
        }
        self.continuity.over(first + 1, last).exp()
    }

    /// How the sentences `first` to `last` sound: means, except for the reaction, which is a sum.
    pub(crate) fn sound(&self, first: usize, last: usize) -> Option<SentenceSound> {
        let sum = self.sound.as_ref()?.over(first, last);
        let count = (last - first + 1) as f64;
        Some(SentenceSound {
            loudness: sum.loudness / count,
            pitch_variation: sum.pitch_variation / count,
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
