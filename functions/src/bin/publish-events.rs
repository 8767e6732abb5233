//! The Lambda function `publish-events`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::start(functions::publish_events::serve)
}
