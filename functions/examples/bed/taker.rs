//! Whoever functions send something to: a customer's receiver, and API Gateway's management of connections. It takes everything and counts
//! it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http_body_util::{BodyExt, Full};
use hyper::{Method, Response};

use crate::loopback;

/// Takes every post.
pub(crate) struct Taker {
    pub(crate) address: String,
    posts: Arc<AtomicUsize>,
}

impl Taker {
    pub(crate) async fn open() -> Self {
        let (listener, address) = loopback::port().await;
        let posts = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&posts);
        loopback::serve(listener, move |request| {
            let counter = Arc::clone(&counter);
            async move {
                let is_post = request.method() == Method::POST;
                if request.into_body().collect().await.is_ok() && is_post {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
                Response::new(Full::default())
            }
        });
        Self { address, posts }
    }

    /// How many posts it has taken.
    pub(crate) fn posts(&self) -> usize {
        self.posts.load(Ordering::Relaxed)
    }
}
