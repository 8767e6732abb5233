//! The Lambda function `sweep-jobs`.

fn main() -> std::process::ExitCode {
    functions::start(functions::sweep_jobs::serve)
}
