//! Pictures as the analysis takes them, and at what rate and size it wants them decoded.

use domain::Size;

use crate::detector::DetectorError;

/// Frames a second that [`crate::Analyser::push_frame`] wants: enough to see a mouth move.
pub const ANALYSIS_FPS: u32 = 12;

/// Size of the grey thumbnails of every frame that [`crate::Analyser::push_thumbnail`] wants.
pub const THUMBNAIL: Size = Size {
    width: 64,
    height: 36,
};

/// Longest side of an analysed frame, in pixels. Measured: faces of 4 % of the width are found, at a third of the work
/// that 640 pixels take.
const LONGEST_SIDE: f64 = 384.0;

/// A decoded frame, as packed 8-bit RGB rows without padding.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// When it is shown, in milliseconds from the start of the clip.
    pub time_ms: u64,
    /// Its size in pixels.
    pub size: Size,
    /// `width * height * 3` bytes.
    pub rgb: &'a [u8],
}

/// The size at which to decode frames of a `source` of that display size: its shape, even, at most 384 pixels a side, never enlarged.
pub fn analysis_size(source: Size) -> Size {
    let longest = f64::from(source.width.max(source.height)).max(1.0);
    let scale = (LONGEST_SIDE / longest).min(1.0);
    let even = |side: u32| ((f64::from(side) * scale / 2.0).round() as u32 * 2).max(2);
    Size {
        width: even(source.width),
        height: even(source.height),
    }
}

impl Frame<'_> {
    /// Whether there are as many bytes as pixels need, and any at all.
    pub(crate) fn check(&self) -> Result<(), DetectorError> {
        let (width, height) = (self.size.width, self.size.height);
        let bytes = self.rgb.len();
        if bytes == 0 || bytes != width as usize * height as usize * 3 {
            return Err(DetectorError::Frame {
                width,
                height,
                bytes,
            });
        }
        Ok(())
    }

    /// Brightness (0 to 255) of the pixel at a fraction of the picture, nearest neighbour, clamped into it.
    pub(crate) fn luma_at(&self, x: f64, y: f64) -> f32 {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let column = ((x * width as f64) as usize).min(width - 1);
        let row = ((y * height as f64) as usize).min(height - 1);
        luma(&self.rgb[(row * width + column) * 3..])
    }
}

/// Luma of an RGB pixel by the weights of ITU-R BT.601.
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
