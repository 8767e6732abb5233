//! The rounded boxes drawn behind words, as ASS drawing commands.

/// A rounded rectangle by its centre, in pixels.
pub(crate) struct RoundedRect {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// Radius of its corners.
    pub(crate) radius: f64,
}

impl RoundedRect {
    /// The text of the event that draws it with the given tags.
    pub(crate) fn draw(&self, tags: &str) -> String {
        let (x, y) = (self.x, self.y);
        format!("{{\\pos({x:.1},{y:.1}){tags}\\p1}}{}", self.outline())
    }

    /// Its outline as drawing commands, relative to its upper left corner.
    fn outline(&self) -> String {
        let (right, low) = (self.width.round(), self.height.round());
        let round = self.radius.min(low / 2.0).min(right / 2.0).round();
        // a cubic Bézier curve approximates a quarter circle with control points at 0.5523 of the radius
        let near = (round * (1.0 - 0.5523)).round();
        format!(
            "m {round} 0 l {} 0 b {} 0 {right} {near} {right} {round} l {right} {} b {right} {} {} {low} {} {low} l {round} {low} b {near} {low} 0 {} 0 {} l 0 {round} b 0 {near} {near} 0 {round} 0",
            right - round,
            right - near,
            low - round,
            low - near,
            right - near,
            right - round,
            low - near,
            low - round,
        )
    }
}
