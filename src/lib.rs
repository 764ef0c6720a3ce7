//! `qualwatch` watches companies' Chinese construction qualification certificates (建设工程企业资质证书) and mails what
//! changes. The rooms, and which may import which, are described in `ARCHITECTURE.md` and checked by `tests/it/tidy.rs`.

pub mod clock;
pub mod domain;
pub mod store;
pub mod juhe;
pub mod config;
pub mod sweep;
pub mod email;
pub mod daemon;
pub mod sandbox;
pub mod private_postgres;
pub mod commands;
