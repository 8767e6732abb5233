//! A detected face.

/// A face in fractions of the picture: 0 is its left or top edge, 1 its right or bottom edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Face {
    /// Left edge.
    pub left: f64,
    /// Top edge, about the middle of the forehead.
    pub top: f64,
    /// From left to right.
    pub width: f64,
    /// From the forehead to the chin.
    pub height: f64,
    /// Height of the line between the eyes.
    pub eye_line: f64,
    /// Centre of the mouth.
    pub mouth: [f64; 2],
    /// Confidence of the detector, 0 to 1.
    pub score: f64,
    /// Motion of the mouth beyond that of the rest of the face until the next sample, in mean grey levels per frame.
    pub mouth_motion: f64,
}

impl Face {
    /// Horizontal centre.
    pub fn centre_x(&self) -> f64 {
        self.left + self.width / 2.0
    }

    /// Vertical centre.
    pub fn centre_y(&self) -> f64 {
        self.top + self.height / 2.0
    }

    /// Intersection over union of two faces.
    pub(crate) fn iou(&self, other: &Self) -> f64 {
        let shared = |a: f64, a_length: f64, b: f64, b_length: f64| {
            ((a + a_length).min(b + b_length) - a.max(b)).max(0.0)
        };
        let intersection = shared(self.left, self.width, other.left, other.width)
            * shared(self.top, self.height, other.top, other.height);
        let union = self.width * self.height + other.width * other.height - intersection;
        if union > 0.0 {
            intersection / union
        } else {
            0.0
        }
    }
}
