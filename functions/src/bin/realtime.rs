//! The Lambda function `realtime`.

fn main() -> std::process::ExitCode {
    functions::start(functions::realtime::serve)
}
