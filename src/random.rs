//! The one source of randomness: the operating system's. For names that must not collide or be guessed, and for salts.

/// Bytes that nobody can foresee.
///
/// # Panics
/// Where the system has none: Linux always has, once it has booted (getrandom(2)).
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "as said above")]
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// A name that nobody else has: 16 hexadecimal digits.
#[must_use]
pub fn name() -> String {
    format!("{:016x}", u64::from_be_bytes(bytes()))
}
