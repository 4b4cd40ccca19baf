//! A world for tests: a virtual clock, chosen chance, a journal in memory, and faults on demand.
//!
//! Only tests may depend on this crate, so it panics where a test should stop. It decides nothing that the product
//! decides; it stands where the world stands, behind the ports of `kernel::port`.

mod chance;
pub mod clickhouse;
mod clock;
mod disk;
pub mod mail;
mod memory;
mod place;
pub mod postgres;
mod python;
mod world;

pub use chance::SeededChance;
pub use clock::VirtualClock;
pub use disk::SmallDisk;
pub use memory::MemoryStore;
pub use place::{free_port, temp_dir};
pub use python::python_with;
pub use world::{Answer, FakeWorld};
