//! Frames for the analysis, and the rate and sizes to decode them at.

use domain::Size;

use crate::even::scaled_even;

/// Frames per second for [`crate::Analyser::push_frame`]: enough to measure mouth motion.
pub const ANALYSIS_FPS: u32 = 12;

/// Size of the grey thumbnails for [`crate::Analyser::push_thumbnail`].
pub const THUMBNAIL: Size = Size {
    width: 64,
    height: 36,
};

/// Longest side of an analysed frame, in pixels. Measured: faces of 4 % of the width are detected, at a third of the cost of
/// 640 pixels.
const LONGEST_SIDE: f64 = 384.0;

/// A decoded frame: packed 8-bit RGB rows without padding.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Its time, in milliseconds from the start of the clip.
    pub time_ms: u64,
    /// Its size in pixels.
    pub size: Size,
    /// `width * height * 3` bytes.
    pub rgb: &'a [u8],
}

/// The number of bytes of a frame does not match its size.
#[derive(Debug, thiserror::Error)]
#[error("a frame of {width}x{height} pixels cannot have {bytes} bytes")]
pub struct FrameError {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// Bytes received.
    pub bytes: usize,
}

/// The size to decode frames of a source at: the shape of its display size, even, at most 384 pixels a side, never enlarged.
pub fn analysis_size(source: Size) -> Size {
    let longest = f64::from(source.width.max(source.height)).max(1.0);
    let scale = (LONGEST_SIDE / longest).min(1.0);
    Size {
        width: scaled_even(source.width, scale),
        height: scaled_even(source.height, scale),
    }
}

impl Frame<'_> {
    /// Checks that the number of bytes matches the size and is not 0.
    pub(crate) fn check(&self) -> Result<(), FrameError> {
        let (width, height) = (self.size.width, self.size.height);
        let bytes = self.rgb.len();
        if bytes == 0 || bytes != width as usize * height as usize * 3 {
            return Err(FrameError {
                width,
                height,
                bytes,
            });
        }
        Ok(())
    }

    /// Luma (0 to 255) at a position in fractions of the picture: nearest neighbour, clamped to the picture.
    pub(crate) fn luma_at(&self, x: f64, y: f64) -> f32 {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let column = ((x * width as f64) as usize).min(width - 1);
        let row = ((y * height as f64) as usize).min(height - 1);
        luma(&self.rgb[(row * width + column) * 3..])
    }
}

/// Luma of an RGB pixel (ITU-R BT.601).
pub(crate) fn luma(rgb: &[u8]) -> f32 {
    0.299 * f32::from(rgb[0]) + 0.587 * f32::from(rgb[1]) + 0.114 * f32::from(rgb[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_analysis_size_keeps_the_shape_and_is_even() {
        let size = |width, height| analysis_size(Size { width, height });
        assert_eq!(
            size(1920, 1080),
            Size {
                width: 384,
                height: 216
            }
        );
        assert_eq!(
            size(1080, 1920),
            Size {
                width: 216,
                height: 384
            }
        );
        assert_eq!(
            size(101, 99),
            Size {
                width: 102,
                height: 100
            }
        );
        assert_eq!(
            size(1, 1),
            Size {
                width: 2,
                height: 2
            }
        );
    }
}
