//! The Lambda function `manage-jobs`.

fn main() -> std::process::ExitCode {
    functions::start(functions::manage_jobs::serve)
}
