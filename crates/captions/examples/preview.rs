//! Writes the ASS script of a sample text: `preview FONTS STYLE RATIO SAMPLE > captions.ass`, e.g. `preview .cache/clipwright/fonts bold 9:16 english`.

use std::path::Path;

use captions::{FontFiles, Fonts, ass, style};
use domain::AspectRatio;

#[path = "../tests/samples/mod.rs"]
mod samples;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [fonts, name, ratio, sample] = arguments.as_slice() else {
        return Err("usage: preview FONTS STYLE RATIO SAMPLE".into());
    };
    let files = FontFiles::read(Path::new(fonts))?;
    let style = style(name).ok_or("no such style")?;
    let size = ratio.parse::<AspectRatio>()?.output_size();
    let (_, language, text) = samples::SAMPLES
        .iter()
        .find(|(name, ..)| name == sample)
        .ok_or("no such sample")?;
    print!(
        "{}",
        ass(
            &samples::timed(text),
            style,
            size,
            &Fonts::new(&files)?,
            language
        )
    );
    Ok(())
}
