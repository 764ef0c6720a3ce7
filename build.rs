//! Makes a new migration noticed: `sqlx::migrate!` embeds the folder, and cargo does not watch it by itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
