//! `qualwatch` watches companies' Chinese construction qualification certificates (建设工程企业资质证书) and mails what
//! changes. The rooms, and which may import which, are described in `ARCHITECTURE.md` and checked by `tests/it/tidy.rs`.

pub mod clock;
pub mod commands;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod email;
pub mod http;
pub mod juhe;
pub mod private_postgres;
pub mod random;
pub mod sandbox;
pub mod standing;
pub mod store;
pub mod sweep;
