//! An imitation of the upstream API on loopback, driven by a scenario file: for trying things out, for the demo and for
//! every test that must not cost money.
//!
//! It is written from the provider's document (企业建筑资质资格查询开发文档, version of 2025-03-11) and speaks it in raw
//! JSON. It may import `clock` and nothing else of this crate. What is deliberately absent: everything of `juhe/` and of
//! `domain/`. A misreading of the document shared by both sides of the line would make every test agree with itself.
//!
//! Design notes:
//! - One pure function (`answer`) decides what a request gets; the server only carries it out. So a
//!   request is in the ledger, with the code it will be answered with, before the first byte (or the wait) begins.
//! - Which certificates a company has is a function of the day in Asia/Shanghai by the clock that was handed in, so
//!   simulated time drives the story. Slowness is real time: the time-outs it is meant for are real, too.
//! - Where the document is silent (the bodies of errors, the live wording of two reasons) the shapes seen in public
//!   clients of the same provider are used; each such place says so.
//! - POST parameters are read from the form alone: a client that leaves the key in the URL is refused, not humoured.

mod answer;
mod certificates;
mod document;
mod error;
mod fault;
mod generator;
mod gzip_bomb;
mod instants;
mod response;
mod scenario;
mod scenario_file;
mod server;
#[cfg(test)]
mod tests;

pub use error::SandboxError;
pub use generator::OwnCompany;
pub use instants::span;
pub use scenario::Scenario;
pub use server::{Request, Sandbox};
