//! Captions to burn in, as an Advanced `SubStation` Alpha script for libass.

use std::fmt::Write;

use domain::{Size, Word};

use crate::{
    Backdrop, Fonts, Page, Paint, Style,
    block::{Block, Setter, blocks},
    escape,
    order::{is_right_to_left, mark},
    piece::pieces,
    place::{LEADING, Placed, PlacedLine, place},
    style::{BOX_PADDING, PANEL_PADDING},
    vector::Area,
};

/// The script that shows `words` in a style on a page, which may be just the size of a picture.
///
/// `language` is the BCP 47 tag of what is spoken: it decides how letters become capitals and which forms Han characters take.
/// Give libass the folder of the fonts: `ass=f=NAME:fontsdir=FOLDER`.
pub fn ass(
    words: &[Word],
    style: &Style,
    page: impl Into<Page>,
    fonts: &Fonts,
    language: &str,
) -> String {
    let page = page.into();
    let setter = Setter::new(style, fonts, page);
    let mut pieces = pieces(words);
    if style.upper {
        for piece in &mut pieces {
            piece.text = capitals(&piece.text, language);
        }
    }
    let right_to_left = is_right_to_left(pieces.iter().map(|piece| piece.text.as_str()));
    let mut script = head(style, page.size, setter.em, language);
    for block in blocks(pieces, &setter) {
        write_block(&mut script, &block, &setter, right_to_left);
    }
    script
}

/// Capitals, with the dotted ones of Turkic languages; Greek, which drops its accents then, is left as it is.
fn capitals(text: &str, language: &str) -> String {
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
    // libass takes the two letters of the language for the forms of Han characters
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

/// Alignment 5 centres a word on its place; encoding -1 lets the first strong letter of it give the direction.
fn style_line(name: &str, paint: &Paint, style: &Style, em: f64) -> String {
    let fill = colour(paint.fill, paint.opacity);
    let edge = colour(paint.edge, paint.opacity);
    let back = colour(0, 0.6 * paint.opacity);
    let (font, outline, shadow) = (style.font, style.outline * em, style.shadow * em);
    format!(
        "Style: {name},{font},{em:.1},{fill},{fill},{edge},{back},0,0,0,0,100,100,0,0,1,{outline:.1},{shadow:.1},5,0,0,0,-1\n"
    )
}

/// `&HAABBGGRR`, where the alpha is how much shines through.
fn colour(rgb: u32, opacity: f64) -> String {
    let alpha = ((1.0 - opacity) * 255.0).round() as u8;
    let [_, red, green, blue] = rgb.to_be_bytes();
    format!("&H{alpha:02X}{blue:02X}{green:02X}{red:02X}")
}

/// What lies behind, then one event for each state of each word.
fn write_block(script: &mut String, block: &Block, setter: &Setter, right_to_left: bool) {
    let lines = place(block, setter, right_to_left);
    let shown = (block.start_ms, block.end_ms);
    if let Backdrop::Panel { colour, opacity } = setter.style.backdrop {
        let panel = panel(&lines, block.em).draw(&fill(colour, opacity));
        event(script, BEHIND, "Idle", shown, &panel);
    }
    for word in lines.iter().flat_map(|line| &line.words) {
        let text = text(word, block.em, right_to_left);
        if text.is_empty() {
            continue;
        }
        let place = tags(word, block.em, setter);
        let spoken = (word.set.piece.start_ms, word.set.until_ms);
        if let Backdrop::Word { colour } = setter.style.backdrop {
            let area = word_box(word, &lines, block.em).draw(&fill(colour, 1.0));
            event(script, BEHIND, "Idle", spoken, &area);
        }
        let pop = pop(setter.style.pop);
        event(
            script,
            STILL,
            "Idle",
            (shown.0, spoken.0),
            &format!("{{{place}}}{text}"),
        );
        event(
            script,
            SPOKEN,
            "Active",
            spoken,
            &format!("{{{place}{pop}}}{text}"),
        );
        event(
            script,
            STILL,
            "Spoken",
            (spoken.1, shown.1),
            &format!("{{{place}}}{text}"),
        );
    }
}

/// Layers, from back to front.
const BEHIND: u8 = 0;
const STILL: u8 = 1;
const SPOKEN: u8 = 2;

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

/// The place of a word, and what differs from the style: its softness, and thinner outlines where the block is shrunk.
fn tags(word: &Placed, em: f64, setter: &Setter) -> String {
    let style = setter.style;
    let mut tags = format!("\\pos({:.1},{:.1})", word.x, word.y);
    if style.blur > 0.0 {
        let _ = write!(tags, "\\blur{:.1}", style.blur * em);
    }
    if em < setter.em {
        let (outline, shadow) = (style.outline * em, style.shadow * em);
        let _ = write!(tags, "\\bord{outline:.1}\\shad{shadow:.1}");
    }
    tags
}

/// Grows a word from 90 % to its full size in two frames or three.
fn pop(scale: f64) -> String {
    if scale <= 1.0 {
        return String::new();
    }
    let percent = scale * 100.0;
    format!("\\fscx90\\fscy90\\t(0,90,\\fscx{percent:.0}\\fscy{percent:.0})")
}

/// The letters of a word with the font of each stretch of them.
fn text(word: &Placed, em: f64, right_to_left: bool) -> String {
    let mut text = String::new();
    for (index, run) in word.set.runs.iter().enumerate() {
        let (name, thicken) = Fonts::name(run.font);
        let bold = u8::from(thicken);
        let size = word.set.font_size(index) * em;
        let mark = if index == 0 {
            mark(&word.set.piece.text, right_to_left)
        } else {
            ""
        };
        let letters = escape::for_ass(&run.text);
        let _ = write!(text, "{{\\fn{name}\\fs{size:.2}\\b{bold}}}{mark}{letters}");
    }
    text
}

fn panel(lines: &[PlacedLine], em: f64) -> Area {
    let left = lines
        .iter()
        .map(|line| line.left)
        .fold(f64::INFINITY, f64::min);
    let right = lines.iter().map(|line| line.right).fold(0.0, f64::max);
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    Area {
        x: f64::midpoint(left, right),
        y: f64::midpoint(first.middle, last.middle),
        width: right - left + 2.0 * PANEL_PADDING * em,
        height: last.middle - first.middle + (LEADING + 0.45) * em,
        radius: 0.38 * em,
    }
}

fn word_box(word: &Placed, lines: &[PlacedLine], em: f64) -> Area {
    let inside = |line: &&PlacedLine| line.words.iter().any(|one| std::ptr::eq(one, word));
    let middle = lines.iter().find(inside).map_or(word.y, |line| line.middle);
    Area {
        x: word.x,
        y: middle,
        width: word.width + 2.0 * BOX_PADDING * em,
        height: 1.22 * em,
        radius: 0.22 * em,
    }
}

/// Tags that paint a shape in one colour, without outline and shadow.
fn fill(colour: u32, opacity: f64) -> String {
    let text = self::colour(colour, opacity);
    let (alpha, colour) = text[2..].split_at(2);
    format!("\\1c&H{colour}&\\1a&H{alpha}&\\bord0\\shad0")
}
