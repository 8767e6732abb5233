//! The Lambda function `settle-job`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::start(functions::settle_job::serve)
}
