//! One try of what a customer is owed, and what becomes of it.

use aws::{Receiver, StoreError};
use domain::{Delivery, DeliveryState, DeliveryTry, Event, EventKind, JobId, Owner, Status, pause};

use super::DeliverCallback;
use crate::{
    callbacks::{Sent, body_of},
    http::now,
    observe::count,
};

impl DeliverCallback {
    /// One try of a delivery, written down; one that can never be made ends it as failed, so that those after it have their turn.
    pub(super) async fn deliver(&self, delivery: Delivery) -> Result<Delivery, StoreError> {
        match self.attempt(delivery.clone()).await {
            Err(why) if why.is_final() => self.give_up(delivery, &why).await,
            tried => tried,
        }
    }

    async fn give_up(
        &self,
        mut delivery: Delivery,
        why: &StoreError,
    ) -> Result<Delivery, StoreError> {
        tracing::error!(delivery = %delivery.id, %why, "delivery failed permanently");
        count("deliver-callback", "CallbacksFailed");
        let tried = DeliveryTry {
            at: now(),
            status: None,
            error: Some("internal error: the callback cannot be built or stored".to_owned()),
            duration_ms: 0,
        };
        self.deliveries.give_up(&delivery, &tried).await?;
        delivery.state = DeliveryState::Failed;
        delivery.add(tried);
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
        delivery.failures += u32::from(!sent.is_taken);
        let again = pause(delivery.failures, chance(), sent.retry_after).filter(|_| !sent.is_gone);
        delivery.state = match again {
            _ if sent.is_taken => DeliveryState::Delivered,
            Some(wait) => {
                delivery.due_ms = now().as_ms() + wait.as_millis() as i64;
                DeliveryState::Pending
            }
            None => DeliveryState::Failed,
        };
        tracing::info!(delivery = %delivery.id, state = delivery.state.name(), status = sent.tried.status, error = sent.tried.error, "delivery attempted");
        match delivery.state {
            DeliveryState::Delivered => count("deliver-callback", "CallbacksDelivered"),
            DeliveryState::Failed => count("deliver-callback", "CallbacksFailed"),
            DeliveryState::Pending => {}
        }
        delivery.add(sent.tried.clone());
        if self.deliveries.save(&delivery, due_ms).await? {
            return Ok(delivery);
        }
        // a person has asked for it again meanwhile: that holds
        let asked = self.deliveries.get(&delivery.job_id, &delivery.id).await?;
        let Some(mut asked) = asked else {
            return Ok(delivery);
        };
        asked.add(sent.tried);
        let due_ms = asked.due_ms;
        self.deliveries.save(&asked, due_ms).await?;
        Ok(asked)
    }

    /// Sends to an address, unless it wants nothing any more; one that says so is not asked again.
    async fn send(
        &self,
        url: &str,
        id: &str,
        body: Vec<u8>,
        receiver: &Receiver,
        owner: &Owner,
    ) -> Result<Sent, StoreError> {
        if receiver.is_disabled(url) {
            return Ok(Sent::not_wanted(now()));
        }
        let sent = self.sender.send(url, id, body, receiver).await;
        if sent.is_gone {
            self.remember(url, owner).await?;
        }
        Ok(sent)
    }

    /// An address that cannot be remembered for wanting nothing is asked again with the next delivery; this one is over.
    async fn remember(&self, url: &str, owner: &Owner) -> Result<(), StoreError> {
        match self.receivers.disable(owner, url).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!(
                "the disabled address is not recorded: the owner has reached the limit of disabled addresses"
            ),
            Err(why) if why.is_final() => {
                tracing::error!(%why, "the disabled address cannot be recorded");
            }
            Err(why) => return Err(why),
        }
        Ok(())
    }

    /// Tells how far an attempt is now, once, and only if that was not told before.
    pub(super) async fn tell_progress(&self, id: &JobId, attempt: u32) -> Result<(), StoreError> {
        // read anew: what was delivered before may have been the end
        let job = self.jobs.get(id).await?;
        let job = job.filter(|job| job.status == Status::Running && job.attempt == attempt);
        let Some(job) = job else {
            return Ok(());
        };
        let Some(url) = &job.callback_url else {
            return Ok(());
        };
        let place = Delivery::id_of(&job);
        let now_ms = now().as_ms();
        if !self
            .deliveries
            .tell_progress(&job.id, &place, now_ms)
            .await?
        {
            return Ok(());
        }
        let receiver = self.receivers.get(&job.owner).await?;
        let event = Event::of_job(&job, EventKind::Progress);
        let body = body_of(&event, &job.labels, &self.bucket).await?;
        // the start of an attempt may have the same place
        let id = format!("{place}-p");
        let sent = self.send(url, &id, body, &receiver, &job.owner).await?;
        tracing::info!(
            percent = job.progress_percent,
            status = sent.tried.status,
            error = sent.tried.error,
            "progress sent"
        );
        Ok(())
    }
}

/// A number from 0 to 1.
pub(super) fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}
