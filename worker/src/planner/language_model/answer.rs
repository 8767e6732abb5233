//! The model's answer, taken out of whatever it is wrapped in.

use domain::limits::MAX_PROPOSED_CLIPS;
use serde::Deserialize;

/// A clip as the model puts it, unchecked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Proposed {
    pub(super) first_sentence: u64,
    pub(super) last_sentence: u64,
    pub(super) opening_words: String,
    pub(super) closing_words: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) summary: String,
    #[serde(default)]
    pub(super) reason: String,
    /// This and the other scores: 0 to 10.
    pub(super) hook: f64,
    pub(super) flow: f64,
    pub(super) value: f64,
    pub(super) emotion: f64,
}

#[derive(Deserialize)]
struct Answer {
    clips: Vec<Proposed>,
}

/// The clips in an answer: plain JSON, or JSON inside a code fence or between other words.
///
/// # Errors
/// With what is wrong with the JSON.
pub(super) fn parse(content: &str) -> Result<Vec<Proposed>, String> {
    let json = match (content.find('{'), content.rfind('}')) {
        (Some(from), Some(to)) if from < to => &content[from..=to],
        _ => return Err("there is no JSON object in it".into()),
    };
    let mut answer: Answer = serde_json::from_str(json).map_err(|why| why.to_string())?;
    for clip in &answer.clips {
        let scores = [clip.hook, clip.flow, clip.value, clip.emotion];
        if scores.iter().any(|score| !(0.0..=10.0).contains(score)) {
            return Err(format!("a score is not from 0 to 10: {scores:?}"));
        }
    }
    answer.clips.truncate(MAX_PROPOSED_CLIPS);
    Ok(answer.clips)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIP: &str = r#"{"clips":[{"first_sentence":1,"last_sentence":2,"opening_words":"a","closing_words":"b","title":"t","summary":"s","reason":"r","hook":7,"flow":8.5,"value":6,"emotion":0}]}"#;

    #[test]
    fn json_is_found_bare_fenced_and_between_words() {
        for content in [
            CLIP.to_owned(),
            format!("```json\n{CLIP}\n```"),
            format!("Here you are:\n```\n{CLIP}\n```\nEnjoy!"),
        ] {
            assert_eq!(parse(&content).unwrap()[0].last_sentence, 2, "{content}");
        }
        assert_eq!(parse(r#"{"clips": []}"#).unwrap(), []);
    }

    #[test]
    fn no_more_clips_of_an_answer_are_looked_at_than_the_limit() {
        let clip = &CLIP[r#"{"clips":["#.len()..CLIP.len() - 2];
        let content = |clips| format!("{{\"clips\":[{}]}}", vec![clip; clips].join(","));
        let looked_at = |clips| parse(&content(clips)).unwrap().len();
        assert_eq!(looked_at(MAX_PROPOSED_CLIPS), MAX_PROPOSED_CLIPS);
        assert_eq!(looked_at(MAX_PROPOSED_CLIPS + 1), MAX_PROPOSED_CLIPS);
    }

    #[test]
    fn anything_else_is_refused() {
        for content in [
            "",
            "}{",
            "no",
            r#"{"clips": [{}]}"#,
            r#"{"clips": 3}"#,
            &CLIP[..80],
            &CLIP.replace(":7", ":70"),
            &CLIP.replace(":1,", ":-1,"),
        ] {
            assert!(parse(content).is_err(), "{content}");
        }
    }
}
