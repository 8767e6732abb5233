//! The Lambda function `ingest-webhook`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::start(functions::ingest_webhook::serve)
}
