//! Thin front of the library's command line.

fn main() -> std::process::ExitCode {
    itbsim::cli::main(std::env::args_os())
}
