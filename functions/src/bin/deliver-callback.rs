//! The Lambda function `deliver-callback`.

fn main() -> std::process::ExitCode {
    functions::start(functions::deliver_callback::serve)
}
