//! The program `clipwright`.

fn main() -> std::process::ExitCode {
    clipwright::main()
}
