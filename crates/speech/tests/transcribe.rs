//! The real models on recorded and synthetic audio.

use std::f32::consts::TAU;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Transcript;
use speech::{Options, Recognizer, SpeechError};

static RECOGNIZER: LazyLock<Recognizer> = LazyLock::new(|| {
    Recognizer::load(&model("whisper-base"), &model("silero-vad/model.onnx"), 2)
        .expect("models are missing: run `make setup`")
});

fn model(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../.cache/clipwright/models")
        .join(name)
}

fn transcribe(pcm: &[u8], language: Option<&str>) -> Result<Transcript, SpeechError> {
    let options = Options {
        language: language.map(str::to_owned),
    };
    RECOGNIZER.transcribe(pcm, &options, &mut |_| {}, &AtomicBool::new(false))
}

/// The samples of the fixture: what follows the header of 44 bytes.
fn dashwood() -> Vec<u8> {
    let wav =
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dashwood.wav"))
            .expect("the fixture is in the repository");
    assert_eq!(&wav[36..40], b"data");
    wav[44..].to_vec()
}

fn silence(seconds: usize) -> Vec<u8> {
    vec![0; seconds * 32_000]
}

/// Audio from a function of time in seconds.
fn synthesized(seconds: usize, mut wave: impl FnMut(f32) -> f32) -> Vec<u8> {
    (0..seconds * 16_000)
        .flat_map(|n| ((wave(n as f32 / 16_000.0) * 32_000.0) as i16).to_le_bytes())
        .collect()
}

/// Reproducible noise from a linear congruential generator.
fn noise() -> impl FnMut() -> f32 {
    let mut state = 1_u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / 8_388_608.0 - 1.0
    }
}

/// Chords of decaying tones with noise as drums.
fn music(t: f32, noise: f32) -> f32 {
    let beat = t % 0.5;
    let root = [220.0, 174.6, 261.6, 196.0][(t / 2.0) as usize % 4];
    let chord: f32 = [1.0, 1.26, 1.5, 2.0]
        .iter()
        .map(|ratio| (TAU * root * ratio * t).sin())
        .sum();
    0.15 * chord * (-2.0 * beat).exp() + 0.3 * noise * (-30.0 * beat).exp()
}

#[test]
fn a_sentence_is_transcribed_with_word_times() {
    let mut done = Vec::new();
    let pcm = [silence(3), dashwood(), silence(2)].concat();
    let transcript = RECOGNIZER
        .transcribe(
            &pcm[..],
            &Options::default(),
            &mut |ms| done.push(ms),
            &AtomicBool::new(false),
        )
        .unwrap();
    assert_eq!(
        (transcript.language.as_str(), transcript.duration_ms),
        ("en", 12_100)
    );
    assert_eq!(
        transcript
            .segments
            .iter()
            .map(|s| s.text.as_str())
            .collect::<Vec<_>>(),
        [
            "And Mr. John Dashwood had then leisure to consider how much there might be prudently in his power to do for them."
        ]
    );
    // times from a forced aligner
    let words: Vec<_> = transcript.words().collect();
    for (at, text, start_ms) in [
        (0, "And", 3200),
        (3, "Dashwood", 3980),
        (6, "leisure", 5250),
        (21, "them.", 9610),
    ] {
        assert_eq!(words[at].text, text);
        assert!(
            words[at].start_ms.abs_diff(start_ms) <= 200,
            "{text} {}",
            words[at].start_ms
        );
    }
    assert!(
        words
            .iter()
            .all(|word| (0.0..=1.0).contains(&word.confidence))
    );
    assert!(done.is_sorted());
    assert_eq!(done.last(), Some(&12_100));
}

#[test]
fn the_transcript_does_not_depend_on_how_the_stream_is_split() {
    struct Drip<'a>(&'a [u8]);
    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let some = buffer.len().min(777);
            self.0.read(&mut buffer[..some])
        }
    }
    let pcm = dashwood();
    let slowly = RECOGNIZER
        .transcribe(
            Drip(&pcm),
            &Options::default(),
            &mut |_| {},
            &AtomicBool::new(false),
        )
        .unwrap();
    assert_eq!(slowly, transcribe(&pcm, None).unwrap());
}

#[test]
fn a_pause_of_a_minute_splits_the_transcript_and_keeps_its_times() {
    let pcm = [dashwood(), silence(60), dashwood()].concat();
    let transcript = transcribe(&pcm, Some("en-GB")).unwrap();
    let starts: Vec<u64> = transcript.segments.iter().map(|s| s.start_ms).collect();
    assert_eq!(starts.len(), 2, "{:?}", transcript.segments);
    assert!(starts[1].abs_diff(starts[0] + 67_100) <= 200, "{starts:?}");
}

#[test]
fn audio_without_speech_is_rejected() {
    let mut hiss = noise();
    let mut drum = noise();
    let cases = [
        ("nothing", Vec::new()),
        ("half a sample", vec![1]),
        ("silence", silence(40)),
        ("tone", synthesized(40, |t| 0.5 * (TAU * 440.0 * t).sin())),
        (
            "sweep",
            synthesized(40, |t| 0.5 * (TAU * (100.0 + 20.0 * t) * t).sin()),
        ),
        (
            "hum",
            synthesized(40, |t| {
                0.3 * (TAU * 50.0 * t).sin() + 0.1 * (TAU * 150.0 * t).sin()
            }),
        ),
        ("noise", synthesized(40, |_| 0.3 * hiss())),
        ("music", synthesized(40, |t| music(t, drum()))),
    ];
    for (name, pcm) in cases {
        assert!(
            matches!(transcribe(&pcm, None), Err(SpeechError::NoSpeech)),
            "{name}"
        );
    }
}

#[test]
fn speech_over_music_is_found() {
    let mut drum = noise();
    let mut bed = synthesized(8, |t| 0.15 * music(t, drum()));
    for (bed, voice) in bed.chunks_exact_mut(2).zip(dashwood().chunks_exact(2)) {
        let sum = i16::from_le_bytes([bed[0], bed[1]])
            .saturating_add(i16::from_le_bytes([voice[0], voice[1]]));
        bed.copy_from_slice(&sum.to_le_bytes());
    }
    let transcript = transcribe(&bed, None).unwrap();
    assert!(
        transcript.segments[0].text.contains("leisure to consider"),
        "{:?}",
        transcript.segments
    );
}

#[test]
fn an_unsupported_language_is_rejected() {
    let asked = transcribe(&dashwood(), Some("tlh"));
    assert!(matches!(asked, Err(SpeechError::UnknownLanguage(tag)) if tag == "tlh"));
}

#[test]
fn the_stop_flag_cancels_recognition() {
    let stop = AtomicBool::new(false);
    let sound = io::repeat(0).take(32_000 * 3600 * 100);
    let canceled = std::thread::scope(|scope| {
        let work =
            scope.spawn(|| RECOGNIZER.transcribe(sound, &Options::default(), &mut |_| {}, &stop));
        stop.store(true, Ordering::Relaxed);
        work.join().unwrap()
    });
    assert!(matches!(canceled, Err(SpeechError::Canceled)));
}

#[test]
fn a_read_error_is_reported() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    let sound = io::Cursor::new(dashwood()).chain(Broken);
    let result = RECOGNIZER.transcribe(
        sound,
        &Options::default(),
        &mut |_| {},
        &AtomicBool::new(false),
    );
    assert!(matches!(result, Err(SpeechError::Io(_))));
}

#[test]
fn missing_and_invalid_models_are_distinguished() {
    let voice = model("silero-vad/model.onnx");
    let load = |whisper: &Path, voice: &Path| Recognizer::load(whisper, voice, 1).err();
    let nowhere = load(Path::new("/nonexistent"), &voice);
    assert!(
        matches!(nowhere, Some(SpeechError::MissingModel(path)) if path.ends_with("model.bin"))
    );
    let wrong = load(&model("whisper-base"), &model("whisper-base/config.json"));
    assert!(matches!(wrong, Some(SpeechError::InvalidModel { .. })));
    let folder = tempfile::tempdir().unwrap();
    for name in ["model.bin", "config.json", "vocabulary.txt"] {
        std::fs::write(folder.path().join(name), "no model").unwrap();
    }
    assert!(matches!(
        load(folder.path(), &voice),
        Some(SpeechError::InvalidModel { .. })
    ));
}
