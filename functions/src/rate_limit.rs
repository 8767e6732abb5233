//! Request limits of each owner.

use aws::{ShareTable, StoreError};
use domain::Owner;

use crate::http::{Problem, now};

/// Limits of requests per owner and minute.
#[derive(Debug)]
pub struct RateLimiter {
    /// Where requests are counted.
    pub shares: ShareTable,
    /// Limit of a user.
    pub user_limit: u32,
    /// Limit of a back end, which may have many users.
    pub service_limit: u32,
}

impl RateLimiter {
    /// Counts a request and rejects it over the limit.
    pub(crate) async fn admit(&self, owner: &Owner) -> Result<(), Problem> {
        match self.count_request(owner).await? {
            None => Ok(()),
            Some(seconds) => Err(Problem::RateLimited(seconds)),
        }
    }

    /// Counts a request; over the limit, returns the seconds until the next minute.
    pub(crate) async fn count_request(&self, owner: &Owner) -> Result<Option<u32>, StoreError> {
        let most = if owner.is_tenant() {
            self.service_limit
        } else {
            self.user_limit
        };
        let now_s = now().as_seconds();
        let passes = self.shares.count_request(owner, now_s, most).await?;
        Ok((!passes).then_some(60 - now_s.rem_euclid(60) as u32))
    }
}
