//! Prints the faces of raw RGB frames on standard input: `faces MODEL_FOLDER WIDTH HEIGHT < frames.rgb`.
use std::{io::Read, path::Path, time::Instant};

fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let size = domain::Size {
        width: args[2].parse()?,
        height: args[3].parse()?,
    };
    let detector = reframe::Detector::load(Path::new(&args[1]))?;
    let mut rgb = vec![0; (size.width * size.height * 3) as usize];
    let mut n = 0;
    let mut total = 0.0;
    while std::io::stdin().read_exact(&mut rgb).is_ok() {
        let begin = Instant::now();
        let faces = detector.detect(&reframe::Frame {
            time_ms: 0,
            size,
            rgb: &rgb,
        })?;
        total += begin.elapsed().as_secs_f64();
        println!(
            "{n} {:?}",
            faces
                .iter()
                .map(|f| format!(
                    "{:.3} {:.3} {:.3}x{:.3} s{:.2} eye {:.3} mouth {:.3} {:.3}",
                    f.left, f.top, f.width, f.height, f.score, f.eye_line, f.mouth[0], f.mouth[1]
                ))
                .collect::<Vec<_>>()
        );
        n += 1;
    }
    println!("{:.2} ms a frame", total * 1000.0 / f64::from(n));
    Ok(())
}
