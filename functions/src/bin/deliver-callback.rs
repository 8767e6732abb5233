//! The Lambda function `deliver-callback`.

fn main() -> Result<(), lambda_runtime::Error> {
    functions::start(functions::deliver_callback::serve)
}
