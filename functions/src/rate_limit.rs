//! What each owner may ask of the API, so that nobody takes it from the others.

use aws::{ShareTable, StoreError};
use domain::Owner;

use crate::http::{Problem, now};

/// Requests of an owner that are answered in a minute.
#[derive(Debug)]
pub struct RateLimiter {
    /// Where they are counted.
    pub shares: ShareTable,
    /// Of a user.
    pub user_limit: u32,
    /// Of a back end, which may have many users.
    pub service_limit: u32,
}

impl RateLimiter {
    /// Lets a request pass, or says when the next one will.
    pub(crate) async fn admit(&self, owner: &Owner) -> Result<(), Problem> {
        match self.retry_after_s(owner).await? {
            None => Ok(()),
            Some(seconds) => Err(Problem::RateLimited(seconds)),
        }
    }

    /// Counts a request, and gives the seconds until the next one may pass if this one may not.
    pub(crate) async fn retry_after_s(&self, owner: &Owner) -> Result<Option<u32>, StoreError> {
        let most = if owner.is_tenant() {
            self.service_limit
        } else {
            self.user_limit
        };
        let now_s = now().as_seconds();
        let passes = self.shares.count(owner, now_s, most).await?;
        Ok((!passes).then_some(60 - now_s.rem_euclid(60) as u32))
    }
}
