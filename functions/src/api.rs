//! The bodies of requests and responses.

pub(crate) mod callbacks;
pub(crate) mod jobs;
pub(crate) mod realtime;
pub(crate) mod submissions;
pub(crate) mod uploads;

use domain::limits::MAX_PAGE_BYTES;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`
    pub(crate) status: &'static str,
}

/// Takes entries until the page is full, at least one; the second value says whether any are left.
pub(crate) fn first_page<T: Serialize>(entries: impl Iterator<Item = T>) -> (Vec<T>, bool) {
    let (mut page, mut free_bytes) = (Vec::new(), MAX_PAGE_BYTES);
    for entry in entries {
        let bytes = serde_json::to_vec(&entry).map_or(usize::MAX, |text| text.len() + 1);
        if bytes > free_bytes && !page.is_empty() {
            return (page, true);
        }
        free_bytes = free_bytes.saturating_sub(bytes);
        page.push(entry);
    }
    (page, false)
}
