//! Where captions go when the picture has subtitles of its own: never onto them.

use captions::{Canvas, SafeArea, Style};
use domain::{Layout, Size};

use super::RenderInput;

/// Lines that captions take at most, with what is between and around them, in em.
const LINES_EM: f64 = 3.4;

impl RenderInput<'_> {
    /// How the clips are laid out: a picture whose subtitles would be cut is shown whole, unless the person asked for something else.
    pub(super) fn layout(&self) -> Layout {
        let layout = self.settings.layout;
        let is_cut = self.video.subtitles.is_some() && !self.has_target_shape();
        if layout == Layout::Auto && is_cut {
            Layout::Fit
        } else {
            layout
        }
    }

    /// Whether the picture has the shape of the clips, so that all of it is shown anyhow.
    pub(super) fn has_target_shape(&self) -> bool {
        (self.video.shown.ratio() / self.settings.target.ratio() - 1.0).abs() < 0.02
    }

    /// The canvas for captions in a style: below the subtitles of the picture where there is room, else above.
    pub(super) fn canvas(&self, style: &Style) -> Canvas {
        let target = self.settings.target;
        let canvas = Canvas::from(target);
        let (Some(band), true) = (self.video.subtitles, self.layout() != Layout::Split) else {
            return canvas;
        };
        let is_whole = self.layout() == Layout::Fit || self.has_target_shape();
        let shown = self.video.shown;
        let [top, bottom] =
            [band.top, band.bottom].map(|line| in_clip(line, shown, target, is_whole));
        let em = style.em * f64::from(target.width.min(target.height));
        Canvas {
            area: beside(canvas.area, top, bottom, em),
            ..canvas
        }
    }
}

/// Where a line of the picture is in the clip: the whole picture lies in the middle, and a part of it is as high as the clip.
fn in_clip(line: u32, shown: Size, target: Size, is_whole: bool) -> f64 {
    let [width, height] = [
        f64::from(target.width) / f64::from(shown.width),
        f64::from(target.height) / f64::from(shown.height),
    ];
    let scale = if is_whole { width.min(height) } else { height };
    let above = (f64::from(target.height) - f64::from(shown.height) * scale) / 2.0;
    above + f64::from(line) * scale
}

fn beside(area: SafeArea, top: f64, bottom: f64, em: f64) -> SafeArea {
    let has_room_below = area.bottom - bottom >= LINES_EM * em;
    if has_room_below || top >= area.bottom {
        area
    } else {
        area.above(top - 0.3 * em)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(width: u32, height: u32) -> Size {
        Size { width, height }
    }

    #[test]
    fn a_line_of_a_picture_is_found_in_the_clip() {
        let near = |a: f64, b: f64| (a - b).abs() < 1.0;
        let (wide, upright) = (size(1920, 1080), size(1080, 1920));
        assert!(near(in_clip(1080, wide, upright, true), 1263.0));
        assert!(near(in_clip(0, wide, upright, true), 656.0));
        assert!(near(in_clip(540, wide, upright, false), 960.0));
        assert!(near(in_clip(1600, upright, upright, true), 1600.0));
    }

    #[test]
    fn captions_are_below_a_band_where_there_is_room_and_else_above() {
        let area = SafeArea::of(size(1080, 1920));
        assert_eq!(beside(area, 1180.0, 1250.0, 70.0), area);
        assert_eq!(
            beside(area, 1700.0, 1800.0, 70.0),
            area,
            "it is lower than captions are"
        );
        let above = beside(area, 1400.0, 1550.0, 70.0);
        assert!(above.bottom < 1400.0 && above.bottom > 1300.0);
    }
}
