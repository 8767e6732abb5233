//! How captions look, as data.

/// Fill and edge of a word in one of its states. Colours are `0xRRGGBB`, opacity is 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paint {
    /// Colour of the letters.
    pub fill: u32,
    /// Colour of the outline, or of the glow where the style blurs it.
    pub edge: u32,
    /// Opacity of the letters.
    pub opacity: f64,
}

/// What lies behind the words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backdrop {
    /// Nothing.
    Bare,
    /// A rounded box behind the word that is spoken.
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

/// A caption style. Lengths are in em, the nominal size of its letters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// What a user calls it by.
    pub name: &'static str,
    /// One line about it for a person who chooses.
    pub about: &'static str,
    /// Full name of its font; other scripts fall back to fonts that have them.
    pub font: &'static str,
    /// The em as a share of the shorter side of the picture.
    pub em: f64,
    /// Whether letters are set in upper case.
    pub upper: bool,
    /// Most columns in a block, wide characters counting two.
    pub max_columns: usize,
    /// Most lines in a block.
    pub max_lines: usize,
    /// Longest time from the first word of a block to the end of its last, in milliseconds.
    pub max_ms: u64,
    /// Words still to come.
    pub idle: Paint,
    /// The word that is spoken.
    pub active: Paint,
    /// Words already spoken.
    pub spoken: Paint,
    /// Width of the outline.
    pub outline: f64,
    /// Offset of the shadow.
    pub shadow: f64,
    /// Softness of the outline.
    pub blur: f64,
    /// Size of the spoken word against the others; 1 leaves it as it is.
    pub pop: f64,
    /// What lies behind.
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
    about: "big capitals with a thick outline, the spoken word yellow and larger",
    font: "Poppins Black",
    em: 0.084,
    upper: true,
    max_columns: 22,
    max_lines: 2,
    max_ms: 1400,
    idle: paint(WHITE, BLACK),
    active: paint(0xFF_DD_00, BLACK),
    spoken: paint(WHITE, BLACK),
    outline: 0.085,
    shadow: 0.035,
    blur: 0.0,
    pop: 1.08,
    backdrop: Backdrop::Bare,
};

/// All styles, the default first.
pub const STYLES: [Style; 7] = [
    BOLD,
    Style {
        name: "clean",
        about: "sentence case with a soft shadow, the spoken word light blue",
        font: "Poppins SemiBold",
        em: 0.055,
        upper: false,
        max_columns: 40,
        max_lines: 2,
        max_ms: 3000,
        active: paint(0x7D_D3_FC, BLACK),
        outline: 0.05,
        shadow: 0.0,
        blur: 0.06,
        pop: 1.0,
        ..BOLD
    },
    Style {
        name: "karaoke",
        about: "words fill with green as they are spoken and stay filled",
        font: "Poppins Bold",
        em: 0.064,
        upper: false,
        max_columns: 28,
        max_lines: 2,
        max_ms: 2400,
        active: paint(0x4A_DE_80, BLACK),
        spoken: paint(0x4A_DE_80, BLACK),
        outline: 0.07,
        shadow: 0.0,
        pop: 1.0,
        ..BOLD
    },
    Style {
        name: "boxed",
        about: "a violet box jumps from word to word",
        font: "Poppins Bold",
        em: 0.066,
        upper: false,
        max_columns: 24,
        max_ms: 1800,
        active: paint(WHITE, 0x7C_3A_ED),
        outline: 0.06,
        shadow: 0.0,
        pop: 1.0,
        backdrop: Backdrop::Word { colour: 0x7C_3A_ED },
        ..BOLD
    },
    Style {
        name: "neon",
        about: "round letters that glow, the spoken word pink",
        font: "Varela Round",
        em: 0.070,
        upper: false,
        max_columns: 24,
        max_ms: 1800,
        idle: paint(0xE6_FB_FF, 0x06_8F_D6),
        active: paint(0xFF_E4_F6, 0xFF_1F_9C),
        spoken: paint(0xE6_FB_FF, 0x06_8F_D6),
        outline: 0.09,
        shadow: 0.0,
        blur: 0.11,
        pop: 1.06,
        ..BOLD
    },
    Style {
        name: "headline",
        about: "tall narrow capitals with a hard shadow, the spoken word red",
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
        about: "small words on a dark panel, the spoken one bright",
        font: "Poppins SemiBold",
        em: 0.044,
        upper: false,
        max_columns: 48,
        max_lines: 2,
        max_ms: 3500,
        idle: paint(0xB4_B8_C0, BLACK),
        active: paint(WHITE, BLACK),
        spoken: paint(0xB4_B8_C0, BLACK),
        outline: 0.0,
        shadow: 0.0,
        pop: 1.0,
        backdrop: Backdrop::Panel {
            colour: 0x10_12_18,
            opacity: 0.7,
        },
        ..BOLD
    },
];

/// The style of this name.
pub fn style(name: &str) -> Option<&'static Style> {
    static ALL: [Style; STYLES.len()] = STYLES;
    ALL.iter().find(|style| style.name == name)
}

impl Style {
    /// How far its ink reaches beyond the letters, in em.
    pub(crate) fn reach(&self) -> f64 {
        let padding = match self.backdrop {
            Backdrop::Bare => 0.0,
            Backdrop::Word { .. } => BOX_PADDING,
            Backdrop::Panel { .. } => PANEL_PADDING,
        };
        padding.max(self.outline + self.shadow + 2.0 * self.blur)
    }
}

/// Room left and right of a word in its box, in em.
pub(crate) const BOX_PADDING: f64 = 0.16;
/// Room left and right of the lines on their panel, in em.
pub(crate) const PANEL_PADDING: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_found_by_names_that_differ() {
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
