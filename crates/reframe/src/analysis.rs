//! What is seen in a clip's range: shot changes, and faces several times a second.

use crate::{
    cuts::{self, THUMBNAIL_BYTES, Thumbnail},
    detector::{Detector, DetectorError},
    face::Face,
    mouth::FacePatches,
    picture::{ANALYSIS_FPS, Frame},
    screen,
};

/// Faces are looked for in every fourth frame, three times a second; between them only mouths are watched.
const DETECT_EVERY: u32 = ANALYSIS_FPS / 3;

/// What is seen in a clip's range. Times are milliseconds from the start of the clip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// When each new shot begins, in order; the first shot's start is not among them.
    pub cuts_ms: Vec<u64>,
    /// What single frames show, in order.
    pub samples: Vec<Sample>,
}

/// What a frame shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// When it is shown.
    pub time_ms: u64,
    /// Its faces, the surest first.
    pub faces: Vec<Face>,
    /// Whether it is mostly drawn, as a slide or a screen recording.
    pub screen: bool,
}

/// Takes the decoded frames of a clip's range one by one.
pub struct Analyser<'a> {
    detector: &'a Detector,
    thumbnails: Vec<Thumbnail>,
    samples: Vec<Sample>,
    frames: u32,
    /// The faces of the last sample as they looked in the frame before.
    watched: Vec<FacePatches>,
}

impl<'a> Analyser<'a> {
    /// Begins a clip.
    pub fn new(detector: &'a Detector) -> Self {
        Self {
            detector,
            thumbnails: Vec::new(),
            samples: Vec::new(),
            frames: 0,
            watched: Vec::new(),
        }
    }

    /// Takes the grey thumbnail ([`crate::THUMBNAIL`], one byte a pixel) of the next frame; every frame has one.
    ///
    /// # Errors
    /// When `grey` has not one byte a pixel.
    pub fn push_thumbnail(&mut self, time_ms: u64, grey: &[u8]) -> Result<(), DetectorError> {
        if grey.len() != THUMBNAIL_BYTES {
            return Err(DetectorError::Frame {
                width: crate::THUMBNAIL.width,
                height: crate::THUMBNAIL.height,
                bytes: grey.len(),
            });
        }
        self.thumbnails.push(Thumbnail {
            time_ms,
            grey: grey.to_vec(),
        });
        Ok(())
    }

    /// Takes the next of [`ANALYSIS_FPS`] frames a second, of [`crate::analysis_size`].
    ///
    /// # Errors
    /// When its pixels do not match its size or the face model fails.
    pub fn push_frame(&mut self, frame: &Frame<'_>) -> Result<(), DetectorError> {
        frame.check()?;
        self.watch_mouths(frame);
        if self.frames.is_multiple_of(DETECT_EVERY) {
            let faces = self.detector.detect(frame)?;
            self.watched = faces
                .iter()
                .map(|face| FacePatches::of(frame, face))
                .collect();
            self.samples.push(Sample {
                time_ms: frame.time_ms,
                faces,
                screen: screen::is_screen(frame),
            });
        }
        self.frames += 1;
        Ok(())
    }

    /// Ends the clip.
    pub fn finish(self) -> Analysis {
        Analysis {
            cuts_ms: cuts::cuts(&self.thumbnails),
            samples: self.samples,
        }
    }

    fn watch_mouths(&mut self, frame: &Frame<'_>) {
        let Some(sample) = self.samples.last_mut() else {
            return;
        };
        for (face, before) in sample.faces.iter_mut().zip(&mut self.watched) {
            let now = FacePatches::of(frame, face);
            face.mouth_motion += now.mouth_motion_since(before) / f64::from(DETECT_EVERY);
            *before = now;
        }
    }
}
