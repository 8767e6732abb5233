//! The Lambda function `ingest-webhook`.

fn main() -> std::process::ExitCode {
    functions::start(functions::ingest_webhook::serve)
}
