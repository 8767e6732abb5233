//! The vocabulary of a Whisper model: text tokens, control tokens and languages.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use domain::language::whisper_code;

use crate::SpeechError;

/// The tokens of a model, by id.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    tokens: Vec<String>,
    ids: HashMap<String, usize>,
    end_of_text: usize,
}

impl Vocabulary {
    /// Reads `vocabulary.json` or `vocabulary.txt` of a model folder.
    pub(crate) fn load(folder: &Path) -> Result<Self, SpeechError> {
        let json = folder.join("vocabulary.json");
        let text = folder.join("vocabulary.txt");
        let path = if json.is_file() { json } else { text };
        if !path.is_file() {
            return Err(SpeechError::MissingModel(path));
        }
        let invalid = |reason: String| SpeechError::InvalidModel {
            path: path.clone(),
            reason,
        };
        let content = fs::read_to_string(&path).map_err(|error| invalid(error.to_string()))?;
        let tokens = if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            serde_json::from_str(&content).map_err(|error| invalid(error.to_string()))?
        } else {
            content.lines().map(str::to_owned).collect()
        };
        Self::new(tokens).ok_or_else(|| invalid("Whisper's control tokens are missing".into()))
    }

    fn new(tokens: Vec<String>) -> Option<Self> {
        let ids: HashMap<String, usize> = tokens.iter().cloned().zip(0..).collect();
        let end_of_text = *ids.get("<|endoftext|>")?;
        ["<|startoftranscript|>", "<|notimestamps|>"]
            .iter()
            .all(|token| ids.contains_key(*token))
            .then_some(Self {
                tokens,
                ids,
                end_of_text,
            })
    }

    /// Whether the model supports languages other than English: only then does the prompt have a language token.
    pub(crate) fn is_multilingual(&self) -> bool {
        // an English-only model has the same control tokens, but they begin one id earlier
        self.end_of_text != ENGLISH_ONLY_END_OF_TEXT
    }

    /// The id of a control token such as `<|en|>`.
    pub(crate) fn id(&self, token: &str) -> Option<usize> {
        self.ids.get(token).copied()
    }

    /// The bytes of a text token, possibly an incomplete character; `None` for a control token.
    pub(crate) fn bytes(&self, id: usize) -> Option<Vec<u8>> {
        (id < self.end_of_text).then(|| self.tokens[id].chars().filter_map(byte_of).collect())
    }

    /// Whisper's code for the language of a BCP 47 tag; `None` if the model does not support it.
    pub(crate) fn language(&self, tag: &str) -> Option<String> {
        let code = whisper_code(tag)?;
        let known = self.ids.contains_key(&format!("<|{code}|>"));
        (known && (code == "en" || self.is_multilingual())).then(|| code.to_owned())
    }
}

/// GPT-2's vocabulary, which English-only models use, ends one token before that of the multilingual ones.
const ENGLISH_ONLY_END_OF_TEXT: usize = 50_256;

/// The byte that a character of a token encodes: GPT-2 maps non-printing bytes to characters from U+0100 on.
fn byte_of(character: char) -> Option<u8> {
    let prints = |byte: u8| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    match u32::from(character) {
        code @ 0..=0xff => Some(code as u8),
        code => (0..=u8::MAX)
            .filter(|byte| !prints(*byte))
            .nth(code as usize - 0x100),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A vocabulary with these text tokens and the control tokens.
    pub(crate) fn of(text: &[&str]) -> Vocabulary {
        let control = [
            "<|endoftext|>",
            "<|startoftranscript|>",
            "<|en|>",
            "<|no|>",
            "<|notimestamps|>",
        ];
        Vocabulary::new(
            text.iter()
                .chain(&control)
                .map(|token| (*token).to_owned())
                .collect(),
        )
        .unwrap()
    }

    #[test]
    fn tokens_decode_to_bytes() {
        let vocabulary = of(&["Ġthe", "ä½", "ł", "Ċ"]);
        assert_eq!(vocabulary.bytes(0).unwrap(), b" the");
        let you = [vocabulary.bytes(1).unwrap(), vocabulary.bytes(2).unwrap()].concat();
        assert_eq!(String::from_utf8(you).unwrap(), "你");
        assert_eq!(vocabulary.bytes(3).unwrap(), b"\n");
        assert_eq!(vocabulary.bytes(4), None);
    }

    #[test]
    fn language_tags_map_to_whisper_codes() {
        let vocabulary = of(&[]);
        assert_eq!(vocabulary.language("en-GB").as_deref(), Some("en"));
        assert_eq!(vocabulary.language("nb").as_deref(), Some("no"));
        assert_eq!(vocabulary.language("xx"), None);
        assert_eq!(vocabulary.language(""), None);
    }

    #[test]
    fn other_vocabularies_are_rejected() {
        assert!(Vocabulary::new(vec!["<|endoftext|>".into()]).is_none());
    }
}
