//! Where the programs, models and fonts are that `make setup` lays out, and whether the models are the ones expected.

use std::{
    collections::BTreeMap,
    fs::File,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use domain::{Failure, Stage};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The speech model of `make setup`.
const SPEECH_MODEL: &str = "models/whisper-base";

/// What `make setup` lays out.
static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let list: AssetList = serde_json::from_str(include_str!("../../infra/setup/assets.json"))
        .expect("a test reads the list");
    let mut sha256: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let files = list
        .assets
        .iter()
        .flat_map(|asset| &asset.sources)
        .flat_map(|source| &source.files);
    for file in files {
        sha256
            .entry(file.path.clone())
            .or_default()
            .extend(file.sha256.clone());
    }
    let versions = list
        .assets
        .into_iter()
        .map(|asset| (asset.name, asset.version));
    Assets {
        sha256,
        versions: versions.collect(),
    }
});

struct Assets {
    /// By name below the home folder; a mirror may hold another build of a file.
    sha256: BTreeMap<String, Vec<String>>,
    versions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct AssetList {
    assets: Vec<Asset>,
}

#[derive(Deserialize)]
struct Asset {
    name: String,
    version: String,
    sources: Vec<AssetSource>,
}

#[derive(Deserialize)]
struct AssetSource {
    #[serde(default)]
    files: Vec<AssetFile>,
}

#[derive(Deserialize)]
struct AssetFile {
    path: String,
    sha256: Option<String>,
}

/// The folder of `make setup`.
#[derive(Debug, Clone)]
pub(crate) struct Home(PathBuf);

/// A folder with a speech model, and what its transcripts are told from others by.
#[derive(Debug, Clone)]
pub(crate) struct SpeechModel {
    pub(crate) folder: PathBuf,
    pub(crate) name: String,
}

impl SpeechModel {
    /// A model of the user's own; what is in the folder is taken as it is. Size and time of the weights tell it from another
    /// that lay there before.
    pub(crate) fn of_user(folder: PathBuf) -> Self {
        let folder = folder.canonicalize().unwrap_or(folder);
        let weights = folder.join("model.bin").metadata();
        let (bytes, modified) = weights.map_or((0, 0), |meta| (meta.len(), meta.mtime()));
        let name = format!("{} ({bytes} bytes, {modified})", folder.display());
        Self { folder, name }
    }
}

impl Home {
    /// The named folder, else `share/clipwright` beside an installed binary, else `.cache/clipwright` of the checkout it was built in.
    pub(crate) fn find(named: Option<PathBuf>) -> Self {
        let beside = || {
            let exe = std::env::current_exe().ok()?;
            let installed = exe.parent()?.parent()?.join("share/clipwright");
            let checkout = exe
                .ancestors()
                .map(|folder| folder.join(".cache/clipwright"));
            std::iter::once(installed)
                .chain(checkout)
                .find(|folder| folder.is_dir())
        };
        Self(
            named
                .or_else(beside)
                .unwrap_or_else(|| PathBuf::from("/usr/share/clipwright")),
        )
    }

    /// A program, e.g. `ffmpeg`.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) fn program(&self, stage: Stage, name: &str) -> Result<PathBuf, Failure> {
        self.existing(stage, &format!("bin/{name}"))
    }

    /// A file or folder below it, made absolute, as programs run in other folders.
    ///
    /// # Errors
    /// When it is not there.
    pub(crate) fn existing(&self, stage: Stage, name: &str) -> Result<PathBuf, Failure> {
        let path = self.0.join(name);
        std::fs::canonicalize(&path).map_err(|_| {
            Failure::setup(
                stage,
                format!(
                    "{} is missing; run `make setup` or set CLIPWRIGHT_HOME",
                    path.display()
                ),
            )
        })
    }

    /// The speech model of `make setup`.
    ///
    /// # Errors
    /// When a file of it is missing or is not the one that was released.
    pub(crate) fn speech_model(&self) -> Result<SpeechModel, Failure> {
        let folder = self.model(Stage::Transcribe, SPEECH_MODEL)?;
        Ok(SpeechModel {
            folder,
            name: SPEECH_MODEL.to_owned(),
        })
    }

    /// A folder with a model, whose files are those that were released; which of them it must have, its loader knows.
    ///
    /// # Errors
    /// When the folder is missing or a file in it is altered.
    pub(crate) fn model(&self, stage: Stage, folder: &str) -> Result<PathBuf, Failure> {
        let existing = self.existing(stage, folder)?;
        let prefix = format!("{folder}/");
        let below = ASSETS.sha256.range(prefix.clone()..);
        for (name, sha256) in below.take_while(|(name, _)| name.starts_with(&prefix)) {
            let path = self.0.join(name);
            if path.is_file() {
                check(stage, &path, sha256)?;
            }
        }
        Ok(existing)
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

/// The version of an asset of `make setup`.
pub(crate) fn version(asset: &str) -> &'static str {
    ASSETS.versions.get(asset).map_or("unknown", String::as_str)
}

fn check(stage: Stage, path: &Path, sha256: &[String]) -> Result<(), Failure> {
    let mut hash = Sha256::new();
    let copied = File::open(path).and_then(|mut file| std::io::copy(&mut file, &mut hash));
    copied.map_err(|why| Failure::io(stage, path, &why))?;
    if sha256.is_empty() || sha256.contains(&format!("{:x}", hash.finalize())) {
        return Ok(());
    }
    Err(Failure::setup(
        stage,
        format!(
            "{} is not the file that was released; remove it and run `make setup`",
            path.display()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_names_the_models_that_are_checked() {
        assert!(ASSETS.sha256.contains_key("models/whisper-base/model.bin"));
        assert_ne!(version("ffmpeg"), "unknown");
    }

    #[test]
    fn an_altered_model_is_refused() {
        let home = tempfile::tempdir().unwrap();
        for name in ASSETS
            .sha256
            .keys()
            .filter(|name| name.starts_with(SPEECH_MODEL))
        {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "not a model").unwrap();
        }
        let failure = Home(home.path().to_owned()).speech_model().unwrap_err();
        assert_eq!(failure.code, domain::ErrorCode::SetupMissing);
    }
}
