//! The functions against real engines of the APIs that they use, called as API Gateway, the stream and Step Functions call them.

mod again;
mod binaries;
mod bodies;
mod callbacks;
mod changes;
mod cloud;
mod ends;
mod events;
mod front;
mod history;
mod life;
mod owners;
mod peers;
mod races;
mod receiver;
mod requests;
mod samples;
mod secrets;
mod seed;
mod signatures;
mod standins;
mod stream;
mod submission;
mod template;
mod uploads;
mod weather;
