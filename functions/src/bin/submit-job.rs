//! The Lambda function `submit-job`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::start(functions::submit_job::serve)
}
