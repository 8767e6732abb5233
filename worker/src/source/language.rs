//! Languages as media files name them.

use isolang::Language;

/// Whether an ISO 639-2 tag of a file (`ger`, `deu`) and a BCP 47 tag (`de-AT`) name the same language.
pub(super) fn same_language(tag: &str, wanted: &str) -> bool {
    let tag = language(tag);
    tag.is_some() && tag == language(wanted)
}

fn language(tag: &str) -> Option<Language> {
    let primary = tag.split(['-', '_']).next()?.to_ascii_lowercase();
    match primary.len() {
        2 => Language::from_639_1(&primary),
        _ => Language::from_639_3(terminological(&primary)),
    }
}

/// ISO 639-2 has two codes for some languages; the bibliographic one is not part of ISO 639-3.
fn terminological(code: &str) -> &str {
    match code {
        "alb" => "sqi",
        "arm" => "hye",
        "baq" => "eus",
        "bur" => "mya",
        "chi" => "zho",
        "cze" => "ces",
        "dut" => "nld",
        "fre" => "fra",
        "geo" => "kat",
        "ger" => "deu",
        "gre" => "ell",
        "ice" => "isl",
        "mac" => "mkd",
        "mao" => "mri",
        "may" => "msa",
        "per" => "fas",
        "rum" => "ron",
        "slo" => "slk",
        "tib" => "bod",
        "wel" => "cym",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_matched_by_what_they_name() {
        let same = [
            ("eng", "en-US"),
            ("spa", "es"),
            ("ger", "de"),
            ("deu", "de-AT"),
            ("jpn", "ja"),
            ("chi", "zh-Hant"),
            ("por", "pt_BR"),
        ];
        assert!(same.iter().all(|(tag, wanted)| same_language(tag, wanted)));
        let other = [("deu", "en"), ("est", "es"), ("und", "en"), ("", "")];
        assert!(!other.iter().any(|(tag, wanted)| same_language(tag, wanted)));
    }
}
