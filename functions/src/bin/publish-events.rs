//! The Lambda function `publish-events`.

fn main() -> std::process::ExitCode {
    functions::start(functions::publish_events::serve)
}
