//! The caption styles, as data.

/// Colours of a word in one of its states. Colours are `0xRRGGBB`, opacity is 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paint {
    /// Colour of the letters.
    pub fill: u32,
    /// Colour of the outline, or of the glow where the style blurs the outline.
    pub edge: u32,
    /// Opacity of the letters.
    pub opacity: f64,
}

/// What is drawn behind the words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backdrop {
    /// Nothing.
    None,
    /// A rounded box behind the word being spoken.
    Word {
        /// Its colour.
        colour: u32,
    },
    /// A panel behind the whole block.
    Panel {
        /// Its colour.
        colour: u32,
        /// Its opacity.
        opacity: f64,
    },
}

/// A caption style. Lengths are in em, the nominal font size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// The name users select it by.
    pub name: &'static str,
    /// A one-line description for users.
    pub description: &'static str,
    /// Full name of its font; scripts it does not cover fall back to other fonts.
    pub font: &'static str,
    /// The em as a fraction of the shorter side of the picture.
    pub em: f64,
    /// Whether text is upper-cased.
    pub uppercase: bool,
    /// Maximum columns in a block; wide characters count as two.
    pub max_columns: usize,
    /// Maximum lines in a block.
    pub max_lines: usize,
    /// Maximum time from the start of a block's first word to the end of its last, in milliseconds.
    pub max_ms: u64,
    /// Words not yet spoken.
    pub idle: Paint,
    /// The word being spoken.
    pub active: Paint,
    /// Words already spoken.
    pub spoken: Paint,
    /// Width of the outline.
    pub outline: f64,
    /// Offset of the shadow.
    pub shadow: f64,
    /// Blur radius of the outline.
    pub blur: f64,
    /// Scale of the word being spoken relative to the others; 1 does not enlarge it.
    pub active_scale: f64,
    /// What is drawn behind the words.
    pub backdrop: Backdrop,
}

const WHITE: u32 = 0xFF_FF_FF;
const BLACK: u32 = 0x00_00_00;

const fn paint(fill: u32, edge: u32) -> Paint {
    Paint {
        fill,
        edge,
        opacity: 1.0,
    }
}

const BOLD: Style = Style {
    name: "bold",
    description: "big capitals with a thick outline, the spoken word yellow and larger",
    font: "Poppins Black",
    em: 0.084,
    uppercase: true,
    max_columns: 22,
    max_lines: 2,
    max_ms: 1400,
    idle: paint(WHITE, BLACK),
    active: paint(0xFF_DD_00, BLACK),
    spoken: paint(WHITE, BLACK),
    outline: 0.085,
    shadow: 0.035,
    blur: 0.0,
    active_scale: 1.08,
    backdrop: Backdrop::None,
};

/// All styles, the default first.
pub const STYLES: [Style; 7] = [
    BOLD,
    Style {
        name: "clean",
        description: "sentence case with a soft shadow, the spoken word light blue",
        font: "Poppins SemiBold",
        em: 0.055,
        uppercase: false,
        max_columns: 40,
        max_lines: 2,
        max_ms: 3000,
        active: paint(0x7D_D3_FC, BLACK),
        outline: 0.05,
        shadow: 0.0,
        blur: 0.06,
        active_scale: 1.0,
        ..BOLD
    },
    Style {
        name: "karaoke",
        description: "words fill with green as they are spoken and stay filled",
        font: "Poppins Bold",
        em: 0.064,
        uppercase: false,
        max_columns: 28,
        max_lines: 2,
        max_ms: 2400,
        active: paint(0x4A_DE_80, BLACK),
        spoken: paint(0x4A_DE_80, BLACK),
        outline: 0.07,
        shadow: 0.0,
        active_scale: 1.0,
        ..BOLD
    },
    Style {
        name: "boxed",
        description: "a violet box jumps from word to word",
        font: "Poppins Bold",
        em: 0.066,
        uppercase: false,
        max_columns: 24,
        max_ms: 1800,
        active: paint(WHITE, 0x7C_3A_ED),
        outline: 0.06,
        shadow: 0.0,
        active_scale: 1.0,
        backdrop: Backdrop::Word { colour: 0x7C_3A_ED },
        ..BOLD
    },
    Style {
        name: "neon",
        description: "round letters that glow, the spoken word pink",
        font: "Varela Round",
        em: 0.070,
        uppercase: false,
        max_columns: 24,
        max_ms: 1800,
        idle: paint(0xE6_FB_FF, 0x06_8F_D6),
        active: paint(0xFF_E4_F6, 0xFF_1F_9C),
        spoken: paint(0xE6_FB_FF, 0x06_8F_D6),
        outline: 0.09,
        shadow: 0.0,
        blur: 0.11,
        active_scale: 1.06,
        ..BOLD
    },
    Style {
        name: "headline",
        description: "tall narrow capitals with a hard shadow, the spoken word red",
        font: "Anton Regular",
        em: 0.094,
        max_columns: 24,
        active: paint(0xFF_4D_3D, BLACK),
        outline: 0.04,
        shadow: 0.06,
        ..BOLD
    },
    Style {
        name: "minimal",
        description: "small words on a dark panel, the spoken one bright",
        font: "Poppins SemiBold",
        em: 0.044,
        uppercase: false,
        max_columns: 48,
        max_lines: 2,
        max_ms: 3500,
        idle: paint(0xB4_B8_C0, BLACK),
        active: paint(WHITE, BLACK),
        spoken: paint(0xB4_B8_C0, BLACK),
        outline: 0.0,
        shadow: 0.0,
        active_scale: 1.0,
        backdrop: Backdrop::Panel {
            colour: 0x10_12_18,
            opacity: 0.7,
        },
        ..BOLD
    },
];

/// Finds a style by name.
pub fn style(name: &str) -> Option<&'static Style> {
    static ALL: [Style; STYLES.len()] = STYLES;
    ALL.iter().find(|style| style.name == name)
}

impl Style {
    /// How far outlines, shadows and boxes extend beyond the letters, in em.
    pub(crate) fn overhang(&self) -> f64 {
        let padding = match self.backdrop {
            Backdrop::None => 0.0,
            Backdrop::Word { .. } => BOX_PADDING,
            Backdrop::Panel { .. } => PANEL_PADDING,
        };
        padding.max(self.outline + self.shadow + 2.0 * self.blur)
    }
}

/// Horizontal padding of a word in its box, in em.
pub(crate) const BOX_PADDING: f64 = 0.16;
/// Horizontal padding of the lines on their panel, in em.
pub(crate) const PANEL_PADDING: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_found_by_unique_names() {
        for (index, one) in STYLES.iter().enumerate() {
            assert_eq!(style(one.name), Some(one));
            assert!(STYLES[..index].iter().all(|other| other.name != one.name));
        }
        assert_eq!(STYLES[0].name, domain::ClipOptions::default().captions);
        assert_eq!(style("none"), None);
        assert_eq!(
            STYLES.each_ref().map(|style| style.name),
            domain::CAPTION_STYLES
        );
    }
}
