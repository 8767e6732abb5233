//! Batches of the job table's stream: records of one job are processed in order, those of different jobs concurrently.

use std::collections::BTreeMap;

use aws::StoreError;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{Instrument, Span};

use crate::permanent_failures::PermanentFailures;

/// A batch of the stream.
#[derive(Debug, Deserialize)]
pub struct Batch {
    #[serde(rename = "Records")]
    records: Vec<Value>,
}

/// The first record that failed; the stream continues from there.
#[derive(Debug, Default, Serialize, PartialEq, Eq)]
pub struct BatchAnswer {
    #[serde(rename = "batchItemFailures")]
    failures: Vec<ItemFailure>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct ItemFailure {
    #[serde(rename = "itemIdentifier")]
    sequence_number: String,
}

impl Batch {
    /// The records of the batch.
    pub(crate) fn records(&self) -> &[Value] {
        &self.records
    }

    /// Processes the records of each job in order, up to the first that fails; a panic is a failure of its record. The stream repeats all
    /// records from the
    /// reported one on. A permanent failure goes to the dead-letter queue and counts as processed.
    pub(crate) async fn process<'a, F>(
        &'a self,
        permanent_failures: &PermanentFailures,
        process: impl Fn(&'a Value) -> F,
    ) -> BatchAnswer
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let mut by_job: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, record) in self.records.iter().enumerate() {
            let job = record["dynamodb"]["Keys"]["id"]["S"].as_str();
            by_job
                .entry(job.unwrap_or_default())
                .or_default()
                .push(position);
        }
        let process = &process;
        let jobs = by_job.into_values().map(|positions| async move {
            for position in positions {
                let record = &self.records[position];
                let processed = permanent_failures.process(record, process(record));
                let processed = processed.instrument(span_of(record));
                if !processed.await {
                    return Some(position);
                }
            }
            None
        });
        let failed = join_all(jobs).await.into_iter().flatten().min();
        let failures = failed.map(|position| ItemFailure {
            sequence_number: self.records[position]["dynamodb"]["SequenceNumber"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        });
        BatchAnswer {
            failures: failures.into_iter().collect(),
        }
    }
}

/// A span with the job and attempt of a record.
fn span_of(record: &Value) -> Span {
    let changed = &record["dynamodb"];
    let job_id = changed["Keys"]["id"]["S"].as_str();
    let attempt = changed["NewImage"]["attempt"]["N"].as_str();
    let attempt: Option<u32> = attempt.and_then(|attempt| attempt.parse().ok());
    tracing::info_span!("job", job_id, attempt)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    fn batch(jobs: &[&str]) -> Batch {
        let record = |(position, job): (usize, &&str)| json!({"dynamodb": {"SequenceNumber": position.to_string(), "Keys": {"id": {"S": job}}}});
        Batch {
            records: jobs.iter().enumerate().map(record).collect(),
        }
    }

    /// No test here has a permanent failure, so the queue is never called.
    async fn permanent_failures() -> PermanentFailures {
        let nobody = aws::Connection::local("http://127.0.0.1:1").await;
        PermanentFailures::new("test", aws::DeadLetterQueue::new(&nobody, "queue"))
    }

    #[tokio::test]
    async fn a_panic_or_failure_loses_no_other_record() {
        let batch = batch(&["a", "b", "a", "c", "b"]);
        let processed = Mutex::new(Vec::new());
        let answer = batch
            .process(&permanent_failures().await, |record| {
                let position: usize = record["dynamodb"]["SequenceNumber"]
                    .as_str()
                    .unwrap()
                    .parse()
                    .unwrap();
                let processed = &processed;
                async move {
                    assert_ne!(position, 1, "poison");
                    if position == 2 {
                        return Err(StoreError::Unavailable("later".into()));
                    }
                    processed.lock().unwrap().push(position);
                    Ok(())
                }
            })
            .await;
        assert_eq!(answer.failures[0].sequence_number, "1");
        let mut processed = processed.into_inner().unwrap();
        processed.sort_unstable();
        assert_eq!(processed, [0, 3]);
    }

    #[tokio::test]
    async fn a_successful_batch_reports_no_failures() {
        let batch = batch(&["a", "b"]);
        assert_eq!(
            batch
                .process(&permanent_failures().await, async |_| Ok(()))
                .await,
            BatchAnswer::default()
        );
    }
}
