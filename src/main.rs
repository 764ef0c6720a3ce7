//! The door: parse the arguments, call the command, print the error chain once.

fn main() {}
