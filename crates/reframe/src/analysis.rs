//! Analyses a clip's range: shot boundaries, and faces several times per second.

use crate::{
    cuts::{self, THUMBNAIL_BYTES, Thumbnail},
    detector::{Detector, DetectorError},
    face::Face,
    frame::{ANALYSIS_FPS, Frame, FrameError},
    mouth::FacePatches,
    screen,
};

/// Faces are detected in every fourth frame, three times per second; between them only mouth motion is measured.
const DETECT_EVERY: u32 = ANALYSIS_FPS / 3;

/// The analysis of a clip's range. Times are milliseconds from the start of the clip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// When each shot begins, in order, except the first.
    pub cuts_ms: Vec<u64>,
    /// The sampled frames, in order.
    pub samples: Vec<Sample>,
}

/// A sampled frame.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample {
    /// Its time.
    pub time_ms: u64,
    /// Its faces, the most confident first.
    pub faces: Vec<Face>,
    /// Whether it shows a slide or a screen recording.
    pub screen: bool,
}

/// Analyses the decoded frames of a clip's range one by one.
pub struct Analyser<'a> {
    detector: &'a Detector,
    thumbnails: Vec<Thumbnail>,
    samples: Vec<Sample>,
    frames: u32,
    /// Patches of the last sample's faces in the previous frame.
    previous_patches: Vec<FacePatches>,
}

impl<'a> Analyser<'a> {
    /// Starts the analysis of a clip.
    pub fn new(detector: &'a Detector) -> Self {
        Self {
            detector,
            thumbnails: Vec::new(),
            samples: Vec::new(),
            frames: 0,
            previous_patches: Vec::new(),
        }
    }

    /// Adds the grey thumbnail ([`crate::THUMBNAIL`], one byte per pixel) of the next frame; every frame of the clip needs one.
    ///
    /// # Errors
    /// When `grey` does not have one byte per pixel.
    pub fn push_thumbnail(&mut self, time_ms: u64, grey: &[u8]) -> Result<(), FrameError> {
        if grey.len() != THUMBNAIL_BYTES {
            return Err(FrameError {
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

    /// Adds the next frame: [`ANALYSIS_FPS`] per second, of [`crate::analysis_size`].
    ///
    /// # Errors
    /// When its pixels do not match its size or the face model fails.
    pub fn push_frame(&mut self, frame: &Frame<'_>) -> Result<(), DetectorError> {
        frame.check()?;
        self.measure_mouths(frame);
        if self.frames.is_multiple_of(DETECT_EVERY) {
            let faces = self.detector.detect(frame)?;
            self.previous_patches = faces
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

    /// Finishes the analysis.
    pub fn finish(self) -> Analysis {
        Analysis {
            cuts_ms: cuts::cuts(&self.thumbnails),
            samples: self.samples,
        }
    }

    fn measure_mouths(&mut self, frame: &Frame<'_>) {
        let Some(sample) = self.samples.last_mut() else {
            return;
        };
        for (face, before) in sample.faces.iter_mut().zip(&mut self.previous_patches) {
            let now = FacePatches::of(frame, face);
            face.mouth_motion += now.mouth_motion_since(before) / f64::from(DETECT_EVERY);
            *before = now;
        }
    }
}
