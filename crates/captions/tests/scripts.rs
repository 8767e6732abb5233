//! The text of scripts and subtitle files: snapshots and invariants.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::{collections::HashMap, path::Path};

use captions::{FontFiles, Fonts, STYLES, ass, cues, srt, style, vtt};
use domain::AspectRatio;
use unicode_width::UnicodeWidthStr;

mod samples;

fn fonts() -> FontFiles {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.cache/clipwright/fonts");
    FontFiles::read(Path::new(folder)).unwrap()
}

fn script(style_name: &str, ratio: AspectRatio, sample: &str) -> String {
    let files = fonts();
    let (_, language, text) = samples::SAMPLES
        .iter()
        .find(|(name, ..)| *name == sample)
        .unwrap();
    ass(
        &samples::timed(text),
        style(style_name).unwrap(),
        ratio.output_size(),
        &Fonts::new(&files).unwrap(),
        language,
    )
}

#[test]
fn bold_script() {
    insta::assert_snapshot!(script("bold", AspectRatio::Portrait, "english"));
}

#[test]
fn right_to_left_script_on_a_panel() {
    insta::assert_snapshot!(script("minimal", AspectRatio::Square, "hebrew"));
}

#[test]
fn boxed_script_with_commands_in_the_words() {
    insta::assert_snapshot!(script("boxed", AspectRatio::Landscape, "odd"));
}

#[test]
fn subtitle_files() {
    for sample in ["english", "chinese", "odd"] {
        let (.., text) = samples::SAMPLES
            .iter()
            .find(|(name, ..)| *name == sample)
            .unwrap();
        let cues = cues(&samples::timed(text));
        insta::assert_snapshot!(format!("{sample}_srt"), srt(&cues));
        insta::assert_snapshot!(format!("{sample}_vtt"), vtt(&cues));
    }
}

/// The fields of word events: start, end, position, and text without tags.
fn word_events(script: &str) -> Vec<(String, String, String, String)> {
    let events = script
        .lines()
        .filter_map(|line| line.strip_prefix("Dialogue: "));
    events
        .filter(|event| !event.contains("\\p1"))
        .map(|event| {
            let fields: Vec<&str> = event.splitn(10, ',').collect();
            let position = fields[9].split(')').next().unwrap().to_owned();
            let letters = fields[9].rsplit('}').next().unwrap().to_owned();
            (fields[1].into(), fields[2].into(), position, letters)
        })
        .collect()
}

#[test]
fn words_keep_their_position_while_others_are_highlighted() {
    for style in &STYLES {
        let mut events: HashMap<(String, String), usize> = HashMap::new();
        for (_, end, position, letters) in
            word_events(&script(style.name, AspectRatio::Feed, "english"))
        {
            *events.entry((position, letters)).or_default() += 1;
            assert!(end.starts_with("0:00:0"));
        }
        let words = samples::timed(samples::SAMPLES[0].2)
            .iter()
            .filter(|word| word.text.chars().any(char::is_alphanumeric))
            .count();
        assert_eq!(
            events.len(),
            words,
            "{}: each word has one position",
            style.name
        );
        assert!(events.values().any(|states| *states == 3), "{}", style.name);
    }
}

#[test]
fn cues_are_readable() {
    for (name, _, text) in samples::SAMPLES {
        let cues = cues(&samples::timed(text));
        for pair in cues.windows(2) {
            assert!(pair[0].end_ms <= pair[1].start_ms, "{name}");
        }
        for cue in &cues {
            assert!((1..=2).contains(&cue.lines.len()), "{name}: {cue:?}");
            assert!(cue.end_ms - cue.start_ms <= 7000, "{name}: {cue:?}");
            let fits = |line: &String| line.width() <= 42 || !line.contains(' ');
            assert!(cue.lines.iter().all(fits), "{name}: {cue:?}");
        }
    }
}

#[test]
fn letters_that_no_font_covers_are_not_drawn() {
    let files = fonts();
    let fonts = Fonts::new(&files).unwrap();
    let script = |text: &str| {
        let size = AspectRatio::Portrait.output_size();
        ass(
            &samples::timed(text),
            style("bold").unwrap(),
            size,
            &fonts,
            "en",
        )
    };
    let mixed = script("number 1\u{fe0f}\u{20e3} ગુજરાતી wins");
    assert!(
        !mixed.contains('ગ') && !mixed.contains('\u{20e3}'),
        "{mixed}"
    );
    for word in ["NUMBER", "1", "WINS"] {
        assert!(mixed.contains(word), "{word}: {mixed}");
    }
    // of a letter with marks that no font has, the letter stays
    assert!(script("q\u{1ab0}uite").contains("UITE"));
    let only = script("ગુજરાતી");
    assert!(
        !only.contains("Dialogue: 1") && !only.contains('ગ'),
        "{only}"
    );
}
