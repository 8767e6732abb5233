//! The languages that speech recognition supports.

/// Language codes in the vocabulary of Whisper's multilingual models.
const CODES: [&str; 99] = [
    "af", "am", "ar", "as", "az", "ba", "be", "bg", "bn", "bo", "br", "bs", "ca", "cs", "cy", "da",
    "de", "el", "en", "es", "et", "eu", "fa", "fi", "fo", "fr", "gl", "gu", "ha", "haw", "he",
    "hi", "hr", "ht", "hu", "hy", "id", "is", "it", "ja", "jw", "ka", "kk", "km", "kn", "ko", "la",
    "lb", "ln", "lo", "lt", "lv", "mg", "mi", "mk", "ml", "mn", "mr", "ms", "mt", "my", "ne", "nl",
    "nn", "no", "oc", "pa", "pl", "ps", "pt", "ro", "ru", "sa", "sd", "si", "sk", "sl", "sn", "so",
    "sq", "sr", "su", "sv", "sw", "ta", "te", "tg", "th", "tk", "tl", "tr", "tt", "uk", "ur", "uz",
    "vi", "yi", "yo", "zh",
];

/// Returns Whisper's code for the language of a BCP 47 tag; `None` if Whisper does not support the language.
pub fn whisper_code(tag: &str) -> Option<&'static str> {
    let primary = tag.split(['-', '_']).next()?.to_ascii_lowercase();
    let code = match primary.as_str() {
        "nb" => "no",
        "iw" => "he",
        "jv" => "jw",
        "fil" => "tl",
        "cmn" => "zh",
        "in" => "id",
        other => other,
    };
    CODES.into_iter().find(|known| *known == code)
}

/// Returns whether a text has the form of a BCP 47 tag: a language of two or three letters, then subtags of up to eight characters.
pub(crate) fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && plain(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_language_subtag_selects_the_code() {
        for (tag, code) in [
            ("en-GB", Some("en")),
            ("PT-br", Some("pt")),
            ("nb", Some("no")),
            ("zh-Hant-TW", Some("zh")),
            ("jv", Some("jw")),
            ("xx", None),
            ("tlh", None),
            ("", None),
        ] {
            assert_eq!(whisper_code(tag), code, "{tag}");
        }
    }

    #[test]
    fn tags_have_a_fixed_form() {
        for (tag, fits) in [
            ("en", true),
            ("haw", true),
            ("zh-Hant-TW", true),
            ("english", false),
            ("e", false),
            ("en_GB", false),
            ("en-", false),
            ("", false),
        ] {
            assert_eq!(is_tag(tag), fits, "{tag}");
        }
    }
}
