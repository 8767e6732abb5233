//! What an owner is told of a failure: names of files, and not where on this machine they lie.

use std::path::Path;

/// The message with just the names of files that lie in `folder`.
pub(super) fn without_folder(message: &str, folder: &Path) -> String {
    let folder = folder.to_string_lossy();
    let mut parts = message.split(&*folder);
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find([':', '"', '\'', '\n']).unwrap_or(part.len());
        let (path, rest) = part.split_at(end);
        told.push_str(path.rsplit('/').next().unwrap_or(path));
        told.push_str(rest);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_files_are_left() {
        let told = |message| without_folder(message, Path::new("/scratch/.tmp1"));
        assert_eq!(
            told("/scratch/.tmp1/out/.clipwright/My talk.mp4: not a video"),
            "My talk.mp4: not a video"
        );
        assert_eq!(
            told("ffmpeg: [in] /scratch/.tmp1/a.mp4: broken\n\"/scratch/.tmp1/b/c.mp4\""),
            "ffmpeg: [in] a.mp4: broken\n\"c.mp4\""
        );
        assert_eq!(told("3/4 of it is silent"), "3/4 of it is silent");
    }
}
