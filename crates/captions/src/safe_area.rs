//! The part of a picture that captions stay inside.

use domain::Size;

/// Edges of the area in pixels; captions stay inside, including their outlines and shadows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SafeArea {
    /// Left edge.
    pub left: f64,
    /// Right edge.
    pub right: f64,
    /// Bottom edge.
    pub bottom: f64,
}

/// The picture that captions are drawn on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Canvas {
    /// Its size in pixels.
    pub size: Size,
    /// Where captions may appear.
    pub area: SafeArea,
}

impl From<Size> for Canvas {
    fn from(size: Size) -> Self {
        Self {
            size,
            area: SafeArea::of(size),
        }
    }
}

impl SafeArea {
    /// The default area of a picture of this size.
    ///
    /// Portrait pictures keep the lowest 15 % free, where platforms put their buttons and the title.
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

    /// The same area, limited to above `line`.
    #[must_use]
    pub fn above(self, line: f64) -> Self {
        Self {
            bottom: self.bottom.min(line),
            ..self
        }
    }

    /// Width in pixels.
    pub fn width(self) -> f64 {
        self.right - self.left
    }

    /// Horizontal centre, in pixels.
    pub(crate) fn centre(self) -> f64 {
        f64::midpoint(self.left, self.right)
    }
}
