//! The part of a picture that captions keep to.

use domain::Size;

/// Edges of the area in pixels; captions, their outlines and shadows included, stay inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SafeArea {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Lowest line that text may touch.
    pub bottom: f64,
}

/// A picture that captions are written on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Page {
    /// Its size in pixels.
    pub size: Size,
    /// Where captions may be.
    pub area: SafeArea,
}

impl From<Size> for Page {
    fn from(size: Size) -> Self {
        Self {
            size,
            area: SafeArea::of(size),
        }
    }
}

impl SafeArea {
    /// The area of a picture of this size.
    ///
    /// Upright pictures keep the lowest 15 % free, where the platforms lay their buttons and the title.
    pub fn of(size: Size) -> Self {
        let (beside, below) = match size.ratio() {
            ratio if ratio < 0.7 => (0.07, 0.15),
            ratio if ratio < 0.9 => (0.06, 0.09),
            ratio if ratio < 1.3 => (0.06, 0.07),
            _ => (0.08, 0.06),
        };
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        Self {
            left: width * beside,
            right: width * (1.0 - beside),
            bottom: height * (1.0 - below),
        }
    }

    /// The same with nothing below a line.
    #[must_use]
    pub fn above(self, line: f64) -> Self {
        Self {
            bottom: self.bottom.min(line),
            ..self
        }
    }

    /// Pixels from edge to edge.
    pub fn width(self) -> f64 {
        self.right - self.left
    }

    /// Where captions are centred.
    pub(crate) fn centre(self) -> f64 {
        f64::midpoint(self.left, self.right)
    }
}
