//! Shows how a video would be reframed: prints the shots, and draws faces and crops into a contact sheet.
//!
//! `compose HOME VIDEO [ASPECT [LAYOUT [SHEET.png]]]`, e.g. `compose .cache/clipwright talk.mp4 9:16 auto sheet.png`;
//! HOME holds `bin/ffmpeg`, `bin/ffprobe` and `models/faces/`.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result};
use domain::{AspectRatio, Layout, Size};
use reframe::{
    ANALYSIS_FPS, Analyser, Analysis, Clip, Detector, Face, Frame, Shot, THUMBNAIL, View,
    analysis_size, compose, position_at,
};

/// Thumbnails per second: the frame rate of the rendered clip.
const RATE: u32 = 30;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |i: usize| args.get(i).map(String::as_str);
    let home =
        PathBuf::from(arg(0).context("usage: compose HOME VIDEO [ASPECT [LAYOUT [SHEET.png]]]")?);
    let video = arg(1).context("usage: compose HOME VIDEO [ASPECT [LAYOUT [SHEET.png]]]")?;
    let aspect = AspectRatio::ALL
        .into_iter()
        .find(|a| Some(a.name()) == arg(2));
    let layout = Layout::ALL.into_iter().find(|l| Some(l.name()) == arg(3));
    let source = display_size(&home, video)?;
    let (analysis, frames) = analyse(&home, video, source)?;
    let clip = Clip {
        duration_ms: frames.len() as u64 * 1000 / u64::from(ANALYSIS_FPS),
        source,
        target: aspect.unwrap_or_default().output_size(),
        layout: layout.unwrap_or_default(),
        speech: &[],
    };
    let shots = compose(&analysis, &clip);
    report(&analysis, &shots);
    match arg(4) {
        Some(sheet) => draw(&home, &analysis, &shots, &frames, source, Path::new(sheet)),
        None => Ok(()),
    }
}

fn report(analysis: &Analysis, shots: &[Shot]) {
    let seen: Vec<usize> = analysis.samples.iter().map(|s| s.faces.len()).collect();
    println!("cuts {:?}\nfaces {seen:?}", analysis.cuts_ms);
    for shot in shots {
        print!("{:6}..{:6} ms ", shot.start_ms, shot.end_ms);
        match &shot.view {
            View::Crop { size, path } => {
                let keys: Vec<String> = path
                    .iter()
                    .map(|key| format!("{}:{:.0},{:.0}", key.time_ms, key.x, key.y))
                    .collect();
                println!("crop {}x{} {}", size.width, size.height, keys.join(" "));
            }
            other => println!("{other:?}"),
        }
    }
}

fn display_size(home: &Path, video: &str) -> Result<Size> {
    let output = Command::new(home.join("bin/ffprobe"))
        .args(["-v", "error", "-select_streams", "v:0", "-of", "csv=p=0"])
        .args(["-show_entries", "stream=width,height", video])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let (width, height) = text
        .trim()
        .split_once(',')
        .context("the file has no video stream")?;
    Ok(Size {
        width: width.parse()?,
        height: height.parse()?,
    })
}

/// Decodes once: frames through standard output, thumbnails into a file.
fn analyse(home: &Path, video: &str, source: Size) -> Result<(Analysis, Vec<Vec<u8>>)> {
    let size = analysis_size(source);
    let thumbnails = std::env::temp_dir().join(format!("thumbnails-{}.grey", std::process::id()));
    let filter = format!(
        "[0:v]fps={RATE},split[a][b];[a]scale={}:{}:flags=area,format=gray[t];\
         [b]fps={ANALYSIS_FPS},scale={}:{}:flags=area,format=rgb24[f]",
        THUMBNAIL.width, THUMBNAIL.height, size.width, size.height
    );
    let mut ffmpeg = Command::new(home.join("bin/ffmpeg"))
        .args([
            "-v",
            "error",
            "-nostdin",
            "-y",
            "-i",
            video,
            "-filter_complex",
            &filter,
        ])
        .args(["-map", "[t]", "-f", "rawvideo"])
        .arg(&thumbnails)
        .args(["-map", "[f]", "-f", "rawvideo", "pipe:1"])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut pipe = ffmpeg.stdout.take().context("a pipe")?;
    let detector = Detector::load(&home.join("models/faces"))?;
    let mut analyser = Analyser::new(&detector);
    let mut frames = Vec::new();
    let mut rgb = vec![0; size.width as usize * size.height as usize * 3];
    let mut busy = 0.0;
    while pipe.read_exact(&mut rgb).is_ok() {
        let time_ms = frames.len() as u64 * 1000 / u64::from(ANALYSIS_FPS);
        let begin = Instant::now();
        analyser.push_frame(&Frame {
            time_ms,
            size,
            rgb: &rgb,
        })?;
        busy += begin.elapsed().as_secs_f64();
        frames.push(rgb.clone());
    }
    ffmpeg.wait()?;
    let begin = Instant::now();
    let bytes = std::fs::read(&thumbnails)?;
    std::fs::remove_file(&thumbnails)?;
    let pixels = (THUMBNAIL.width * THUMBNAIL.height) as usize;
    for (i, grey) in bytes.chunks_exact(pixels).enumerate() {
        analyser.push_thumbnail(i as u64 * 1000 / u64::from(RATE), grey)?;
    }
    let analysis = analyser.finish();
    let cuts = begin.elapsed().as_secs_f64();
    println!(
        "faces {busy:.2} s, cuts {cuts:.2} s for {} frames",
        frames.len()
    );
    Ok((analysis, frames))
}

/// Draws two frames per second with detected faces (green) and shown windows (red).
fn draw(
    home: &Path,
    analysis: &Analysis,
    shots: &[Shot],
    frames: &[Vec<u8>],
    source: Size,
    sheet: &Path,
) -> Result<()> {
    let size = analysis_size(source);
    let mut ffmpeg = Command::new(home.join("bin/ffmpeg"))
        .args([
            "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s",
        ])
        .arg(format!("{}x{}", size.width, size.height))
        .args(["-i", "-", "-vf", "scale=320:-2,tile=5x8", "-frames:v", "1"])
        .arg(sheet)
        .stdin(Stdio::piped())
        .spawn()?;
    let mut pipe = ffmpeg.stdin.take().context("a pipe")?;
    for (i, frame) in frames
        .iter()
        .enumerate()
        .step_by((ANALYSIS_FPS / 2) as usize)
    {
        let time_ms = i as u64 * 1000 / u64::from(ANALYSIS_FPS);
        let mut picture = frame.clone();
        let sample = analysis.samples.partition_point(|s| s.time_ms <= time_ms);
        for face in &analysis.samples[sample - 1].faces {
            outline(&mut picture, size, bounds(face), [0, 255, 0]);
        }
        let shot = shots.iter().find(|shot| time_ms < shot.end_ms);
        for window in shot
            .map(|shot| windows(shot, time_ms, source))
            .unwrap_or_default()
        {
            outline(&mut picture, size, window, [255, 0, 0]);
        }
        if pipe.write_all(&picture).is_err() {
            break;
        }
    }
    drop(pipe);
    ffmpeg.wait()?;
    Ok(())
}

/// Left, top, right, bottom in fractions of the picture.
type Bounds = [f64; 4];

fn bounds(face: &Face) -> Bounds {
    [
        face.left,
        face.top,
        face.left + face.width,
        face.top + face.height,
    ]
}

fn windows(shot: &Shot, time_ms: u64, source: Size) -> Vec<Bounds> {
    let window = |x: f64, y: f64, size: Size| {
        let (width, height) = (f64::from(source.width), f64::from(source.height));
        [
            x / width,
            y / height,
            (x + f64::from(size.width)) / width,
            (y + f64::from(size.height)) / height,
        ]
    };
    match &shot.view {
        View::Crop { size, path } => {
            let at = position_at(path, time_ms);
            at.map(|[x, y]| window(x, y, *size)).into_iter().collect()
        }
        View::Split { top, bottom } => [top, bottom]
            .map(|rect| window(f64::from(rect.x), f64::from(rect.y), rect.size))
            .to_vec(),
        View::Fit => vec![[0.0, 0.0, 1.0, 1.0]],
    }
}

fn outline(rgb: &mut [u8], size: Size, [left, top, right, bottom]: Bounds, colour: [u8; 3]) {
    let (width, height) = (size.width as usize, size.height as usize);
    let column = |x: f64| ((x * width as f64) as usize).min(width - 1);
    let row = |y: f64| ((y * height as f64) as usize).min(height - 1);
    let mut paint = |x: usize, y: usize| rgb[(y * width + x) * 3..][..3].copy_from_slice(&colour);
    for thick in 0..3 {
        for x in column(left)..=column(right) {
            paint(x, (row(top) + thick).min(height - 1));
            paint(x, row(bottom).saturating_sub(thick));
        }
        for y in row(top)..=row(bottom) {
            paint((column(left) + thick).min(width - 1), y);
            paint(column(right).saturating_sub(thick), y);
        }
    }
}
