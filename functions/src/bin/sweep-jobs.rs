//! The Lambda function `sweep-jobs`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::start(functions::sweep_jobs::serve)
}
