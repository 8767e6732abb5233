//! The Lambda function `start-job`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::start(functions::start_job::serve)
}
