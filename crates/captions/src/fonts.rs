//! The fonts captions are set in: which of them has a character, and how wide a text is.

use std::{io, path::Path};

use rustybuzz::{Face, UnicodeBuffer, shape};
use unicode_segmentation::UnicodeSegmentation;

/// A font file and how libass is told to use it.
struct Listed {
    file: &'static str,
    /// Full name, or for PostScript outlines the PostScript name: what `\fn` finds just this face by.
    name: &'static str,
    /// Whether it has no bold face of its own and libass is asked to thicken it.
    thicken: bool,
}

const fn font(file: &'static str, name: &'static str) -> Listed {
    Listed {
        file,
        name,
        thicken: false,
    }
}

const fn thin_font(file: &'static str, name: &'static str) -> Listed {
    Listed {
        file,
        name,
        thicken: true,
    }
}

/// The fonts of the styles, then those that other scripts fall back to, in this order.
const FONTS: [Listed; 13] = [
    font("Poppins-Bold.ttf", "Poppins Bold"),
    font("Poppins-SemiBold.ttf", "Poppins SemiBold"),
    font("Anton-Regular.ttf", "Anton Regular"),
    font("VarelaRound-Regular.ttf", "Varela Round"),
    font("FiraSans-ExtraBold.ttf", "Fira Sans ExtraBold"),
    font("Poppins-Black.ttf", "Poppins Black"),
    font("IBMPlexSansArabic-Bold.ttf", "IBM Plex Sans Arabic Bold"),
    thin_font("Heebo.ttf", "Heebo"),
    font("Kanit-Bold.ttf", "Kanit Bold"),
    font("HindSiliguri-Bold.ttf", "Hind Siliguri Bold"),
    thin_font("NotoSansTamil.ttf", "Noto Sans Tamil"),
    thin_font("NotoSansTelugu.ttf", "Noto Sans Telugu"),
    font("NotoSansCJKjp-Bold.otf", "NotoSansCJKjp-Bold"),
];
/// Index in [`FONTS`] of the first one that is no more than a fallback.
const FIRST_FALLBACK: usize = 4;

/// Why the fonts cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FontsError {
    /// A file is missing or cannot be read.
    #[error("font {file}: {why}")]
    Read {
        /// Name of the file.
        file: &'static str,
        /// What the system said.
        why: io::Error,
    },
    /// A file is not a font.
    #[error("font {file}: not a font")]
    Broken {
        /// Name of the file.
        file: &'static str,
    },
}

/// The bytes of the font files.
pub struct FontFiles(Vec<Vec<u8>>);

impl FontFiles {
    /// Reads the fonts from the folder that libass is given as `fontsdir`.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn read(folder: &Path) -> Result<Self, FontsError> {
        let read = |font: &Listed| {
            std::fs::read(folder.join(font.file)).map_err(|why| FontsError::Read {
                file: font.file,
                why,
            })
        };
        FONTS.iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}

/// The fonts, ready to measure with.
pub struct Fonts<'a>(Vec<Font<'a>>);

/// Which font, as an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FontId(usize);

struct Font<'a> {
    face: Face<'a>,
    /// What libass takes as the height above the baseline, in em.
    ascent: f64,
    /// What libass takes as the depth below the baseline, in em.
    descent: f64,
}

/// A stretch of text in one font.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) font: FontId,
    pub(crate) text: String,
}

impl<'a> Fonts<'a> {
    /// Takes the fonts out of their files.
    ///
    /// # Errors
    /// When a file is no font.
    pub fn new(files: &'a FontFiles) -> Result<Self, FontsError> {
        let parse = |(font, bytes): (&Listed, &'a Vec<u8>)| {
            Font::parse(bytes).ok_or(FontsError::Broken { file: font.file })
        };
        let fonts: Result<_, _> = FONTS.iter().zip(&files.0).map(parse).collect();
        fonts.map(Self)
    }

    /// The font of this full name; an unknown name gives the first one.
    pub(crate) fn find(name: &str) -> FontId {
        FontId(FONTS.iter().position(|font| font.name == name).unwrap_or(0))
    }

    /// Cuts a text into stretches that one font can show, `preferred` wherever it can.
    ///
    /// Signs that no font has, such as emoji, are left out; letters that none has are kept for the system's fonts.
    pub(crate) fn runs(&self, text: &str, preferred: FontId) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
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
        // the space before a sign that was left out
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
        let fallbacks = (FIRST_FALLBACK..self.0.len()).map(FontId);
        // a sign stays in the font of the letters before it, so that "word!" is set in one
        let stay = current.filter(|_| !letters);
        stay.into_iter()
            .chain([preferred])
            .chain(fallbacks)
            .find(|font| self.0[font.0].has(cluster))
            .or_else(|| letters.then_some(preferred))
    }

    /// How far a run moves the pen, in em.
    pub(crate) fn width(&self, run: &Run) -> f64 {
        self.0[run.font.0].width(&run.text)
    }

    /// How far a space moves the pen, in em.
    pub(crate) fn space(&self, font: FontId) -> f64 {
        self.0[font.0].width(" ")
    }

    /// Height above and depth below the baseline that libass reckons with, in em.
    pub(crate) fn extent(&self, font: FontId) -> (f64, f64) {
        (self.0[font.0].ascent, self.0[font.0].descent)
    }

    /// What `\fn` calls it, and whether it is to be thickened.
    pub(crate) fn name(font: FontId) -> (&'static str, bool) {
        (FONTS[font.0].name, FONTS[font.0].thicken)
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

    fn has(&self, cluster: &str) -> bool {
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

/// libass scales a font so that `usWinAscent + usWinDescent` is the font size, as GDI does (`ass_font.c`).
fn windows_extent(face: &Face) -> (f64, f64) {
    let em = f64::from(face.units_per_em());
    let tables = face.tables();
    let (ascent, descent) = match tables.os2 {
        Some(os2) => (os2.windows_ascender(), os2.windows_descender()),
        None => (tables.hhea.ascender, tables.hhea.descender),
    };
    (f64::from(ascent) / em, -f64::from(descent) / em)
}

/// Characters that shape a text without a glyph of their own: joiners, marks of direction, variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}')
}
