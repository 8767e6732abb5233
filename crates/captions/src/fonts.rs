//! The caption fonts: which of them covers a character, and how wide a text is.

use std::{io, path::Path};

use rustybuzz::{Face, UnicodeBuffer, shape};
use unicode_segmentation::UnicodeSegmentation;

/// A font file and how libass addresses it.
struct FontEntry {
    file: &'static str,
    /// The name by which `\fn` selects exactly this face: the full name, or the PostScript name for PostScript outlines.
    name: &'static str,
    /// Whether it has no bold face, so that libass is asked to embolden it.
    synthetic_bold: bool,
}

const fn font(file: &'static str, name: &'static str) -> FontEntry {
    FontEntry {
        file,
        name,
        synthetic_bold: false,
    }
}

const fn font_without_bold(file: &'static str, name: &'static str) -> FontEntry {
    FontEntry {
        file,
        name,
        synthetic_bold: true,
    }
}

/// The fonts of the styles, then the fallbacks for other scripts, in order of preference.
const FONTS: [FontEntry; 13] = [
    font("Poppins-Bold.ttf", "Poppins Bold"),
    font("Poppins-SemiBold.ttf", "Poppins SemiBold"),
    font("Anton-Regular.ttf", "Anton Regular"),
    font("VarelaRound-Regular.ttf", "Varela Round"),
    font("FiraSans-ExtraBold.ttf", "Fira Sans ExtraBold"),
    font("Poppins-Black.ttf", "Poppins Black"),
    font("IBMPlexSansArabic-Bold.ttf", "IBM Plex Sans Arabic Bold"),
    font_without_bold("Heebo.ttf", "Heebo"),
    font("Kanit-Bold.ttf", "Kanit Bold"),
    font("HindSiliguri-Bold.ttf", "Hind Siliguri Bold"),
    font_without_bold("NotoSansTamil.ttf", "Noto Sans Tamil"),
    font_without_bold("NotoSansTelugu.ttf", "Noto Sans Telugu"),
    font("NotoSansCJKjp-Bold.otf", "NotoSansCJKjp-Bold"),
];
/// Index in [`FONTS`] of the first fallback.
const FIRST_FALLBACK: usize = 4;

/// Why the fonts could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum FontsError {
    /// A file is missing or cannot be read.
    #[error("cannot read font {file}: {error}")]
    Read {
        /// Name of the file.
        file: &'static str,
        /// The system's error.
        error: io::Error,
    },
    /// A file is not a valid font.
    #[error("{file} is not a valid font")]
    Invalid {
        /// Name of the file.
        file: &'static str,
    },
}

/// The contents of the font files.
pub struct FontFiles(Vec<Vec<u8>>);

impl FontFiles {
    /// Reads the fonts from the folder that libass gets as `fontsdir`.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(folder: &Path) -> Result<Self, FontsError> {
        let read = |font: &FontEntry| {
            std::fs::read(folder.join(font.file)).map_err(|error| FontsError::Read {
                file: font.file,
                error,
            })
        };
        FONTS.iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// The parsed fonts.
pub struct Fonts<'a>(Vec<Font<'a>>);

/// Identifies a font by its index in [`FONTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FontId(usize);

struct Font<'a> {
    face: Face<'a>,
    /// Height above the baseline as libass computes it, in em.
    ascent: f64,
    /// Depth below the baseline as libass computes it, in em.
    descent: f64,
}

/// A run of text in one font.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) font: FontId,
    pub(crate) text: String,
}

impl<'a> Fonts<'a> {
    /// Parses the font files.
    ///
    /// # Errors
    /// When a file is not a valid font.
    pub fn new(files: &'a FontFiles) -> Result<Self, FontsError> {
        let parse = |(font, bytes): (&FontEntry, &'a Vec<u8>)| {
            Font::parse(bytes).ok_or(FontsError::Invalid { file: font.file })
        };
        let fonts: Result<_, _> = FONTS.iter().zip(&files.0).map(parse).collect();
        fonts.map(Self)
    }

    /// Finds the font with this full name; an unknown name gives the first font.
    pub(crate) fn find(name: &str) -> FontId {
        FontId(FONTS.iter().position(|font| font.name == name).unwrap_or(0))
    }

    /// Splits a text into runs of one font each, using `preferred` wherever it covers the text.
    ///
    /// What no font covers, such as emoji and letters of a few scripts, is dropped: the system's fonts would show boxes, or letters of a
    /// width that nothing measured. A letter whose marks none covers stays.
    pub(crate) fn runs(&self, text: &str, preferred: FontId) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        // the square of a keycap around a digit, which no font has
        let text = text.replace('\u{20e3}', "");
        for cluster in text.graphemes(true) {
            let letters = cluster.chars().any(char::is_alphanumeric);
            let current = runs.last().map(|run| run.font);
            let Some(font) = self.font_for(cluster, letters, current, preferred) else {
                continue;
            };
            match runs.last_mut() {
                Some(run) if run.font == font => run.text.push_str(cluster),
                _ => runs.push(Run {
                    font,
                    text: cluster.to_owned(),
                }),
            }
        }
        // the space before a dropped symbol
        if let Some(last) = runs.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        runs
    }

    fn font_for(
        &self,
        cluster: &str,
        letters: bool,
        current: Option<FontId>,
        preferred: FontId,
    ) -> Option<FontId> {
        let fallbacks = || (FIRST_FALLBACK..self.0.len()).map(FontId);
        let letter = cluster.chars().next().unwrap_or(' ').to_string();
        let covers_letter = |font: &FontId| self.0[font.0].covers(&letter);
        // punctuation stays in the font of the letters before it, so that "word!" is one run
        let stay = current.filter(|_| !letters);
        stay.into_iter()
            .chain([preferred])
            .chain(fallbacks())
            .find(|font| self.0[font.0].covers(cluster))
            .or_else(|| {
                let fonts = std::iter::once(preferred).chain(fallbacks());
                fonts.into_iter().find(covers_letter).filter(|_| letters)
            })
    }

    /// Advance width of a run, in em.
    pub(crate) fn width(&self, run: &Run) -> f64 {
        self.0[run.font.0].width(&run.text)
    }

    /// Advance width of a space, in em.
    pub(crate) fn space(&self, font: FontId) -> f64 {
        self.0[font.0].width(" ")
    }

    /// Ascent and descent as libass computes them, in em.
    pub(crate) fn extent(&self, font: FontId) -> (f64, f64) {
        (self.0[font.0].ascent, self.0[font.0].descent)
    }

    /// Its name for `\fn`, and whether it needs synthetic bold.
    pub(crate) fn name(font: FontId) -> (&'static str, bool) {
        (FONTS[font.0].name, FONTS[font.0].synthetic_bold)
    }
}

impl<'a> Font<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let face = Face::from_slice(bytes, 0)?;
        let (ascent, descent) = windows_extent(&face);
        Some(Self {
            face,
            ascent,
            descent,
        })
    }

    fn covers(&self, cluster: &str) -> bool {
        cluster
            .chars()
            .all(|c| is_invisible(c) || self.face.glyph_index(c).is_some())
    }

    fn width(&self, text: &str) -> f64 {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        let shaped = shape(&self.face, &[], buffer);
        let units: i32 = shaped.glyph_positions().iter().map(|at| at.x_advance).sum();
        f64::from(units) / f64::from(self.face.units_per_em())
    }
}

/// Ascent and descent in em. libass scales a font so that `usWinAscent + usWinDescent` is the font size, as GDI does (`ass_font.c`).
fn windows_extent(face: &Face) -> (f64, f64) {
    let em = f64::from(face.units_per_em());
    let tables = face.tables();
    let (ascent, descent) = match tables.os2 {
        Some(os2) => (os2.windows_ascender(), os2.windows_descender()),
        None => (tables.hhea.ascender, tables.hhea.descender),
    };
    (f64::from(ascent) / em, -f64::from(descent) / em)
}

/// Whether a character needs no glyph of its own: joiners, directional marks, variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}')
}
