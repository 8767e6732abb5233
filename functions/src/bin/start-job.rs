//! The Lambda function `start-job`.

fn main() -> std::process::ExitCode {
    functions::start(functions::start_job::serve)
}
