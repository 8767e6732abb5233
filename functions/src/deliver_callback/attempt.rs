//! One attempt of a delivery, and its result.

use aws::{Receiver, StoreError};
use domain::{
    Delivery, DeliveryAttempt, DeliveryState, Event, EventKind, JobId, Owner, Status, retry_delay,
};

use super::DeliverCallback;
use crate::{
    callbacks::{Sent, body_of},
    http::now,
    observe::count,
};

impl DeliverCallback {
    /// Attempts a delivery and records the result. One that can never be made ends as failed, so that those after it can proceed.
    pub(super) async fn deliver(&self, delivery: Delivery) -> Result<Delivery, StoreError> {
        match self.attempt(delivery.clone()).await {
            Err(why) if why.is_permanent() => self.give_up(delivery, &why).await,
            attempt => attempt,
        }
    }

    async fn give_up(
        &self,
        mut delivery: Delivery,
        why: &StoreError,
    ) -> Result<Delivery, StoreError> {
        tracing::error!(delivery = %delivery.id, %why, "delivery failed permanently");
        count("deliver-callback", "CallbacksFailed");
        let attempt = DeliveryAttempt {
            at: now(),
            status: None,
            error: Some("internal error: the callback cannot be built or stored".to_owned()),
            duration_ms: 0,
        };
        self.deliveries.mark_failed(&delivery, &attempt).await?;
        delivery.state = DeliveryState::Failed;
        delivery.add(attempt);
        Ok(delivery)
    }

    async fn attempt(&self, mut delivery: Delivery) -> Result<Delivery, StoreError> {
        let due_ms = delivery.due_ms;
        let receiver = self.receivers.get(&delivery.owner).await?;
        let body = body_of(&delivery.event, &delivery.labels, &self.bucket).await?;
        let sent = self
            .send(
                &delivery.url,
                &delivery.id,
                body,
                &receiver,
                &delivery.owner,
            )
            .await?;
        delivery.failures += u32::from(!sent.is_accepted);
        let retry_after = retry_delay(delivery.failures, random_fraction(), sent.retry_after)
            .filter(|_| !sent.is_gone);
        delivery.state = match retry_after {
            _ if sent.is_accepted => DeliveryState::Delivered,
            Some(wait) => {
                delivery.due_ms = now().as_ms() + wait.as_millis() as i64;
                DeliveryState::Pending
            }
            None => DeliveryState::Failed,
        };
        tracing::info!(delivery = %delivery.id, state = delivery.state.name(), status = sent.attempt.status, error = sent.attempt.error, "delivery attempted");
        match delivery.state {
            DeliveryState::Delivered => count("deliver-callback", "CallbacksDelivered"),
            DeliveryState::Failed => count("deliver-callback", "CallbacksFailed"),
            DeliveryState::Pending => {}
        }
        delivery.add(sent.attempt.clone());
        if self.deliveries.save(&delivery, due_ms).await? {
            return Ok(delivery);
        }
        // a replay was requested during the attempt: it takes precedence
        let replayed = self.deliveries.get(&delivery.job_id, &delivery.id).await?;
        let Some(mut replayed) = replayed else {
            return Ok(delivery);
        };
        replayed.add(sent.attempt);
        let due_ms = replayed.due_ms;
        self.deliveries.save(&replayed, due_ms).await?;
        Ok(replayed)
    }

    /// Sends to an address unless it is disabled; disables it if it answers 410.
    async fn send(
        &self,
        url: &str,
        id: &str,
        body: Vec<u8>,
        receiver: &Receiver,
        owner: &Owner,
    ) -> Result<Sent, StoreError> {
        if receiver.is_disabled(url) {
            return Ok(Sent::address_disabled(now()));
        }
        let sent = self.sender.send(url, id, body, receiver).await;
        if sent.is_gone {
            self.disable_address(url, owner).await?;
        }
        Ok(sent)
    }

    /// An address that cannot be recorded as disabled is tried again with the next delivery; this one has ended.
    async fn disable_address(&self, url: &str, owner: &Owner) -> Result<(), StoreError> {
        match self.receivers.disable(owner, url).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                "the disabled address is not recorded: the owner has reached the limit of disabled addresses"
            ),
            Err(why) if why.is_permanent() => {
                tracing::error!(%why, "the disabled address cannot be recorded");
            }
            Err(why) => return Err(why),
        }
        Ok(())
    }

    /// Sends the progress of an attempt once, unless the same state was sent before.
    pub(super) async fn send_progress(&self, id: &JobId, attempt: u32) -> Result<(), StoreError> {
        // read again: a delivery may just have ended the job
        let job = self.jobs.get(id).await?;
        let job = job.filter(|job| job.status == Status::Running && job.attempt == attempt);
        let Some(job) = job else {
            return Ok(());
        };
        let Some(url) = &job.callback_url else {
            return Ok(());
        };
        let id_of_state = Delivery::id_of(&job);
        let now_ms = now().as_ms();
        if !self
            .deliveries
            .record_progress(&job.id, &id_of_state, now_ms)
            .await?
        {
            return Ok(());
        }
        let receiver = self.receivers.get(&job.owner).await?;
        let event = Event::from_job(&job, EventKind::Progress);
        let body = body_of(&event, &job.labels, &self.bucket).await?;
        // the start of an attempt may have the same id
        let id = format!("{id_of_state}-p");
        let sent = self.send(url, &id, body, &receiver, &job.owner).await?;
        tracing::info!(
            percent = job.progress_percent,
            status = sent.attempt.status,
            error = sent.attempt.error,
            "progress sent"
        );
        Ok(())
    }
}

/// A random number from 0 to 1.
pub(super) fn random_fraction() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}
