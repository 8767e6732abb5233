//! The connection to AWS: region and credentials from the environment, and a timeout for every call.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};

/// A timeout profile; the SDK's operations have no timeout by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutProfile {
    /// For a function with a waiting caller.
    Function,
    /// For a task that transfers large files.
    Task,
}

/// Region, credentials, endpoint and timeouts.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(crate) config: SdkConfig,
    /// Whether the endpoint is a local fake of AWS, which does not support bucket names in host names.
    pub(crate) is_local: bool,
}

impl Connection {
    /// Configures a connection from the environment.
    pub async fn open(profile: TimeoutProfile) -> Self {
        let (attempt, operation) = match profile {
            // four sequential calls fit in the 29 s of a function
            TimeoutProfile::Function => (Duration::from_secs(3), Duration::from_secs(7)),
            TimeoutProfile::Task => (Duration::from_mins(10), Duration::from_mins(30)),
        };
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_attempt_timeout(attempt)
            .operation_timeout(operation)
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3))
            .load()
            .await;
        Self {
            is_local: config.endpoint_url().is_some(),
            config,
        }
    }

    /// Configures a connection to a local fake, with dummy credentials.
    pub async fn local(endpoint: &str) -> Self {
        let credentials =
            aws_sdk_dynamodb::config::Credentials::new("test", "test", None, None, "local");
        let config = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(endpoint)
            .region(aws_config::Region::from_static("us-east-1"))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_timeout(Duration::from_secs(20))
                    .build(),
            )
            .load()
            .await;
        Self {
            config,
            is_local: true,
        }
    }
}
