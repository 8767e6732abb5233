//! The functions against real engines of the APIs that they use, called as API Gateway, the stream and Step Functions call them.

mod changes;
mod cloud;
mod events;
mod front;
mod history;
mod life;
mod owners;
mod requests;
mod samples;
mod standins;
mod submission;
mod weather;
