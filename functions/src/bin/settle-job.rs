//! The Lambda function `settle-job`.

fn main() -> std::process::ExitCode {
    functions::start(functions::settle_job::serve)
}
