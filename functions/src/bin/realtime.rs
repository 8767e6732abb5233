//! The Lambda function `realtime`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::start(functions::realtime::serve)
}
