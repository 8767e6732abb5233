//! Authentication: a user by the token that API Gateway has verified, a back end by its key.

use std::{collections::HashMap, time::Duration};

use aws::SecretStore;
use domain::Owner;
use lambda_http::{Request, RequestExt, request::RequestContext};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tokio::sync::Mutex;

use crate::{
    cached_secret::{CachedSecret, SecretError},
    http::{Problem, header},
    routes::Caller,
};

/// How old cached keys may be before they are read again.
const KEYS_MAX_AGE: Duration = Duration::from_mins(1);

/// Authenticates the caller of a route.
pub(crate) async fn authenticate(
    caller: Caller,
    request: &Request,
    keys: &ServiceKeys,
) -> Result<Owner, Problem> {
    match caller {
        Caller::User => user(request),
        Caller::Service => keys.tenant(request).await,
        Caller::Worker | Caller::Anyone => Err(Problem::Unauthorized),
    }
}

/// The user whose token the authorizer has verified.
fn user(request: &Request) -> Result<Owner, Problem> {
    let Some(RequestContext::ApiGatewayV2(context)) = request.request_context_ref() else {
        return Err(Problem::Unauthorized);
    };
    let claims = context
        .authorizer
        .as_ref()
        .and_then(|authorizer| authorizer.jwt.as_ref());
    let subject = claims
        .and_then(|jwt| jwt.claims.get("sub"))
        .filter(|subject| !subject.is_empty());
    subject
        .map(|subject| Owner::user(subject))
        .ok_or(Problem::Unauthorized)
}

/// The keys of back ends: the SHA-256 of each in hex by tenant, stored as one secret.
#[derive(Debug)]
pub struct ServiceKeys {
    store: SecretStore,
    secret: String,
    read: Mutex<CachedSecret<HashMap<String, String>>>,
}

impl ServiceKeys {
    /// Keys in the secret of this name.
    pub fn new(store: SecretStore, secret: String) -> Self {
        Self {
            store,
            secret,
            read: Mutex::new(CachedSecret::EMPTY),
        }
    }

    /// The tenant whose key the request carries.
    async fn tenant(&self, request: &Request) -> Result<Owner, Problem> {
        let key = header(request, "x-api-key").ok_or(Problem::Unauthorized)?;
        let digest = hex::encode(Sha256::digest(key.as_bytes()));
        let mut read = self.read.lock().await;
        let keys = read.refresh(&self.store, &self.secret, KEYS_MAX_AGE, |text| {
            serde_json::from_str(text)
                .map_err(|_| "it is not a JSON object of tenants and key hashes")
        });
        let keys = keys.await.map_err(|why| match why {
            SecretError::Store(why) => why.into(),
            other => Problem::internal(other),
        })?;
        matching(keys, &digest).ok_or(Problem::Unauthorized)
    }
}

/// Compares with every key, in constant time, so that the duration reveals nothing.
fn matching(keys: &HashMap<String, String>, digest: &str) -> Option<Owner> {
    let mut found = None;
    for (tenant, known) in keys {
        let same: Choice = known
            .to_ascii_lowercase()
            .as_bytes()
            .ct_eq(digest.as_bytes());
        if bool::from(same) {
            found = Some(Owner::tenant(tenant));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_identifies_only_its_tenant() {
        let digest = |key: &str| hex::encode(Sha256::digest(key.as_bytes()));
        let keys = HashMap::from([
            ("acme".to_owned(), digest("one").to_uppercase()),
            ("other".to_owned(), digest("two")),
        ]);
        assert_eq!(matching(&keys, &digest("one")), Some(Owner::tenant("acme")));
        assert_eq!(matching(&keys, &digest("three")), None);
        assert_eq!(matching(&keys, ""), None);
    }
}
