//! The Lambda function `manage-jobs`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::start(functions::manage_jobs::serve)
}
