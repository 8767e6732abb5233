//! Batches of the job table's stream. What is told of one job keeps its order; jobs do not wait for one another.

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

/// The first record that was not dealt with; the stream goes on from there.
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
    /// The records as they came.
    pub(crate) fn records(&self) -> &[Value] {
        &self.records
    }

    /// Deals with every record: those of one job one after another, up to the first that fails; a panic is a failure of that record.
    /// Records after the one that is answered come again, whether they were dealt with or not; one that never can be is kept for a person.
    pub(crate) async fn each<'a, F>(
        &'a self,
        permanent_failures: &PermanentFailures,
        deal: impl Fn(&'a Value) -> F,
    ) -> BatchAnswer
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let mut by_job: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, record) in self.records.iter().enumerate() {
            let job = record["dynamodb"]["Keys"]["id"]["S"].as_str();
            by_job
                .entry(job.unwrap_or_default())
                .or_default()
                .push(place);
        }
        let deal = &deal;
        let jobs = by_job.into_values().map(|places| async move {
            for place in places {
                let record = &self.records[place];
                let dealt = permanent_failures.handled(record, deal(record));
                let dealt = dealt.instrument(span_of(record));
                if !dealt.await {
                    return Some(place);
                }
            }
            None
        });
        let failed = join_all(jobs).await.into_iter().flatten().min();
        let failures = failed.map(|place| ItemFailure {
            sequence_number: self.records[place]["dynamodb"]["SequenceNumber"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        });
        BatchAnswer {
            failures: failures.into_iter().collect(),
        }
    }
}

/// Names the job and the attempt that a record is about.
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
        let record = |(place, job): (usize, &&str)| json!({"dynamodb": {"SequenceNumber": place.to_string(), "Keys": {"id": {"S": job}}}});
        Batch {
            records: jobs.iter().enumerate().map(record).collect(),
        }
    }

    /// Nothing here is refused for good: nobody is asked.
    async fn permanent_failures() -> PermanentFailures {
        let nobody = aws::Connection::local("http://127.0.0.1:1").await;
        PermanentFailures::new("test", aws::DeadLetters::new(&nobody, "queue"))
    }

    #[tokio::test]
    async fn a_panic_or_failure_loses_no_other_record() {
        let batch = batch(&["a", "b", "a", "c", "b"]);
        let dealt = Mutex::new(Vec::new());
        let answer = batch
            .each(&permanent_failures().await, |record| {
                let place: usize = record["dynamodb"]["SequenceNumber"]
                    .as_str()
                    .unwrap()
                    .parse()
                    .unwrap();
                let dealt = &dealt;
                async move {
                    assert_ne!(place, 1, "poison");
                    if place == 2 {
                        return Err(StoreError::Busy("later".into()));
                    }
                    dealt.lock().unwrap().push(place);
                    Ok(())
                }
            })
            .await;
        assert_eq!(answer.failures[0].sequence_number, "1");
        let mut dealt = dealt.into_inner().unwrap();
        dealt.sort_unstable();
        assert_eq!(dealt, [0, 3]);
    }

    #[tokio::test]
    async fn a_batch_without_trouble_is_answered_with_nothing() {
        let batch = batch(&["a", "b"]);
        assert_eq!(
            batch
                .each(&permanent_failures().await, async |_| Ok(()))
                .await,
            BatchAnswer::default()
        );
    }
}
