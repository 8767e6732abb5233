//! The Lambda function `submit-job`.

fn main() -> std::process::ExitCode {
    functions::start(functions::submit_job::serve)
}
