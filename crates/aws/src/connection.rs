//! How AWS is reached: region and credentials as everywhere, and a limit of time for every call.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};

/// How long a call may take; operations of the SDK have no limit by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// A function that somebody waits for.
    Function,
    /// A task that moves large files.
    Task,
}

/// Region, credentials, address and limits of time.
#[derive(Debug, Clone)]
pub struct Connection {
    pub(crate) config: SdkConfig,
    /// Whether a stand-in on this machine is asked in place of AWS; it knows no names of buckets in host names.
    pub(crate) is_local: bool,
}

impl Connection {
    /// Reads what the environment says.
    pub async fn open(patience: Patience) -> Self {
        let (attempt, operation) = match patience {
            // four calls, one after the other, within the 29 s that a function has
            Patience::Function => (Duration::from_secs(3), Duration::from_secs(7)),
            Patience::Task => (Duration::from_mins(10), Duration::from_mins(30)),
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

    /// A stand-in at an address of this machine, with made-up credentials.
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
