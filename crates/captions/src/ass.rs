//! Captions to burn in, written as an Advanced `SubStation` Alpha script for libass.

use std::fmt::Write;

use domain::{Size, Word};

use crate::{
    Backdrop, Canvas, Fonts, Paint, Style,
    bidi::{direction_mark, is_mostly_right_to_left},
    escape,
    layout::{Block, LayoutEngine, blocks},
    position::{LEADING, PositionedLine, PositionedToken, position_lines},
    rounded_rect::RoundedRect,
    style::{BOX_PADDING, PANEL_PADDING},
    token::tokens,
};

/// Writes the script that shows `words` in a style on `canvas`, which may be just a picture size.
///
/// `language` is the BCP 47 tag of the speech: it decides how letters are upper-cased and which forms Han characters take.
/// libass needs the folder of the fonts: `ass=f=NAME:fontsdir=FOLDER`.
pub fn ass(
    words: &[Word],
    style: &Style,
    canvas: impl Into<Canvas>,
    fonts: &Fonts,
    language: &str,
) -> String {
    let canvas = canvas.into();
    let engine = LayoutEngine::new(style, fonts, canvas);
    let mut tokens = tokens(words);
    if style.uppercase {
        for token in &mut tokens {
            token.text = to_uppercase(&token.text, language);
        }
    }
    let right_to_left = is_mostly_right_to_left(tokens.iter().map(|token| token.text.as_str()));
    let mut script = head(style, canvas.size, engine.em, language);
    for block in blocks(tokens, &engine) {
        write_block(&mut script, &block, &engine, right_to_left);
    }
    script
}

/// Upper-cases a text, with dotted capitals for Turkic languages; Greek, which would lose its accents, is left as it is.
fn to_uppercase(text: &str, language: &str) -> String {
    match language.split('-').next() {
        Some("tr" | "az") => text.replace('i', "İ").to_uppercase(),
        Some("el") => text.to_owned(),
        _ => text.to_uppercase(),
    }
}

fn head(style: &Style, size: Size, em: f64, language: &str) -> String {
    let Size { width, height } = size;
    let states = [
        ("Idle", style.idle),
        ("Active", style.active),
        ("Spoken", style.spoken),
    ];
    let styles: String = states
        .iter()
        .map(|(name, paint)| style_line(name, paint, style, em))
        .collect();
    // libass uses the two-letter language code to choose the forms of Han characters
    let language: String = language
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .take(2)
        .collect();
    format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\nWrapStyle: 2\nScaledBorderAndShadow: yes\nLanguage: {language}\n\n\
         [V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\n\
         {styles}\n\
         [Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
    )
}

/// Alignment 5 centres a word on its position; encoding -1 takes the direction from its first strong letter.
fn style_line(name: &str, paint: &Paint, style: &Style, em: f64) -> String {
    let fill = colour(paint.fill, paint.opacity);
    let edge = colour(paint.edge, paint.opacity);
    let back = colour(0, 0.6 * paint.opacity);
    let (font, outline, shadow) = (style.font, style.outline * em, style.shadow * em);
    format!(
        "Style: {name},{font},{em:.1},{fill},{fill},{edge},{back},0,0,0,0,100,100,0,0,1,{outline:.1},{shadow:.1},5,0,0,0,-1\n"
    )
}

/// `&HAABBGGRR`, where alpha is transparency: 0 is opaque.
fn colour(rgb: u32, opacity: f64) -> String {
    let alpha = ((1.0 - opacity) * 255.0).round() as u8;
    let [_, red, green, blue] = rgb.to_be_bytes();
    format!("&H{alpha:02X}{blue:02X}{green:02X}{red:02X}")
}

/// Writes the backdrop, then one event for each state of each word.
fn write_block(script: &mut String, block: &Block, engine: &LayoutEngine, right_to_left: bool) {
    let lines = position_lines(block, engine, right_to_left);
    let shown = (block.start_ms, block.end_ms);
    if let Backdrop::Panel { colour, opacity } = engine.style.backdrop {
        let panel = panel(&lines, block.em).draw(&fill(colour, opacity));
        event(script, BACKDROP_LAYER, "Idle", shown, &panel);
    }
    for word in lines.iter().flat_map(|line| &line.words) {
        let text = text(word, block.em, right_to_left);
        if text.is_empty() {
            continue;
        }
        let position = tags(word, block.em, engine);
        let spoken = (word.shaped.token.start_ms, word.shaped.until_ms);
        if let Backdrop::Word { colour } = engine.style.backdrop {
            let area = word_box(word, &lines, block.em).draw(&fill(colour, 1.0));
            event(script, BACKDROP_LAYER, "Idle", spoken, &area);
        }
        let grow = grow_tags(engine.style.active_scale);
        event(
            script,
            WORD_LAYER,
            "Idle",
            (shown.0, spoken.0),
            &format!("{{{position}}}{text}"),
        );
        event(
            script,
            ACTIVE_LAYER,
            "Active",
            spoken,
            &format!("{{{position}{grow}}}{text}"),
        );
        event(
            script,
            WORD_LAYER,
            "Spoken",
            (spoken.1, shown.1),
            &format!("{{{position}}}{text}"),
        );
    }
}

/// Layers, from back to front.
const BACKDROP_LAYER: u8 = 0;
const WORD_LAYER: u8 = 1;
const ACTIVE_LAYER: u8 = 2;

fn event(script: &mut String, layer: u8, style: &str, (start_ms, end_ms): (u64, u64), text: &str) {
    let (start, end) = (clock(start_ms), clock(end_ms));
    if start_ms / 10 < end_ms / 10 {
        // writing to a string cannot fail
        let _ = writeln!(
            script,
            "Dialogue: {layer},{start},{end},{style},,0,0,0,,{text}"
        );
    }
}

fn clock(ms: u64) -> String {
    let (seconds, hundredths) = (ms / 1000, ms / 10 % 100);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hours}:{minutes:02}:{seconds:02}.{hundredths:02}")
}

/// The position of a word, and overrides of the style: blur, and thinner outlines where the block is reduced.
fn tags(word: &PositionedToken, em: f64, engine: &LayoutEngine) -> String {
    let style = engine.style;
    let mut tags = format!("\\pos({:.1},{:.1})", word.x, word.y);
    if style.blur > 0.0 {
        let _ = write!(tags, "\\blur{:.1}", style.blur * em);
    }
    if em < engine.em {
        let (outline, shadow) = (style.outline * em, style.shadow * em);
        let _ = write!(tags, "\\bord{outline:.1}\\shad{shadow:.1}");
    }
    tags
}

/// Grows a word from 90 % to its full size within two or three frames.
fn grow_tags(scale: f64) -> String {
    if scale <= 1.0 {
        return String::new();
    }
    let percent = scale * 100.0;
    format!("\\fscx90\\fscy90\\t(0,90,\\fscx{percent:.0}\\fscy{percent:.0})")
}

/// The text of a word, with the font of each of its runs.
fn text(word: &PositionedToken, em: f64, right_to_left: bool) -> String {
    let mut text = String::new();
    for (index, run) in word.shaped.runs.iter().enumerate() {
        let (name, synthetic_bold) = Fonts::name(run.font);
        let bold = u8::from(synthetic_bold);
        let size = word.shaped.font_size(index) * em;
        let mark = if index == 0 {
            direction_mark(&word.shaped.token.text, right_to_left)
        } else {
            ""
        };
        let letters = escape::for_ass(&run.text);
        let _ = write!(text, "{{\\fn{name}\\fs{size:.2}\\b{bold}}}{mark}{letters}");
    }
    text
}

fn panel(lines: &[PositionedLine], em: f64) -> RoundedRect {
    let left = lines
        .iter()
        .map(|line| line.left)
        .fold(f64::INFINITY, f64::min);
    let right = lines.iter().map(|line| line.right).fold(0.0, f64::max);
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    RoundedRect {
        x: f64::midpoint(left, right),
        y: f64::midpoint(first.middle, last.middle),
        width: right - left + 2.0 * PANEL_PADDING * em,
        height: last.middle - first.middle + (LEADING + 0.45) * em,
        radius: 0.38 * em,
    }
}

fn word_box(word: &PositionedToken, lines: &[PositionedLine], em: f64) -> RoundedRect {
    let inside = |line: &&PositionedLine| line.words.iter().any(|one| std::ptr::eq(one, word));
    let middle = lines.iter().find(inside).map_or(word.y, |line| line.middle);
    RoundedRect {
        x: word.x,
        y: middle,
        width: word.width + 2.0 * BOX_PADDING * em,
        height: 1.22 * em,
        radius: 0.22 * em,
    }
}

/// Tags that fill a shape with one colour, without outline or shadow.
fn fill(colour: u32, opacity: f64) -> String {
    let text = self::colour(colour, opacity);
    let (alpha, colour) = text[2..].split_at(2);
    format!("\\1c&H{colour}&\\1a&H{alpha}&\\bord0\\shad0")
}
